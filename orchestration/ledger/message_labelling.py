"""Labels the messages of customers that have no labels, or whose text or language has changed since."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.classification.messages.labeller import MessageLabeller, MessageLabels
from orchestration.configuration.label_stages import UNKNOWN
from orchestration.configuration.taxonomy import KINDS
from orchestration.ledger.conversation_reading import open_for_reading
from orchestration.ledger.label_writing import MESSAGE_PROGRESS, append_rows, read_progress, write_progress
from orchestration.ledger.message_reading import (
    MessageCandidate,
    look_at_messages,
    read_messages,
    relabelled_messages,
)
from orchestration.ledger.scope import Scope, built_events, naive, scope_of
from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import record_operation
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.raw_tables import open_raw

COMMITTED_MESSAGES = 5_000
_PROGRESS_EVERY = 4


@dataclass
class MessageSummary:
    """What a labelling of messages did; `withheld` counts conversations, `unknown` labelled messages by kind."""

    messages: int = 0
    labelled: int = 0
    unchanged: int = 0
    withheld: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    def as_metadata(self) -> dict[str, int | float]:
        """Return the counts by name, and of what was labelled the share that is unknown, by kind."""
        shares = {f"unknown_{kind}": share for kind, share in self.unknown_shares().items()}
        counts = {"messages": self.messages, "labelled": self.labelled, "unchanged": self.unchanged}
        return {**counts, "withheld": self.withheld, **shares}

    def as_text(self) -> str:
        """Summarise it in one line."""
        shares = ", ".join(f"{kind} {share:.0%}" for kind, share in self.unknown_shares().items())
        return (
            f"{self.labelled:,} messages of customers labelled of {self.messages:,} looked at; {self.unchanged:,} "
            f"unchanged, {self.withheld:,} conversations without their texts"
            + (f"; unknown: {shares}" if shares else "")
        )

    def unknown_shares(self) -> Mapping[str, float]:
        """Return the share of unknown, 0..1, by kind; empty when nothing was labelled."""
        if not self.labelled:
            return {}
        return {kind: self.unknown[kind] / self.labelled for kind in ("sentiment", *KINDS)}


def label_messages(
    raw_database: Path,
    build_database: Path,
    labeller: MessageLabeller,
    *,
    run_id: str,
    now: datetime,
    relabel_from: datetime | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
    commit_every: int = COMMITTED_MESSAGES,
) -> MessageSummary:
    """Label every customer's message that is new or has changed, and append its labels to the ledger.

    Arguments and rules are those of label_pending, by message: one whose text and language are what they were keeps
    its labels, whatever its conversation did. The caller holds the lock. Raises ValueError when the canonical events
    have not been built.
    """
    built = built_events(build_database)
    with open_raw(raw_database) as connection:
        scope = scope_of(built, read_progress(connection, MESSAGE_PROGRESS), labeller.definition_hash, relabel_from)
        if scope is None:
            return MessageSummary()
        connection.execute(f"attach {text_literal(str(build_database))} as build (read_only)")
        earliest = look_at_messages(connection, scope)
        load_id, labelled_at = _next_labelling(connection, built.through_load_id, naive(now))
        writer = _Writer(connection, labeller, run_id, labelled_at, load_id)
        summary = _label(writer, scope, read_messages(connection, earliest), on_progress, commit_every)
        connection.execute("begin")
        write_progress(connection, MESSAGE_PROGRESS, built.through_load_id)
        if relabel_from is not None and summary.labelled:
            detail: dict[str, str | int | bool] = {
                "definition_hash": labeller.definition_hash,
                "messages": summary.labelled,
            }
            record_operation(connection, "relabel", performed_at=labelled_at, load_id=load_id, detail=detail)
        connection.execute("commit")
    return summary


def _next_labelling(
    connection: duckdb.DuckDBPyConnection, built_through_load_id: int, now: datetime
) -> tuple[int, datetime]:
    """Return number and time of this labelling: those of the stages' in the same run where there was one.

    A number that a build has covered, or that messages have, is never taken again.
    """
    load_id, labelled_at = next_load(connection, now)
    rows = connection.execute("select coalesce(max(_load_id), 0) from ledger.message_labels").fetchall()
    is_shared = load_id - 1 > max(built_through_load_id, rows[0][0])
    return load_id - 1 if is_shared else load_id, labelled_at


def count_relabelled_messages(
    raw_database: Path, build_database: Path, labeller: MessageLabeller, relabel_from: datetime
) -> int:
    """Count the messages of conversations since `relabel_from` (aware) that another definition has labelled last."""
    with open_for_reading(raw_database, build_database) as connection:
        query = f"select coalesce(sum(messages), 0) from ({relabelled_messages('$from', '$hash')})"
        rows = connection.execute(query, {"from": naive(relabel_from), "hash": labeller.definition_hash}).fetchall()
    return int(rows[0][0])


class _Writer:
    """Labels and appends, with a cursor of its own: a statement of the connection itself would end the reading."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        labeller: MessageLabeller,
        run_id: str,
        labelled_at: datetime,
        load_id: int,
    ) -> None:
        self._cursor = connection.cursor()
        self._cursor.execute("use store")
        self._labeller = labeller
        self._shared = {"run_id": run_id, "labelled_at": labelled_at, "_load_id": load_id}

    def append(self, messages: Sequence[MessageCandidate]) -> list[MessageLabels]:
        """Label some messages and commit their labels."""
        labels = [self._labeller.label(one.text, one.language, one.before) for one in messages]
        rows = [self._row(one, said) for one, said in zip(messages, labels, strict=True)]
        self._cursor.execute("begin")
        append_rows(self._cursor, "message_labels", rows)
        self._cursor.execute("commit")
        return labels

    def _row(self, message: MessageCandidate, labels: MessageLabels) -> dict[str, object]:
        shown: dict[str, object] = {}
        for kind in KINDS:
            shown[kind] = labels.shown[kind].label
            shown[f"{kind}_confidence"] = labels.shown[kind].confidence
        return {
            "source": message.source,
            "event_id": message.event_id,
            "conversation_id": message.conversation_id,
            "language": labels.language,
            "sentiment": labels.sentiment,
            **shown,
            "rephrase_similarity": labels.said.similarity if labels.said else None,
            "is_rephrase": labels.said.is_rephrase if labels.said else None,
            "is_repeat": labels.said.is_repeat if labels.said else None,
            "is_courtesy": labels.is_courtesy,
            "definition_hash": self._labeller.definition_hash,
            "content_hash": message.content_hash,
            **self._shared,
        }


