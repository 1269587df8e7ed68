"""The embedded model: stages from words, acts and events, message by message, with numpy alone."""
