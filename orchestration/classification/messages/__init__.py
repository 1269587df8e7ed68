"""Labels of single messages of customers: their sentiment, and the labels of the taxonomy that their words show."""
