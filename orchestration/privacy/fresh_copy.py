"""Rewrites raw.duckdb: DELETE, UPDATE and VACUUM leave the old bytes in the file, only a fresh one is clean."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.publishing.durable_files import sync_to_disk
from orchestration.warehouse.home import Home
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.raw_tables import open_raw


def fresh_path(raw_database: Path) -> Path:
    """Return the file a copy is written into before it takes the place of raw."""
    return Home(raw_database.parent).fresh_raw_database


@contextmanager
def open_copy(raw_database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open raw for reading, as the current catalog, next to an empty file, attached as `fresh`.

    After the block the fresh file is closed and on disk; `replace_raw` puts it in place. Raw itself does not change.
    """
    fresh = fresh_path(raw_database)
    spill = Path(f"{fresh}.tmp")
    for leftover in (fresh, Path(f"{fresh}.wal")):
        leftover.unlink(missing_ok=True)
    # Brings an older layout up to date, and folds a log left by a crash into the file.
    open_raw(raw_database).close()
    try:
        with duckdb.connect(config={"temp_directory": str(spill), "threads": 1}) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach {text_literal(str(raw_database))} as clear (read_only)")
            connection.execute(f"attach {text_literal(str(fresh))} as fresh (storage_version 'latest')")
            connection.execute("use clear")
            yield connection
            connection.execute("use memory")
            connection.execute("detach fresh")
        sync_to_disk(fresh)
    except BaseException:
        # Half a copy takes the room that the rest of the run needs.
        fresh.unlink(missing_ok=True)
        raise
    finally:
        # What did not fit into memory was spilled in clear.
        shutil.rmtree(spill, ignore_errors=True)


def tables_of(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return every table of the raw database, as schema.table: raw itself, and the histories next to it."""
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'clear' order by 1"
    ).fetchall()
    return [table for (table,) in rows]


def write_tables(connection: duckdb.DuckDBPyConnection, selects: Mapping[str, str]) -> None:
    """Write every table into the fresh file: by its own select where it has one, else as it is."""
    for table in tables_of(connection):
        connection.execute(f"create schema if not exists fresh.{table.partition('.')[0]}")
        connection.execute(f"create table fresh.{table} as {selects.get(table, f'select * from {table}')}")


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Return the columns of a table, named as schema.table, in order with their types."""
    rows = connection.execute(
        """select column_name, data_type from duckdb_columns()
        where database_name = 'clear' and schema_name || '.' || table_name = ? order by column_index""",
        [table],
    ).fetchall()
    return dict(rows)


def replace_raw(raw_database: Path) -> None:
    """Put the fresh copy in the place of raw, at once."""
    os.replace(fresh_path(raw_database), raw_database)  # noqa: PTH105 - the name states the effect
    sync_to_disk(raw_database.parent)
    shutil.rmtree(f"{raw_database}.tmp", ignore_errors=True)
