"""Inserts events into raw tables, in the rows that landing would insert."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.redaction.redactor import REDACTOR_VERSION
from orchestration.warehouse.raw_tables import open_raw
from tests.benchmarks.generator.events import landed_rows, properties
from tests.benchmarks.generator.population import Population

# Base conversations a statement makes; what it sorts fits in memory.
_AT_ONCE = 60_000


def land_days(
    raw_database: Path, populations: Sequence[Population], first_day: int, last_day: int, *, load_id: int
) -> int:
    """Insert what arrives on days `first_day` <= day < `last_day` as one load, and return how many events that are.

    The rows are those that landing inserts, without its price: files are measured by a letter of their own. What the
    redactor and the labellers have looked at is recorded, because a history has been through both.
    """
    inserted = 0
    with open_raw(raw_database) as connection:
        connection.execute("set threads = 2")
        for population in populations:
            earliest, latest = population.conversation_days(first_day, last_day)
            step = max(1, _AT_ONCE // (population.per_day * population.replicas))
            for start in range(earliest, latest, step):
                days = (start, min(start + step, latest))
                inserted += _insert(connection, population, days, (first_day, last_day), load_id)
        connection.execute(
            "insert into raw.loaded_files by name select $file as file, 'events' as source, $rows::bigint as lines, "
            "$rows::bigint as accepted, 0 as rejected, 0 as duplicates, 0 as reread, $load::bigint as load_id, "
            "0 as size_bytes, 0 as modified_ns, '' as identity, md5($file) as sha256, "
            "timestamp '2026-06-01' + to_minutes($load::int) as loaded_at",
            {"file": f"events/generated-{load_id:06}.jsonl", "rows": inserted, "load": load_id},
        )
        _record_progress(connection, load_id)
    return inserted


def _insert(
    connection: duckdb.DuckDBPyConnection,
    population: Population,
    days: tuple[int, int],
    arrival: tuple[int, int],
    load_id: int,
) -> int:
    """Insert the events of conversations of `days` that arrive within `arrival`, in time order, and count them."""
    connection.execute(
        f"create or replace temp table made as select * from ({landed_rows(population, *days)}) "
        f"where arrival_day >= {arrival[0]} and arrival_day < {arrival[1]} order by timestamp, event_id"
    )
    lineage = (
        f"{load_id}::bigint as _load_id, 'events/generated-{load_id:06}.jsonl' as _file, slot as _line, "
        f"timestamp '2026-06-01' + to_minutes({load_id}) as _loaded_at, md5_number_lower(event_id) as _event_hash, "
        "hash(event_id, event_type, timestamp) as _line_hash"
    )
    connection.execute(
        "insert into raw.events by name select * exclude (content, slot, arrival_day), "
        f"{properties(with_content=False)} as properties, {lineage} from made"
    )
    connection.execute(
        "insert into raw.message_texts by name select 'events' as source, event_id, content, timestamp, "
        f"{load_id}::bigint as _load_id from made where content is not null"
    )
    row = connection.execute("select count(*) from made").fetchone()
    connection.execute("drop table made")
    return int(row[0]) if row else 0


def _record_progress(connection: duckdb.DuckDBPyConnection, load_id: int) -> None:
    for table in ("raw.redaction_progress", "ledger.labelling_progress", "ledger.message_labelling_progress"):
        connection.execute(f"delete from {table}")
    connection.execute("insert into raw.redaction_progress values (?, ?)", [REDACTOR_VERSION, load_id])
    connection.execute("insert into ledger.labelling_progress values (?)", [load_id])
    connection.execute("insert into ledger.message_labelling_progress values (?)", [load_id])
