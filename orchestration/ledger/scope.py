"""What a labelling has to look at: what has landed, or was repaired, since the last one, and when it began."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.warehouse.build_records import EventsBuilt, events_built
from orchestration.warehouse.utc import stored

EVENTS = "build.intermediate.int_events"
KEYS = "build.seeds.sources as sources on sources.source ="
# No event is as old: before 2000 it is refused.
_EVER = datetime.fromisoformat("1999-01-01")


@dataclass(frozen=True)
class Scope:
    """What to look at: conversations that changed after load `since`, and in addition all of the others asked for.

    `with_unlabelled` adds those without labels; `relabelled_from` (UTC, naive) those that began since then and
    whose labels are of another definition than `definition_hash`.
    """

    since: int
    definition_hash: str
    with_unlabelled: bool = False
    relabelled_from: datetime | None = None


def scope_of(built: EventsBuilt, progress: int, definition_hash: str, relabel_from: datetime | None) -> Scope | None:
    """Return what to look at when everything up to load `progress` has been; None when that is nothing.

    `relabel_from` is aware.
    """
    is_first = progress == 0 or built.is_full_refresh
    if progress >= built.through_load_id and relabel_from is None and not is_first:
        return None
    return Scope(
        # What an unfinished build has landed is looked at again: its starts are not known yet.
        progress if is_first else min(progress, built.complete_through_load_id),
        definition_hash,
        with_unlabelled=is_first,
        relabelled_from=None if relabel_from is None else naive(relabel_from),
    )


def built_events(build_database: Path) -> EventsBuilt:
    """Return how far the canonical events reach. Raises ValueError when they have not been built to their end."""
    built = events_built(build_database) if build_database.exists() else None
    if built is None:
        raise ValueError("the canonical events have not been built to their end: launch the whole job (make run)")
    return built


def naive(moment: datetime) -> datetime:
    """Return an aware moment as the ledger keeps it: UTC, naive."""
    return stored(moment)


def looks_at_everything(connection: duckdb.DuckDBPyConnection, scope: Scope) -> bool:
    """Whether conversations without labels belong to the scope; a first build knows no starts yet, so they do then."""
    return scope.with_unlabelled or not _has_starts(connection)


def find_starts(connection: duckdb.DuckDBPyConnection, wanted: str, scope: Scope, *, is_everything: bool) -> datetime:
    """Write the temporary table `starts` (conversation_key, first_event_at) of the conversations of select `wanted`.

    `wanted` gives (conversation_key, first_event_at), more than once if need be, and may name $since, and $from and
    $hash in a relabelling. Returns a moment (UTC, naive) that none of their events is older than.
    """
    parameters: dict[str, object] = {"since": scope.since}
    if scope.relabelled_from is not None:
        parameters |= {"from": scope.relabelled_from, "hash": scope.definition_hash}
    connection.execute(
        f"""create or replace temp table wanted as
        select conversation_key, min(first_event_at) as first_event_at from ({wanted}) group by all""",
        parameters,
    )
    known = "select null as conversation_key, null::timestamp as first_event_at"
    if not is_everything:
        known = "select conversation_key, first_event_at from build.intermediate.int_conversations"
    connection.execute(
        f"""create or replace temp table starts as
        select wanted.conversation_key, least(wanted.first_event_at, known.first_event_at) as first_event_at
        from wanted left join ({known}) as known on wanted.conversation_key = known.conversation_key"""
    )
    earliest = connection.execute("select coalesce(min(first_event_at), $ever) from starts", {"ever": _EVER}).fetchall()
    bound: datetime = _EVER if is_everything else earliest[0][0]
    return bound


def _has_starts(connection: duckdb.DuckDBPyConnection) -> bool:
    rows = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'build' and table_name = 'int_conversations'"
    ).fetchall()
    return bool(rows[0][0])


def changed_since(since: str) -> list[str]:
    """Return the selects of the conversations that landed or were repaired after a load; the argument is SQL."""
    return [
        f"""select conversation_key, min(occurred_at) as first_event_at
        from {EVENTS} where load_id > {since} group by all""",
        f"""select sources.id_namespace || ':' || repaired.conversation_id, timestamp '9999-12-31'
        from raw.repaired_conversations as repaired inner join {KEYS} repaired.source
        where repaired.load_id > {since}""",
    ]
