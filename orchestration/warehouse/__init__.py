"""The ground of everything: where a warehouse lies, its lock, its raw tables and what was done to them."""
