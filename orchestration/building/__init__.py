"""Everything around one dbt invocation: its project, its variables, what has been built so far."""
