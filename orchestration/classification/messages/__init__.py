"""What single messages of customers say: their sentiment, and the labels of the taxonomy that their words show."""
