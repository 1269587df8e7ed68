"""A small build database, and readers of what was published from it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publishing import PublishSummary, publish

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TABLES = ("fct_conversations", "metrics_daily", "fallback_topics", "alerts")
TWO_TABLES = ("fct_conversations", "fallback_topics")
RAW_TEXT = "only raw may hold this sentence"

# Months: conversations 2026-01 (2 rows), 2026-02 (1), no date (1); metrics_daily 2026-02 (1); alerts is empty.
_STATEMENTS = f"""
create schema marts; create schema staging; create schema raw;
create table raw.events as select '{RAW_TEXT}' as line;
create view staging.stg_events as select * from raw.events;
create table marts.not_listed as select '{RAW_TEXT}' as line;
create table marts.fct_conversations (conversation_key varchar, conversation_date date, turns integer, tags varchar[]);
insert into marts.fct_conversations values
    ('s:1', '2026-01-05', 3, ['a']), ('s:2', '2026-01-31', 0, []),
    ('s:3', '2026-02-01', 7, null), ('s:4', null, 1, ['b']);
comment on table marts.fct_conversations is 'One row per conversation; it''s the grain.';
comment on column marts.fct_conversations.turns is 'Customer messages.';
create table marts.metrics_daily (date timestamp, metric varchar, value double, timezone varchar);
insert into marts.metrics_daily values ('2026-02-28 00:00:00', 'resolution_rate', 0.25, 'UTC');
create table marts.fallback_topics (topic varchar, share decimal(18, 6));
insert into marts.fallback_topics values ('billing', 0.5), ('delivery', 0.125);
create table marts.alerts (start_date date, rule varchar);
"""


def make_build(folder: Path) -> Path:
    """Write the build database into `folder` and return its path."""
    path = folder / "build.duckdb"
    change_build(path, _STATEMENTS)
    return path


def change_build(path: Path, statements: str) -> None:
    """Run SQL on the build database and close it."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(statements)


def publish_sample(
    build: Path, published: Path, *, on_progress: Callable[[str], None] = lambda _: None, **changed: Any
) -> PublishSummary:
    """Publish the sample tables with arguments that a test may change."""
    arguments: dict[str, Any] = {
        "tables": TABLES,
        "run_id": "run-1",
        "data_until": datetime(2026, 2, 28, tzinfo=UTC),
        "checks": {"passed": 12, "failed": 0},
        "keep": 3,
        "now": NOON,
    }
    return publish(build, published, on_progress=on_progress, **{**arguments, **changed})


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Open the database directly, as an analyst does, and return the rows."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def parquet_rows(pattern: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    """Return the rows of the Parquet files that match, sorted."""
    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from '{pattern}' order by all").fetchall()


def names(folder: Path) -> set[str]:
    """Return every file and link below `folder`, links not followed."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
