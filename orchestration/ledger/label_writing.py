"""Appends labels to the ledger; the caller holds the transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pandas as pd

from orchestration.ledger.content import StoredConversation
from orchestration.ledger.label_evidence import ShownLabel
from orchestration.ledger.labellers import Labeller

# How far each kind of labelling has come.
STAGE_PROGRESS, MESSAGE_PROGRESS = "labelling_progress", "message_labelling_progress"


@dataclass(frozen=True)
class Labelling:
    """One labelling step over some conversations; `labelled_at` UTC, naive, `load_id` shared by all of its rows."""

    labeller: Labeller
    run_id: str
    load_id: int
    labelled_at: datetime


@dataclass(frozen=True)
class LabelledConversation:
    """What is written of one conversation: a row for each stage and one for the claim."""

    stored: StoredConversation
    content_hash: str
    labels: Mapping[str, ShownLabel]
    needs_review: bool
    is_unsure: bool = False


def append_labels(
    connection: duckdb.DuckDBPyConnection, labelling: Labelling, labelled: Iterable[LabelledConversation]
) -> None:
    """Append the rows of some conversations."""
    rows = [label_row(labelling, one, stage, shown) for one in labelled for stage, shown in one.labels.items()]
    append_rows(connection, "stage_labels", rows)


def append_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows, all with the same columns, to a table of the ledger."""
    if not rows:
        return
    frame = pd.DataFrame(rows, dtype=object)
    connection.register("appended_rows", frame)
    names = ", ".join(frame.columns)
    connection.execute(f"insert into ledger.{table} ({names}) select {names} from appended_rows")
    connection.unregister("appended_rows")


def label_row(labelling: Labelling, one: LabelledConversation, stage: str, shown: ShownLabel) -> dict[str, object]:
    """Return the row of one stage, of a labelling that took no tokens."""
    return {
        "source": one.stored.source,
        "conversation_id": one.stored.conversation_id,
        "stage": stage,
        "reached": shown.label.reached,
        "evidence_source": shown.evidence.source if shown.evidence else None,
        "evidence_event_id": shown.evidence.event_id if shown.evidence else None,
        "evidence_quote": shown.quote,
        "confidence": shown.label.confidence,
        "classifier_kind": labelling.labeller.kind,
        "model": labelling.labeller.model,
        "definition_hash": labelling.labeller.definition_hash,
        "content_hash": one.content_hash,
        "tokens_in": 0,
        "tokens_out": 0,
        "cost_usd": 0.0,
        "is_cache_hit": False,
        "redaction_count": one.stored.redaction_count,
        "is_truncated": False,
        "needs_review": one.needs_review,
        "is_unsure": one.is_unsure,
        "run_id": labelling.run_id,
        "labelled_at": labelling.labelled_at,
        "_load_id": labelling.load_id,
    }


def read_progress(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Return the newest load whose conversations have been looked at, 0 before the first labelling."""
    row = connection.execute(f"select coalesce(max(through_load_id), 0) from ledger.{table}").fetchone()
    return int(row[0]) if row else 0


def write_progress(connection: duckdb.DuckDBPyConnection, table: str, through_load_id: int) -> None:
    """Note that everything landed up to this load has been looked at."""
    connection.execute(f"delete from ledger.{table}")
    connection.execute(f"insert into ledger.{table} values (?)", [through_load_id])
