"""Writes events as files of JSON lines, duplicates and broken lines among them."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.benchmarks.generator.events import landed_rows, properties, uniform
from tests.benchmarks.generator.population import Population

DUPLICATE_SHARE = 0.01
BROKEN_SHARE = 0.002


@dataclass(frozen=True)
class WrittenFile:
    """What stands in a file of events: its lines are `events` different ones, `duplicates` and `broken` ones."""

    path: Path
    events: int
    duplicates: int
    broken: int

    @property
    def size_bytes(self) -> int:
        """How much there is to read."""
        return self.path.stat().st_size


def write_file(
    path: Path, population: Population, first_day: int, last_day: int, *, is_clean: bool = False
) -> WrittenFile:
    """Write what arrives on days `first_day` <= day < `last_day` as JSON lines in time order.

    Unless `is_clean`, some lines come twice and some are broken off.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = landed_rows(population, *population.conversation_days(first_day, last_day))
    duplicate, broken = (0.0, 0.0) if is_clean else (DUPLICATE_SHARE, BROKEN_SHARE)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(
            f"create temp table made as select *, {_line()} as line, "
            f"{uniform(population.seed, 'event_id', 'sent')} as u_sent from ({rows}) "
            f"where arrival_day >= {first_day} and arrival_day < {last_day}"
        )
        # A file of lines is a CSV file of one column that nothing is quoted in.
        connection.execute(
            f"""copy (
                select line from (
                    select line, timestamp, event_id, 1 as copy from made
                    union all
                    select line, timestamp, event_id, 2 from made where u_sent < {duplicate}
                    union all
                    select line[:40], timestamp, event_id, 3 from made where u_sent >= 1 - {broken})
                order by timestamp, event_id, copy
            ) to '{path}' (format csv, header false, quote '', escape '', delimiter '\x01')"""
        )
        row = connection.execute(
            "select count(*), count(*) filter (where u_sent < $duplicate), "
            "count(*) filter (where u_sent >= 1 - $broken) from made",
            {"duplicate": duplicate, "broken": broken},
        ).fetchone()
    counts = row or (0, 0, 0)
    return WrittenFile(path, int(counts[0]), int(counts[1]), int(counts[2]))


def _line() -> str:
    """One event as its sender writes it: fields without a value are left out."""
    fields = ("event_id", "conversation_id", "user_id", "event_type", "channel", "agent", "device", "language")
    parts = [f"coalesce('\"{name}\":' || to_json({name}) || ',', '')" for name in fields]
    moment = 'strftime(timestamp, \'"timestamp":"%Y-%m-%dT%H:%M:%S.%gZ",\')'
    return f"'{{' || {' || '.join(parts)} || {moment} || '\"properties\":' || {properties(with_content=True)} || '}}'"
