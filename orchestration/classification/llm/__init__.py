"""Asks a language model behind an OpenAI-compatible endpoint about the conversations that the model was not sure of."""
