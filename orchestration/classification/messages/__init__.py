"""What single messages of customers say: their mood, and the labels of the taxonomy that their words show."""
