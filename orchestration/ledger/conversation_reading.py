"""Which conversations a labelling looks at, and their messages: out of the build and the redacted texts of raw.

The cost follows what has landed since the last labelling: every scan of a history starts at the earliest start of the
conversations looked at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb

from orchestration.classification.conversation import Message, Role
from orchestration.classification.embedded.tool_results import LONGEST_RESULT_CHARACTERS
from orchestration.ledger.content import StoredConversation, StoredMessage
from orchestration.ledger.scope import (
    EVENTS,
    KEYS,
    Scope,
    changed_since,
    find_starts,
    looks_at_everything,
)
from orchestration.redaction.redactor import REDACTOR_VERSION, redact
from orchestration.warehouse.migrations import require_newest_layout
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.source_contracts import SOURCES

_ROLES: dict[str, Role] = {"user_message": "customer", "agent_message": "agent", "tool_called": "tool"}
_READ = "('user_message', 'agent_message', 'tool_called')"
_FETCHED_ROWS = 20_000
# One more than the embedded model searches: it sees that there was more.
_RESULT_CHARACTERS = LONGEST_RESULT_CHARACTERS + 1
# Landing admits events dated a day after their load; no conversation is labelled before its first event.
LABELLED_BEFORE_START = timedelta(days=2)


@dataclass(frozen=True)
class Candidate:
    """A conversation to look at, and how its newest labels were made; both hashes None when it has none."""

    stored: StoredConversation
    content_hash: str | None
    definition_hash: str | None


@contextmanager
def open_for_reading(raw_database: Path, build_database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open raw as the current catalog and the build as `build`, both read-only.

    Raises duckdb.IOException, RawVersionError when raw has the layout of another release.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"attach {text_literal(str(raw_database))} as store (read_only)")
        connection.execute(f"attach {text_literal(str(build_database))} as build (read_only)")
        connection.execute("use store")
        require_newest_layout(connection, raw_database)
        yield connection


def look_at(connection: duckdb.DuckDBPyConnection, scope: Scope) -> datetime:
    """Write the temporary table `looked_at` and return a moment (UTC, naive) that none of its events is older than.

    The connection has raw as its current catalog and the build attached as `build`.
    """
    is_everything = looks_at_everything(connection, scope)
    bound = find_starts(connection, _wanted(scope, is_everything=is_everything), scope, is_everything=is_everything)
    connection.execute(
        f"""create or replace temp table looked_at as
        with labelled as ({_newest_labels("labels.labelled_at >= $bound")})
        select starts.conversation_key, starts.first_event_at, labelled.content_hash, labelled.definition_hash
        from starts left join labelled on starts.conversation_key = labelled.conversation_key""",
        {"bound": bound - LABELLED_BEFORE_START},
    )
    return bound


def _wanted(scope: Scope, *, is_everything: bool) -> str:
    parts = changed_since("$since")
    if is_everything:
        parts.append(
            f"""select conversation_key, min(occurred_at) from {EVENTS}
            where conversation_key not in (select conversation_key from ({_newest_labels("true")})) group by all"""
        )
    if scope.relabelled_from is not None:
        parts.append(relabelled("$from", "$hash"))
    return " union all ".join(parts)


def relabelled(since: str, definition_hash: str) -> str:
    """Return the select of the conversations a relabelling is asked for, with their starts; arguments are SQL."""
    return f"""
        select events.conversation_key, min(events.occurred_at) as first_event_at
        from {EVENTS} as events
        where events.conversation_key in (
            select conversation_key from ({_newest_labels("true")}) where definition_hash <> {definition_hash})
        group by all
        having min(events.occurred_at) >= {since}"""


def _newest_labels(condition: str) -> str:
    # Every labelling has a row for every stage: one of them stands for it. The label of an LLM comes on top of it.
    return f"""
        select
            sources.id_namespace || ':' || labels.conversation_id as conversation_key,
            arg_max(labels.content_hash, labels._load_id) as content_hash,
            arg_max(labels.definition_hash, labels._load_id) as definition_hash
        from ledger.stage_labels as labels
        inner join {KEYS} labels.source
        where labels.stage = 'resolved' and labels.classifier_kind <> 'llm' and {condition}
        group by all"""


def read_candidates(connection: duckdb.DuckDBPyConnection, earliest: datetime) -> Iterator[Candidate]:
    """Yield the conversations of `looked_at` that hold a message or a tool call, oldest first.

    `earliest` is what look_at returned. One query that DuckDB streams: while it is read, others use a cursor of theirs.
    """
    for rows in read_rows(connection, earliest, "looked_at.content_hash, looked_at.definition_hash"):
        yield Candidate(stored_conversation(rows), rows[0]["content_hash"], rows[0]["definition_hash"])


def read_rows(
    connection: duckdb.DuckDBPyConnection, earliest: datetime, hashes: str, joined: str = ""
) -> Iterator[list[dict[str, Any]]]:
    """Yield the messages and tool calls of each conversation of `looked_at`, with the columns `hashes`.

    `hashes` and `joined`, what else is joined, are SQL.
    """
    find_stripped(connection, earliest)
    _find_tool_results(connection, earliest)
    reader = connection.execute(
        f"""
        with progress as (
            select coalesce(max(through_load_id), 0) as through_load_id from raw.redaction_progress
            where redactor_version = $version
        )
        select
            events.conversation_key, events.source, events.conversation_id, events.event_id, events.event_type,
            events.sequence_number, events.tool_name, events.is_tool_error, events.is_tool_write,
            coalesce(redactions.content, texts.content, results.result) as content,
            redactions.content is not null or texts._load_id <= progress.through_load_id as is_redacted,
            coalesce(redactions.redaction_count, 0) as redaction_count,
            stripped.event_id is not null as is_stripped,
            {hashes}
        from {EVENTS} as events
        inner join temp.looked_at as looked_at on events.conversation_key = looked_at.conversation_key
        cross join progress
        left join raw.message_texts as texts
            on texts.source = events.source and texts.event_id = events.event_id and texts.timestamp >= $earliest
        left join raw.message_redactions as redactions
            on redactions.source = events.source and redactions.event_id = events.event_id
        left join temp.tool_results as results on results.source = events.source and results.event_id = events.event_id
        left join temp.stripped as stripped on stripped.source = events.source and stripped.event_id = events.event_id
        {joined}
        where events.event_type in {_READ} and events.occurred_at >= $earliest
        order by looked_at.first_event_at, events.conversation_key, events.sequence_number""",
        {"earliest": earliest, "version": REDACTOR_VERSION},
    )
    names = [column[0] for column in reader.description or ()]
    for _, rows in groupby(_fetched(reader), key=itemgetter(0)):
        yield [dict(zip(names, row, strict=True)) for row in rows]


def find_stripped(connection: duckdb.DuckDBPyConnection, earliest: datetime) -> None:
    """Write the temporary table `stripped` (source, event_id): what retention or erasures emptied since `earliest`.

    Such events carry no hash of their line any more.
    """
    selects = " union all ".join(
        f"""select '{name}' as source, event_id from raw.{name} where _line_hash is null and "timestamp" >= $earliest"""
        for name in SOURCES
    )
    connection.execute(f"create or replace temp table stripped as {selects}", {"earliest": earliest})


def _find_tool_results(connection: duckdb.DuckDBPyConnection, earliest: datetime) -> None:
    """Write the temporary table `tool_results` (source, event_id, result): what the calls of `looked_at` returned.

    Out of the properties as they landed, not redacted yet: results are read here and kept nowhere else.
    """
    selects = " union all ".join(
        f"""select '{name}' as source, event_id, properties from raw.{name}
        where "timestamp" >= $earliest and event_id in (select event_id from calls where source = '{name}')"""
        for name in SOURCES
    )
    connection.execute(
        f"""create or replace temp table tool_results as
        with calls as (
            select events.source, events.event_id from {EVENTS} as events
            semi join temp.looked_at as looked_at on looked_at.conversation_key = events.conversation_key
            where events.event_type = 'tool_called' and events.occurred_at >= $earliest
        )
        select source, event_id, left(properties ->> '$.result', {_RESULT_CHARACTERS}) as result from ({selects})""",
        {"earliest": earliest},
    )


def _fetched(reader: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := reader.fetchmany(_FETCHED_ROWS):
        yield from rows


def stored_conversation(rows: list[dict[str, Any]]) -> StoredConversation:
    """Return a conversation from its rows, redacting what has landed since the redactor last ran."""
    first = rows[0]
    return StoredConversation(
        first["conversation_key"],
        first["source"],
        first["conversation_id"],
        tuple(_message(row) for row in rows),
        sum(row["redaction_count"] for row in rows),
        is_withheld=any(row["is_stripped"] and row["content"] is None for row in rows),
    )


def _message(row: dict[str, Any]) -> StoredMessage:
    content = row["content"] or ""
    if content and not row["is_redacted"]:
        # Landed since the redactor last ran, or what a tool returned; what it makes of it is what may be quoted.
        content = redact(content).text
    message = Message(
        f"{row['source']}:{row['event_id']}",
        row["event_type"],
        _ROLES[row["event_type"]],
        content,
        row["sequence_number"],
        row["tool_name"],
        is_error=row["is_tool_error"],
        is_write=row["is_tool_write"],
    )
    return StoredMessage(row["source"], row["event_id"], message)
