"""Which stages a conversation has reached, and the message that shows it."""
