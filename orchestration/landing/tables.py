"""The raw tables: made if missing, nothing else changes their shape."""

from pathlib import Path

import duckdb

from orchestration.landing.contracts import LINEAGE_COLUMNS, SOURCES, content_columns
from orchestration.landing.parsing import text

_OTHERS = {
    "message_texts": {
        "source": "VARCHAR",
        "event_id": "VARCHAR",
        "content": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "_load_id": "BIGINT",
    },
    "rejected_events": {
        "source": "VARCHAR",
        "_file": "VARCHAR",
        "_line": "BIGINT",
        "reason": "VARCHAR",
        "line": "VARCHAR",
        "line_bytes": "BIGINT",
        "line_sha256": "VARCHAR",
        "_load_id": "BIGINT",
        "_loaded_at": "TIMESTAMP",
    },
    "loaded_files": {
        "file": "VARCHAR",
        "source": "VARCHAR",
        "size_bytes": "BIGINT",
        "modified_ns": "BIGINT",
        "sha256": "VARCHAR",
        "lines": "BIGINT",
        "accepted": "BIGINT",
        "rejected": "BIGINT",
        "duplicates": "BIGINT",
        "reread": "BIGINT",
        "load_id": "BIGINT",
        "loaded_at": "TIMESTAMP",
    },
    "pending_files": {
        "file": "VARCHAR",
        "source": "VARCHAR",
        "size_bytes": "BIGINT",
        "modified_ns": "BIGINT",
        "pending_since": "TIMESTAMP",
        "cause": "VARCHAR",
    },
}


def open_raw(path: Path) -> duckdb.DuckDBPyConnection:
    """Open raw.duckdb for writing, its tables in place. Raises duckdb.IOException when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The newest storage format halves the cost of writing; the file keeps the one it was made with.
    options = "" if path.exists() else " (storage_version 'latest')"
    # Attached under a neutral name: in a catalog called raw, the file's own, `raw.events` would be ambiguous.
    # One thread: measured on 200 MB, a second one tripled the CPU time of taking JSON apart and doubled the wall time.
    connection = duckdb.connect(config={"temp_directory": f"{path}.tmp", "threads": 1})
    connection.execute(f"attach {text(str(path))} as store{options}")
    connection.execute("use store")
    connection.execute("set TimeZone = 'UTC'")
    # A load of many small files would fold its log into the file again and again; it is folded in when it is closed.
    connection.execute("set wal_autocheckpoint = '256MB'")
    create_tables(connection)
    return connection


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create schema raw and its tables where they are missing."""
    connection.execute("create schema if not exists raw")
    tables = {name: LINEAGE_COLUMNS | content_columns(contract) for name, contract in SOURCES.items()} | _OTHERS
    for name, columns in tables.items():
        body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"create table if not exists raw.{name} ({body})")
