"""Bounded data frames out of the databases of a warehouse: their size never grows with the warehouse."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.warehouse.source_contracts import SOURCES, SourceContract

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 10_000
MART_ROWS = 100_000


@contextmanager
def open_read_only(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database as every other reader of this process does, or DuckDB would refuse the second one."""
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def newest_events(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> "pd.DataFrame":
    """Return the newest SAMPLE_ROWS accepted rows of a source: file, line, conversation, type, time, hours after load.

    Rows are appended, so the newest have the highest row numbers: no sort, and always the same rows.
    """
    return connection.execute(
        f"""select _file as file, _line as line, {contract.conversation} as conversation_id, event_type,
            "timestamp" as occurred_at, date_diff('second', _loaded_at, "timestamp") / 3600.0 as hours_after_load
        from raw.raw.{contract.name}
        where rowid > (select coalesce(max(rowid), 0) from raw.raw.{contract.name}) - {SAMPLE_ROWS}
        order by rowid"""
    ).df()


def sources_since(connection: duckdb.DuckDBPyConnection, load_id: int) -> set[str]:
    """Return the sources of which a line was accepted, or a file repaired, after a load."""
    rows = connection.execute(
        """select source from raw.raw.loaded_files where load_id > $load_id and accepted > 0
        union select source from raw.raw.repaired_conversations where load_id > $load_id""",
        {"load_id": load_id},
    ).fetchall()
    return {str(source) for (source,) in rows}


def newest_file_loads(connection: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """Return the newest SAMPLE_ROWS loads of files: how many lines, and where they went (accounted_lines in total)."""
    return connection.execute(
        f"""select file, load_id, lines, accepted + rejected + duplicates as accounted_lines, duplicates, reread
        from raw.raw.loaded_files
        where rowid > (select coalesce(max(rowid), 0) from raw.raw.loaded_files) - {SAMPLE_ROWS}
        order by rowid"""
    ).df()


def newest_load(connection: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """Return a row per source of the newest load: lines, accepted, rejected, rejected_share (0..1), held (its rows)."""
    held = " union all ".join(
        f"select '{name}' as source, count(*) as held from raw.raw.{name} where _load_id = (select load_id from newest)"
        for name in SOURCES
    )
    return connection.execute(
        f"""with newest as (select max(load_id) as load_id from raw.raw.loaded_files), held as ({held})
        select source, load_id, sum(lines)::bigint as lines, sum(accepted)::bigint as accepted,
            sum(rejected)::bigint as rejected,
            coalesce(sum(rejected) / nullif(sum(lines), 0), 0) as rejected_share, any_value(held)::bigint as held
        from raw.raw.loaded_files inner join newest using (load_id) inner join held using (source)
        group by source, load_id order by source"""
    ).df()


def newest_metrics(connection: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """Return the MART_ROWS rows of metrics_daily with the newest dates.

    Numbers are rounded to nine decimals: an interval that touches its value does so up to the last bit of a double.
    """
    return connection.execute(
        f"""select date, metric_name, segment, unit, round(value, 9) as value, round(ci_low, 9) as ci_low,
            round(ci_high, 9) as ci_high, numerator, denominator, sample_size, is_final
        from marts.metrics_daily order by date desc, metric_name, segment limit {MART_ROWS}"""
    ).df()


def has_conversations(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether fct_conversations holds any row."""
    return bool(connection.execute("select exists (select 1 from marts.fct_conversations)").fetchall()[0][0])


def count_rows(database: Path, tables: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the rows of each (schema, table) that exists as a table; views are left out, counting one computes it."""
    wanted = set(tables)
    with open_read_only(database) as connection:
        existing = connection.execute(
            "select database_name, schema_name, table_name from duckdb_tables() "
            "where database_name = current_database()"
        ).fetchall()
        # Named in full: in raw.duckdb the catalog is called like its schema.
        return {
            (schema, table): int(
                connection.execute(f'select count(*) from "{catalog}"."{schema}"."{table}"').fetchall()[0][0]
            )
            for catalog, schema, table in existing
            if (schema, table) in wanted
        }
