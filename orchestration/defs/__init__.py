"""Dagster glue only: no arithmetic, no SQL beyond a table name."""
