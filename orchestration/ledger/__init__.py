"""The label ledger: what is labelled when, from what, with which evidence; in raw.duckdb, append-only."""
