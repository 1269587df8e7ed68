"""The engines: DuckDB on the warehouse's own raw file, the others on Parquet of the same rows."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from tests.benchmarks.peers.answers import Answers, Rows, canonical
from tests.benchmarks.peers.polars_streaming import polars_answers
from tests.benchmarks.peers.sql import STAGES, Dialect, answer, chained_funnel

Sent = Sequence[Sequence[object]]
# The columns that the four answers need, and all others: a columnar engine skips the others.
_LEFT_OUT = "_load_id, _file, _line, _loaded_at, _event_hash, _line_hash, properties"


def write_parquet(raw_database: Path, parquet: Path) -> int:
    """Write the raw events for the engines that do not read DuckDB's files, in the same order; return the bytes."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{raw_database}' as store (read_only)")
        connection.execute(
            f"copy (select * exclude ({_LEFT_OUT}) from store.raw.events) "
            f"to '{parquet}' (format parquet, compression zstd)"
        )
    return parquet.stat().st_size


def duckdb_answers(raw_database: Path, parquet: Path) -> Answers:
    """Answer by hand in DuckDB, over the raw file."""
    del parquet
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"attach '{raw_database}' as store (read_only)")
        send = _duckdb(connection)
        dialect = _duckdb_dialect()
        return _canonical(answer(dialect, send, lambda: chained_funnel(dialect, send)))


def duckdb_funnel(raw_database: Path, parquet: Path) -> Answers:
    """Count the funnel alone by hand in DuckDB, over the raw file."""
    del parquet
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"attach '{raw_database}' as store (read_only)")
        send = _duckdb(connection)
        send(
            """create temp table facts as select conversation_id,
                min("timestamp") filter (where event_type = 'agent_message') as greeted_at
            from store.raw.events
            group by conversation_id having count(*) filter (where event_type <> 'experiment_exposure') > 0"""
        )
        return {"funnel": canonical(chained_funnel(_duckdb_dialect(), send))}


def clickhouse_answers(raw_database: Path, parquet: Path) -> Answers:
    """Answer in ClickHouse in process, over Parquet, with its own windowFunnel."""
    del raw_database
    dialect = Dialect(
        events=f"file('{parquet}', Parquet)",
        create="create table {name} engine = Memory as",
        first='argMin({column}, "timestamp") filter (where {column} is not null)',
        micros="toUnixTimestamp64Micro({at})",
        date="toDate({at})",
    )
    send = _clickhouse()
    return _canonical(answer(dialect, send, lambda: _window_funnel(send, parquet)))


def clickhouse_funnel(raw_database: Path, parquet: Path) -> Answers:
    """Count the funnel alone in ClickHouse in process, over Parquet."""
    del raw_database
    return {"funnel": canonical(_window_funnel(_clickhouse(), parquet))}


def datafusion_answers(raw_database: Path, parquet: Path) -> Answers:
    """Answer in DataFusion, over Parquet."""
    del raw_database
    import datafusion  # noqa: PLC0415 - installed by make bench alone

    config = datafusion.SessionConfig().with_target_partitions(2)
    context = datafusion.SessionContext(config)
    context.register_parquet("events", str(parquet))

    def send(statement: str) -> Sent:
        batches = context.sql(statement).collect()
        return [list(row.values()) for batch in batches for row in batch.to_pylist()]

    dialect = Dialect(
        events="events",
        create="create table {name} as",
        first='first_value({column} order by "timestamp") filter (where {column} is not null)',
        micros="cast({at} as bigint)",
        date="cast({at} as date)",
    )
    return _canonical(answer(dialect, send, lambda: chained_funnel(dialect, send)))


ENGINES: dict[str, Callable[[Path, Path], Answers]] = {
    "DuckDB by hand": duckdb_answers,
    "ClickHouse in process": clickhouse_answers,
    "Polars streaming": polars_answers,
    "DataFusion": datafusion_answers,
}
FUNNEL_ENGINES: dict[str, Callable[[Path, Path], Answers]] = {
    "DuckDB by hand": duckdb_funnel,
    "ClickHouse windowFunnel": clickhouse_funnel,
}
# What is imported before the clock starts.
MODULES = {
    "ClickHouse in process": "chdb.session",
    "ClickHouse windowFunnel": "chdb.session",
    "Polars streaming": "polars",
    "DataFusion": "datafusion",
}


def _canonical(answers: dict[str, Sent]) -> Answers:
    return {asked: canonical(rows) for asked, rows in answers.items()}


def _duckdb_dialect() -> Dialect:
    return Dialect(
        events="store.raw.events",
        create="create temp table {name} as",
        first='arg_min({column}, "timestamp") filter (where {column} is not null)',
        micros="epoch_us({at})",
        date="cast({at} as date)",
    )


def _duckdb(connection: duckdb.DuckDBPyConnection) -> Callable[[str], Sent]:
    return lambda statement: connection.execute(statement).fetchall()


def _clickhouse() -> Callable[[str], Sent]:
    """Return what runs a statement in a session of its own, whose tables lie in memory."""
    from chdb import session  # noqa: PLC0415 - installed by make bench alone

    chosen = session.Session()
    # As in standard SQL: a row without a partner gets null.
    chosen.query("set join_use_nulls = 1")
    chosen.query("set max_threads = 2")

    def send(statement: str) -> Sent:
        text = str(chosen.query(statement, "JSONCompact"))
        rows: Rows = json.loads(text)["data"] if text else []
        return [[_number(value) for value in row] for row in rows]

    return send


def _number(value: str | float | None) -> object:
    """ClickHouse writes its 64-bit numbers as text into JSON."""
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


def _window_funnel(send: Callable[[str], Sent], parquet: Path) -> Sent:
    """Count the conversations of each stage with ClickHouse's own function; no time limit, as in the support funnel."""
    moment = 'toUInt64(toUnixTimestamp64Micro(assumeNotNull("timestamp")))'
    start = "event_type not in ('experiment_exposure')"
    rows = send(
        f"""select level, count(*) from (
            select conversation_id, windowFunnel(1000000000000000)(
                {moment}, {start}, event_type = 'agent_message', event_type = 'problem_identified',
                event_type = 'solution_proposed', event_type = 'solution_accepted') as level
            from file('{parquet}', Parquet) group by conversation_id)
        group by level"""
    )
    reached = {int(str(level)): int(str(count)) for level, count in rows}
    return [[stage, sum(count for level, count in reached.items() if level >= stage)] for stage in range(1, STAGES + 1)]
