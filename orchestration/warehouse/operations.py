"""The record of what people did to the raw tables apart from landing, and of the conversations that it changed."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.source_contracts import SOURCES
from orchestration.warehouse.utc import stored

Operation = Literal["rebuild", "reload", "exclude", "erase", "retention", "relabel", "judge"]
Detail = Mapping[str, str | int | bool]


def record_operation(
    connection: duckdb.DuckDBPyConnection,
    operation: Operation,
    *,
    performed_at: datetime,
    load_id: int,
    detail: Detail,
) -> None:
    """Write one row into raw.operations; `performed_at` UTC, naive, and `load_id` as `next_load` gives them.

    `detail` must hold no personal data: this table outlives every erasure.
    """
    connection.execute(
        "insert into raw.operations (operation, performed_at, load_id, detail) values (?, ?, ?, ?)",
        [operation, performed_at, load_id, json.dumps(dict(detail), sort_keys=True)],
    )


def record_rebuild(raw_database: Path, now: datetime) -> None:
    """Note in the raw database that everything derived from it is rebuilt; `now` is aware."""
    with open_raw(raw_database) as connection:
        load_id, performed_at = next_load(connection, stored(now))
        record_operation(connection, "rebuild", performed_at=performed_at, load_id=load_id, detail={})


def mark_repaired(
    connection: duckdb.DuckDBPyConnection,
    operation: Operation,
    *,
    source: str,
    load_id: int,
    condition: str,
    parameters: Mapping[str, object],
) -> int:
    """Note the conversations of raw.<source> that have a row fulfilling `condition`, and return how many there are.

    To be called before the rows change: the next build recomputes these conversations, those without rows left too.
    """
    conversation = SOURCES[source].conversation
    row = connection.execute(
        f"""
        insert into raw.repaired_conversations (source, conversation_id, load_id, operation)
        select distinct $source, {conversation}, $load_id, $operation
        from raw.{source} where {condition}""",
        {"source": source, "load_id": load_id, "operation": operation, **parameters},
    ).fetchone()
    return int(row[0]) if row else 0
