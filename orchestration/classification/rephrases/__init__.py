"""Customers who state their message again: in other words (a rephrase) or in the same words (a repeat)."""
