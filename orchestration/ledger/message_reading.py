"""Which messages a labelling of messages looks at: the redacted texts of customers, each with its language."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration.classification.messages.labeller import languages_of
from orchestration.ledger.conversation_reading import LABELLED_BEFORE_START, read_rows, stored_conversation
from orchestration.ledger.scope import EVENTS, Scope, changed_since, find_starts, looks_at_everything

_SPOKEN = ("customer", "agent")


@dataclass(frozen=True)
class MessageCandidate:
    """A customer's message, and how its newest labels were made; both hashes None when it has none.

    `before` is the text of the customer's message before it, None for the first of a conversation.
    """

    source: str
    event_id: str
    conversation_id: str
    text: str
    before: str | None
    language: str | None
    content_hash_before: str | None
    definition_hash_before: str | None

    @property
    def content_hash(self) -> str:
        """Return the sha256 (hex) of what is labelled: whose it is, its language and both redacted texts."""
        content = json.dumps([self.conversation_id, self.language, self.text, self.before], ensure_ascii=False)
        # As for conversations: a lone half of a surrogate pair is no text in UTF-8, but it can be landed.
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def look_at_messages(connection: duckdb.DuckDBPyConnection, scope: Scope) -> datetime:
    """Write the temporary tables `looked_at` and `newest` and return a moment none of the events is older than.

    The connection has raw as its current catalog and the build attached as `build`; the moment is UTC, naive.
    """
    is_everything = looks_at_everything(connection, scope)
    parts = changed_since("$since")
    if is_everything:
        parts.append(
            f"""select conversation_key, min(occurred_at) from {EVENTS}
            where event_type = 'user_message'
                and (source, event_id) not in (select (source, event_id) from ledger.message_labels)
            group by all"""
        )
    if scope.relabelled_from is not None:
        parts.append(f"select conversation_key, first_event_at from ({relabelled_messages('$from', '$hash')})")
    bound = find_starts(connection, " union all ".join(parts), scope, is_everything=is_everything)
    connection.execute("create or replace temp table looked_at as select * from temp.starts")
    connection.execute(
        f"create or replace temp table newest as {_newest('labelled_at >= $bound')}",
        {"bound": bound - LABELLED_BEFORE_START},
    )
    return bound


def relabelled_messages(since: str, definition_hash: str) -> str:
    """Return the select of the conversations a relabelling is asked for, their starts and messages; arguments are SQL.

    `messages` counts those whose newest labels are of another definition.
    """
    return f"""
        select
            events.conversation_key,
            min(events.occurred_at) as first_event_at,
            count(*) filter (where newest.definition_hash <> {definition_hash}) as messages
        from {EVENTS} as events
        left join ({_newest("true")}) as newest
            on newest.source = events.source and newest.event_id = events.event_id
        group by all
        having min(events.occurred_at) >= {since}
            and count(*) filter (where newest.definition_hash <> {definition_hash}) > 0"""


def read_messages(connection: duckdb.DuckDBPyConnection, earliest: datetime) -> Iterator[list[MessageCandidate] | None]:
    """Yield the customer's messages of each conversation of `looked_at`, oldest conversation first.

    None stands for a conversation of which retention or an erasure has taken texts: it is not labelled. `earliest`
    is what look_at_messages returned. One query that DuckDB streams: while it is read, others use a cursor of theirs.
    """
    hashes = "newest.content_hash, newest.definition_hash"
    joined = "left join temp.newest as newest on newest.source = events.source and newest.event_id = events.event_id"
    for rows in read_rows(connection, earliest, hashes, joined):
        stored = stored_conversation(rows)
        if stored.is_withheld:
            yield None
            continue
        spoken = [(one, row) for one, row in zip(stored.messages, rows, strict=True) if one.message.role in _SPOKEN]
        languages = languages_of([one.message for one, _ in spoken])
        asked = [
            (one, row, language)
            for (one, row), language in zip(spoken, languages, strict=True)
            if one.message.role == "customer"
        ]
        before = [None, *(one.message.content for one, _, _ in asked)]
        yield [
            MessageCandidate(
                one.source,
                one.event_id,
                row["conversation_id"],
                one.message.content,
                said_before,
                language,
                row["content_hash"],
                row["definition_hash"],
            )
            for (one, row, language), said_before in zip(asked, before, strict=False)
        ]


def _newest(condition: str) -> str:
    return f"""
        select
            source,
            event_id,
            arg_max_null(content_hash, _load_id) as content_hash,
            arg_max(definition_hash, _load_id) as definition_hash
        from ledger.message_labels
        where {condition}
        group by all"""
