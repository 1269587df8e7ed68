"""Labels what is pending: conversations without labels, and those that have grown or changed since."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import duckdb

from orchestration.ledger.conversation_reading import (
    Candidate,
    look_at,
    open_for_reading,
    read_candidates,
    relabelled,
)
from orchestration.ledger.label_evidence import shown_labels
from orchestration.ledger.label_writing import (
    STAGE_PROGRESS,
    LabelledConversation,
    Labelling,
    append_labels,
    read_progress,
    write_progress,
)
from orchestration.ledger.labellers import Labeller
from orchestration.ledger.scope import Scope, built_events, naive, scope_of
from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import record_operation
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.raw_tables import open_raw

COMMITTED_CONVERSATIONS = 500
_PROGRESS_EVERY = 10


@dataclass(frozen=True)
class LabelSummary:
    """What a labelling did, in conversations; `refused_labels` counts stages whose evidence was not there."""

    looked_at: int = 0
    labelled: int = 0
    unchanged: int = 0
    withheld: int = 0
    needing_review: int = 0
    refused_labels: int = 0
    cost_usd: float = 0.0

    def as_metadata(self) -> dict[str, int | float]:
        """Return the counts by name."""
        return asdict(self)

    def as_text(self) -> str:
        """Summarise it in one line."""
        return (
            f"{self.labelled:,} conversations labelled of {self.looked_at:,} looked at; {self.unchanged:,} unchanged, "
            f"{self.withheld:,} without their texts, {self.needing_review:,} to review, "
            f"{self.refused_labels:,} labels refused; ${self.cost_usd:.2f}"
        )


@dataclass(frozen=True)
class Estimate:
    """What a relabelling would cost."""

    conversations: int
    cost_usd: float


def label_pending(
    raw_database: Path,
    build_database: Path,
    labeller: Labeller,
    *,
    run_id: str,
    now: datetime,
    relabel_from: datetime | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
    commit_every: int = COMMITTED_CONVERSATIONS,
) -> LabelSummary:
    """Label every conversation that is new, has grown or has changed, and append what stands to the ledger.

    `now` and `relabel_from` are aware; labels of other definitions are renewed only for conversations that began at
    `relabel_from` or later. Whatever is committed stays: a killed labelling costs at most `commit_every` conversations.
    The caller holds the lock. Raises ValueError when the canonical events have not been built; whatever the classifier
    raises goes through.
    """
    built = built_events(build_database)
    with open_raw(raw_database) as connection:
        scope = scope_of(built, read_progress(connection, STAGE_PROGRESS), labeller.definition_hash, relabel_from)
        if scope is None:
            return LabelSummary()
        connection.execute(f"attach {text_literal(str(build_database))} as build (read_only)")
        earliest = look_at(connection, scope)
        load_id, labelled_at = next_load(connection, naive(now))
        labelling = Labelling(labeller, run_id, load_id, labelled_at)
        # A statement of the connection itself would end the reading.
        writer = connection.cursor()
        writer.execute("use store")
        summary = _label(
            writer,
            labelling,
            scope,
            read_candidates(connection, earliest),
            on_progress=on_progress,
            commit_every=commit_every,
        )
        connection.execute("begin")
        write_progress(connection, STAGE_PROGRESS, built.through_load_id)
        if relabel_from is not None and summary.labelled:
            detail: dict[str, str | int | bool] = {
                "definition_hash": labeller.definition_hash,
                "conversations": summary.labelled,
            }
            record_operation(connection, "relabel", performed_at=labelled_at, load_id=load_id, detail=detail)
        connection.execute("commit")
    return summary


def estimate_relabelling(
    raw_database: Path, build_database: Path, labeller: Labeller, relabel_from: datetime
) -> Estimate:
    """Count the conversations since `relabel_from` (aware) whose newest labels are of another definition."""
    with open_for_reading(raw_database, build_database) as connection:
        query = f"select count(*) from ({relabelled('$from', '$hash')})"
        rows = connection.execute(query, {"from": naive(relabel_from), "hash": labeller.definition_hash}).fetchall()
    return Estimate(int(rows[0][0]), rows[0][0] * labeller.usd_per_conversation)


def _label(
    writer: duckdb.DuckDBPyConnection,
    labelling: Labelling,
    scope: Scope,
    candidates: Iterator[Candidate],
    *,
    on_progress: Callable[[str], None],
    commit_every: int,
) -> LabelSummary:
    summary, batches = LabelSummary(), 0
    pending: list[Candidate] = []
    while True:
        part = list(islice(candidates, commit_every))
        summary = replace(
            summary,
            looked_at=summary.looked_at + len(part),
            withheld=summary.withheld + sum(one.stored.is_withheld for one in part),
            unchanged=summary.unchanged + sum(not one.stored.is_withheld and not _is_due(one, scope) for one in part),
        )
        pending += [one for one in part if not one.stored.is_withheld and _is_due(one, scope)]
        while len(pending) >= commit_every or (pending and not part):
            summary = _label_batch(writer, labelling, pending[:commit_every], summary)
            del pending[:commit_every]
            batches += 1
            if batches % _PROGRESS_EVERY == 0:
                on_progress(f"{summary.labelled:,} conversations labelled")
        if not part:
            return summary


def _is_due(candidate: Candidate, scope: Scope) -> bool:
    if candidate.content_hash != candidate.stored.content_hash:
        return True
    return scope.relabelled_from is not None and candidate.definition_hash != scope.definition_hash


def _label_batch(
    writer: duckdb.DuckDBPyConnection, labelling: Labelling, batch: list[Candidate], summary: LabelSummary
) -> LabelSummary:
    labeller = labelling.labeller
    answers = labeller.classify([one.stored.conversation for one in batch])
    labelled = []
    for one, answer in zip(batch, answers, strict=True):
        labels = shown_labels(one.stored, answer)
        is_refused = any(shown.is_refused for shown in labels.values())
        labelled.append(
            LabelledConversation(
                one.stored,
                one.stored.content_hash,
                labels,
                needs_review=labeller.needs_review(answer) or is_refused,
                is_unsure=labeller.is_unsure(answer) or is_refused,
            )
        )
    writer.execute("begin")
    append_labels(writer, labelling, labelled)
    writer.execute("commit")
    return replace(
        summary,
        labelled=summary.labelled + len(labelled),
        needing_review=summary.needing_review + sum(one.needs_review for one in labelled),
        refused_labels=summary.refused_labels
        + sum(shown.is_refused for one in labelled for shown in one.labels.values()),
        cost_usd=summary.cost_usd + len(labelled) * labeller.usd_per_conversation,
    )
