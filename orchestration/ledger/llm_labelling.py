"""Asks an LLM about the conversations the embedded model was not sure of, and appends what stands to the ledger."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.classification.embedded.storage import StoredModel
from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.candidates import Candidate
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.estimating import RunEstimate
from orchestration.classification.llm.prompt import definition_hash
from orchestration.classification.llm.recording import Terms
from orchestration.classification.llm.running import Dependencies
from orchestration.classification.llm.step import Labeller as LlmLabeller
from orchestration.configuration.model_prices import Price, price_of
from orchestration.ledger.content import StoredConversation
from orchestration.ledger.conversation_reading import open_for_reading
from orchestration.ledger.label_writing import Labelling
from orchestration.ledger.labellers import embedded_labeller, embedded_model
from orchestration.ledger.llm_batch_labelling import BatchRun, Part
from orchestration.ledger.llm_batches import BatchLedger
from orchestration.ledger.llm_history import LedgerHistory
from orchestration.ledger.llm_log import LedgerLog
from orchestration.ledger.llm_report import LlmReport
from orchestration.ledger.scope import naive
from orchestration.ledger.unsure import Margin, Unsure, find_due, measure_margin, read_part, room_for
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import record_operation
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.raw_tables import open_raw

# What a dollar buys at a low price, and 40 minutes at 120 requests a minute: a run holds the lock meanwhile.
MOST_CONVERSATIONS = 5_000
_PART_CONVERSATIONS = 500

Progress = Callable[[str], None]


@dataclass(frozen=True)
class LlmStep:
    """The LLM that is asked, its price, and the embedded model.

    A run asks about at most `most_conversations`, all runs together about `most_share` (0..1) of the labelled ones.
    """

    configuration: LlmConfiguration
    price: Price
    own_model: Path
    dependencies: Dependencies = field(default_factory=Dependencies)
    most_conversations: int = MOST_CONVERSATIONS
    most_share: float = 1.0


def llm_step(settings: Settings, home: Home, now: datetime) -> LlmStep | None:
    """Return the step that the settings name, None without an endpoint. Raises PriceError without a readable price."""
    configuration = LlmConfiguration.of(settings)
    if configuration is None:
        return None
    price = price_of(home.seeds, configuration.model, now.date())
    return LlmStep(configuration, price, home.model, most_share=settings.llm_share)


def count_unsure(raw_database: Path, build_database: Path) -> Margin:
    """Count what an LLM could be asked about, without one."""
    with open_for_reading(raw_database, build_database) as connection:
        return measure_margin(connection)


def label_unsure(
    raw_database: Path,
    build_database: Path,
    step: LlmStep,
    *,
    run_id: str,
    now: datetime,
    relabel_from: datetime | None = None,
    on_progress: Progress = lambda _: None,
) -> LlmReport:
    """Ask about the unsure conversations that are due, newest first, within share and caps, and append what stands.

    `now` and `relabel_from` are aware; what another definition of the LLM step has labelled is asked about again only
    with `relabel_from`, and then when it began at that moment or later. The endpoint never makes it fail. The caller
    holds the lock; raises duckdb.Error, and ValueError for an own model that cannot be read.
    """
    embedded, model = embedded_labeller(step.own_model), embedded_model(step.own_model)[1]
    definition = definition_hash(step.configuration.model, model.definition_hash)
    with open_raw(raw_database) as connection:
        connection.execute(f"attach {text_literal(str(build_database))} as build (read_only)")
        margin = measure_margin(connection)
        found = find_due(
            connection,
            definition,
            now=naive(now),
            relabelled_from=None if relabel_from is None else naive(relabel_from),
            room=room_for(margin, step.most_share),
        )
        due = found.conversations[: step.most_conversations]
        report = LlmReport(
            conversations=margin.labelled,
            under_margin=margin.under_margin,
            candidates=len(found.conversations) + found.waiting,
            waiting=found.waiting,
            beyond_share=found.beyond_share,
        )
        load_id, labelled_at = next_load(connection, naive(now))
        labelling = Labelling(embedded, run_id, load_id, labelled_at)
        # A statement of the connection itself would end a reading.
        writer = connection.cursor()
        writer.execute("use store")
        is_relabelling = relabel_from is not None
        conversations: dict[str, StoredConversation] = {}
        log = LedgerLog(writer, labelling, conversations)
        batches = BatchLedger(writer, labelling)
        parts = _parts(connection, model, due, conversations)
        # What is with a provider is taken in first, also when batches have been switched off since.
        if step.configuration.is_batch or batches.open_reservations():
            terms = Terms(step.configuration, step.price, model.model, definition, log)
            run = BatchRun(terms, step.dependencies, log, batches)
            report = asyncio.run(run.run(parts, report, is_relabelling=is_relabelling))
        else:
            for part in parts:
                labeller = LlmLabeller(
                    _with_rest_of_budget(step.configuration, report.cost_usd),
                    step.price,
                    model,
                    log,
                    _with_progress(step.dependencies, report, part.start, len(due), on_progress),
                )
                summary = labeller.label(
                    part.candidates,
                    is_relabelling=is_relabelling,
                    # What was answered before costs nothing, whatever keeps the run from asking.
                    is_asking=report.problem is None,
                )
                report = report.with_part(summary, part.redactions, withheld=part.missing)
        if relabel_from is not None and report.labelled:
            detail: dict[str, str | int | bool] = {"definition_hash": definition, "conversations": report.labelled}
            connection.execute("begin")
            record_operation(connection, "relabel", performed_at=labelled_at, load_id=load_id, detail=detail)
            connection.execute("commit")
    return report.ended(step.most_conversations)


def estimate_llm_relabelling(
    raw_database: Path, build_database: Path, step: LlmStep, relabel_from: datetime, now: datetime
) -> RunEstimate:
    """Estimate the questions that a run with `relabel_from` would ask; both moments are aware."""
    model = embedded_model(step.own_model)[1]
    definition = definition_hash(step.configuration.model, model.definition_hash)
    labeller = LlmLabeller(step.configuration, step.price, model, MemoryLog(), step.dependencies)
    total, asked_before = RunEstimate(), set[str]()
    with open_for_reading(raw_database, build_database) as connection:
        history = LedgerHistory(connection)
        room = room_for(measure_margin(connection), step.most_share)
        found = find_due(connection, definition, now=naive(now), relabelled_from=naive(relabel_from), room=room)
        due = found.conversations
        for start in range(0, len(due), _PART_CONVERSATIONS):
            stored = read_part(connection, due[start : start + _PART_CONVERSATIONS])
            total = total.plus(labeller.estimate(_candidates(model, stored), history, asked_before))
    return total


def _parts(
    connection: duckdb.DuckDBPyConnection,
    model: StoredModel,
    due: Sequence[Unsure],
    conversations: dict[str, StoredConversation],
) -> Iterator[Part]:
    """Read the due conversations a part at a time; `conversations` holds those of the part that was read last."""
    for start in range(0, len(due), _PART_CONVERSATIONS):
        wanted = due[start : start + _PART_CONVERSATIONS]
        stored = read_part(connection, wanted)
        conversations.clear()
        conversations.update({one.conversation_key: one for one in stored})
        yield Part(start, _candidates(model, stored), dict(conversations), len(wanted) - len(stored))


def _candidates(model: StoredModel, conversations: Sequence[StoredConversation]) -> list[Candidate]:
    answers = model.model([one.conversation for one in conversations])
    return [
        Candidate(one.conversation, one.content_hash, answer)
        for one, answer in zip(conversations, answers, strict=True)
    ]


def _with_rest_of_budget(configuration: LlmConfiguration, spent_usd: float) -> LlmConfiguration:
    return replace(configuration, budget_usd_per_run=max(0.0, configuration.budget_usd_per_run - spent_usd))


def _with_progress(
    dependencies: Dependencies, so_far: LlmReport, start: int, total: int, on_progress: Progress
) -> Dependencies:
    def report(done: int, _: int, usd: float) -> None:
        on_progress(f"LLM: {start + done:,} of {total:,} conversations, ${so_far.cost_usd + usd:.4f}")

    return replace(dependencies, on_progress=report)
