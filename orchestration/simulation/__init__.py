"""Simulated conversations with known truth: what `make demo` shows and what the warehouse is checked against."""
