"""Text in, text out: personal data and secrets masked, unprintable characters written as escapes."""
