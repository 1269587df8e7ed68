"""Records of what was published and later changed, kept in raw.duckdb: a build may be deleted, these may not.

A mart that is a history reads its records from here, adds what this build changes, and is published as a whole. Only
what was published enters the records: a build that was not published has changed nothing for its readers.
"""

from pathlib import Path

import duckdb

from orchestration.publishing.export import BUILD
from orchestration.publishing.tables import SCHEMA
from orchestration.publishing.versions import LINK_NAME
from orchestration.warehouse.quoting import quoted, text_literal

HISTORY_TABLES = {
    "metric_restatements": {
        "date": "DATE",
        "metric_name": "VARCHAR",
        "segment": "VARCHAR",
        "old_value": "DOUBLE",
        "new_value": "DOUBLE",
        "restated_at": "TIMESTAMP",
        "load_id": "BIGINT",
        "reason": "VARCHAR",
    },
    "ab_test_registrations": {
        "test_name": "VARCHAR",
        "phase": "INTEGER",
        "control_variant": "VARCHAR",
        "variants": "VARCHAR",
        "weights": "VARCHAR",
        "assignment": "VARCHAR",
        "randomization_unit": "VARCHAR",
        "metric_type": "VARCHAR",
        "primary_metric": "VARCHAR",
        "window_hours": "INTEGER",
        "started_at": "TIMESTAMP",
        "planned_at": "TIMESTAMP",
        "planned_total": "BIGINT",
        "mde_abs": "DOUBLE",
        "test_kind": "VARCHAR",
        "guardrail_margin": "DOUBLE",
        "registered_at": "TIMESTAMP",
        "load_id": "BIGINT",
    },
    "ab_test_verdict_changes": {
        "test_name": "VARCHAR",
        "phase": "INTEGER",
        "metric": "VARCHAR",
        "variant": "VARCHAR",
        "is_exploratory": "BOOLEAN",
        "old_verdict": "VARCHAR",
        "new_verdict": "VARCHAR",
        "old_harm_alert": "BOOLEAN",
        "new_harm_alert": "BOOLEAN",
        "changed_at": "TIMESTAMP",
        "load_id": "BIGINT",
        "reason": "VARCHAR",
    },
}


def keep_history(raw_database: Path, published: Path) -> int:
    """Take the published histories into raw.duckdb, its tables made if missing; return the number of new records.

    Can be repeated: records that are there already stay as they are. Raises duckdb.Error when a file cannot be used.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach {text_literal(raw_database)} as store")
        connection.execute("create schema if not exists store.history")
        for name, columns in HISTORY_TABLES.items():
            body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table if not exists store.history.{name} ({body})")
        if not (published / LINK_NAME).exists():
            return 0
        connection.execute(f"attach {text_literal(published / LINK_NAME)} as {BUILD} (read_only)")
        return sum(_keep(connection, name, list(columns)) for name, columns in HISTORY_TABLES.items())


def _keep(connection: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> int:
    is_published = connection.execute(
        "select 1 from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
        [BUILD, SCHEMA, name],
    ).fetchone()
    # A version published by an earlier release may not have the table yet.
    if is_published is None:
        return 0
    listed = ", ".join(quoted(column) for column in columns)
    published = listed
    if "reason" in columns:
        # The word of versions before the first release.
        connection.execute(f"update store.history.{name} set reason = 'reload' where reason = 'reland'")
        published = listed.replace('"reason"', "case reason when 'reland' then 'reload' else reason end")
    row = connection.execute(
        f"""
        insert into store.history.{name} ({listed})
        select {published} from {BUILD}.{SCHEMA}.{name} except select {listed} from store.history.{name}"""
    ).fetchone()
    return int(row[0]) if row else 0