def _label(
    writer: _Writer,
    scope: Scope,
    conversations: Iterator[list[MessageCandidate] | None],
    on_progress: Callable[[str], None],
    commit_every: int,
) -> MessageSummary:
    summary, pending, batches = MessageSummary(), list[MessageCandidate](), 0
    for messages in conversations:
        if messages is None:
            summary.withheld += 1
            continue
        due = [one for one in messages if _is_due(one, scope)]
        summary.messages += len(messages)
        summary.unchanged += len(messages) - len(due)
        pending += due
        if len(pending) >= commit_every:
            _append(writer, pending, summary)
            pending.clear()
            batches += 1
            if batches % _PROGRESS_EVERY == 0:
                on_progress(f"{summary.labelled:,} messages labelled")
    if pending:
        _append(writer, pending, summary)
    return summary


def _append(writer: _Writer, messages: Sequence[MessageCandidate], summary: MessageSummary) -> None:
    for said in writer.append(messages):
        summary.unknown["sentiment"] += said.sentiment is None
        for kind in KINDS:
            summary.unknown[kind] += said.shown[kind].label == UNKNOWN
    summary.labelled += len(messages)


def _is_due(message: MessageCandidate, scope: Scope) -> bool:
    if message.content_hash_before != message.content_hash:
        return True
    return scope.relabelled_from is not None and message.definition_hash_before != scope.definition_hash
