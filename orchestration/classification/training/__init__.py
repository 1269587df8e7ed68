"""Conversations written for this project, from which the embedded model learns; nothing else ships fitted."""
