"""Configuration as data: the seeds, how they are read, and what is wrong with their rows."""
