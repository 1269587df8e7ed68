"""Notes on a build, in addition to its numbers: what it held back, and which final values it changed."""

from pathlib import Path

import duckdb

# Of whole conversations: an event without an environment is published where another of its conversation names one.
_HELD_BACK = """
    select source, count(*)
    from intermediate.int_events
    where conversation_key in (
        select conversation_key from intermediate.int_conversations where environment is null
    )
    group by source
    order by source
"""
_RESTATED = """
    select count(*), count(distinct date), min(date), max(date), any_value(restatements.reason)
    from marts.metric_restatements as restatements
    inner join state.comparison on restatements.restated_at = comparison.restated_at
"""


def notes_on_build(build_database: Path) -> list[str]:
    """Return a line for each source with events held back, and one when final values changed; else none."""
    with duckdb.connect(str(build_database), read_only=True) as connection:
        held_back = connection.execute(_HELD_BACK).fetchall()
        restated = connection.execute(_RESTATED).fetchall()
    return [_held_back(*row) for row in held_back] + [_restated(*row) for row in restated if row[0]]


def _held_back(source: str, count: int) -> str:
    events = "event" if count == 1 else "events"
    verbs = "names no environment and is" if count == 1 else "name no environment and are"
    return f"{count:,} {events} of {source} {verbs} not published; set default_environment in sources.csv"


def _restated(count: int, days: int, first: object, last: object, reason: str) -> str:
    values = "final value" if count == 1 else "final values"
    period = f"of {first}" if days == 1 else f"of {days} days, {first} to {last},"
    return f"{count:,} {values} {period} changed ({reason}); marts.metric_restatements has the old and the new ones"
