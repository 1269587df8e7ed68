"""The embedded model: stages told from words, acts and events, message by message, with numpy alone."""
