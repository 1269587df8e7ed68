"""What a request for erasure is about: how much of each id the warehouse holds, before anything is changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.configuration.sources import read_namespaces
from orchestration.landing.anonymising import user_of
from orchestration.landing.suppression import DISTINCTIVE_LETTERS, Scope, Suppressions, read_suppressions
from orchestration.privacy.intent import pending_erasure
from orchestration.redaction.printable import one_line
from orchestration.warehouse.home import Home
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.source_contracts import SOURCES


@dataclass(frozen=True)
class Found:
    """Counts of one requested id: `refused_lines` name it; `is_erased` when it is on the list of erased ids.

    `is_pending` when an erasure of it has begun and is not finished.
    """

    scope: Scope
    clear_id: str
    conversations: int
    events: int
    refused_lines: int
    is_erased: bool
    is_pending: bool

    @property
    def is_unknown(self) -> bool:
        """Whether the warehouse holds nothing of the id and never erased it."""
        return not (self.conversations or self.refused_lines or self.is_erased or self.is_pending)

    def as_text(self) -> str:
        """Return one line for a terminal."""
        name = f"{self.scope} {one_line(self.clear_id)!r}"
        if self.is_unknown:
            return f"{name}: unknown, no event has this id"
        lines = f", {self.refused_lines:,} refused lines" if self.refused_lines else ""
        state = " (its erasure has begun)" if self.is_pending else " (erased before)" if self.is_erased else ""
        return f"{name}: {self.conversations:,} conversations, {self.events:,} events{lines}{state}"


def find_requested(
    home: Home, requested: Sequence[tuple[Scope, str]], namespace: str | None, hash_key: bytes
) -> list[Found]:
    """Return what is held of each (scope, id) in a namespace, None for all; the caller holds the lock.

    Raises OtherKeyError when the list of erased ids was made with another key.
    """
    namespaces = read_namespaces(home.seeds)
    intent = pending_erasure(home)
    pending = Suppressions(hash_key, intent.entries if intent else (), namespaces)
    if not home.raw_database.exists():
        counts: dict[tuple[str, str], tuple[int, int, int]] = {}
        erased: Suppressions | None = None
    else:
        with open_raw(home.raw_database) as connection:
            erased = read_suppressions(connection, hash_key, namespaces)
            counts = _counts(connection, requested, {name: namespaces.get(name, name) for name in SOURCES}, namespace)
    return [
        Found(
            scope,
            clear_id,
            *counts.get((scope, clear_id), (0, 0, 0)),
            is_erased=erased is not None and erased.is_listed(scope, namespace, clear_id),
            is_pending=pending.is_listed(scope, namespace, clear_id),
        )
        for scope, clear_id in requested
    ]


def _counts(
    connection: duckdb.DuckDBPyConnection,
    requested: Sequence[tuple[Scope, str]],
    namespaces: dict[str, str],
    namespace: str | None,
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return (conversations, events, refused lines) by scope and id, of those that have any."""
    scopes, ids = zip(*requested, strict=True)
    connection.execute(
        "create or replace temp table requested as "
        "select unnest($scopes::varchar[]) as scope, unnest($ids::varchar[]) as id",
        {"scopes": list(scopes), "ids": list(ids)},
    )
    searched = [name for name in SOURCES if namespace in (None, namespaces[name])]
    members = " union ".join(
        f"""select requested.scope, requested.id, $n{place} as id_namespace,
            raw.{name}.{SOURCES[name].conversation} as conversation
        from raw.{name} inner join requested on requested.scope = '{scope}' and requested.id = {column}"""
        for place, name in enumerate(searched)
        for scope, column in (("user", user_of(SOURCES[name])), ("conversation", SOURCES[name].conversation))
    )
    events = " union all ".join(
        f"select $n{place} as id_namespace, {SOURCES[name].conversation} as conversation from raw.{name}"
        for place, name in enumerate(searched)
    )
    # A conversation may have events of several sources that share its ids.
    rows = connection.execute(
        f"""with members as ({members}), events as ({events}),
        counted as (
            select members.scope, members.id, count(*) as events,
                count(distinct (members.id_namespace, members.conversation)) as conversations
            from members inner join events
                on members.id_namespace = events.id_namespace and members.conversation = events.conversation
            group by members.scope, members.id),
        refused as (
            select requested.scope, requested.id, count(*) as lines
            from raw.rejected_events as rejected inner join requested on contains(rejected.line, requested.id)
            where length(requested.id) >= {DISTINCTIVE_LETTERS}
            group by requested.scope, requested.id)
        select scope, id, coalesce(conversations, 0), coalesce(events, 0), coalesce(lines, 0)
        from counted full join refused using (scope, id)""",
        {f"n{place}": namespaces[name] for place, name in enumerate(searched)},
    ).fetchall()
    return {(scope, clear_id): (conversations, events, lines) for scope, clear_id, conversations, events, lines in rows}
