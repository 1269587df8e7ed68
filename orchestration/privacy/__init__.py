"""What people said, and who they are: redacted before it is published, erased on request, forgotten in time."""
