"""Customers who say again what they have said: in other words (a rephrase) or in the same (a repeat)."""
