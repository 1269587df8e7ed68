"""Texts and identities of people: redacted before they are published, erased on request, forgotten in time."""
