"""How good a classifier is: sets with truth, scores, baselines and their report."""
