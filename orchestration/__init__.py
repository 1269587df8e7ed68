"""Colloquy: a conversation warehouse for AI agents. Dagster runs it; dbt models and plain Python do the work."""
