"""Asks by the provider's batch endpoint: a run takes in what has ended, submits what is due, and waits for nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time

from orchestration.classification.llm.batch_client import COMPLETED, OpenAiBatches, Result, missing_result
from orchestration.classification.llm.batch_collecting import Collected, collect
from orchestration.classification.llm.budget import Cap
from orchestration.classification.llm.call_log import CallRow
from orchestration.classification.llm.candidates import Candidate
from orchestration.classification.llm.clock import Clock
from orchestration.classification.llm.estimating import estimate_tokens
from orchestration.classification.llm.prompt import OUTPUT_TOKENS, chat_messages
from orchestration.classification.llm.recording import Terms
from orchestration.classification.llm.replies import CallFailedError, Reply
from orchestration.classification.llm.running import Dependencies, Run, cap_problem
from orchestration.ledger.content import StoredConversation
from orchestration.ledger.llm_batches import BatchLedger, Reservation
from orchestration.ledger.llm_log import LedgerLog
from orchestration.ledger.llm_report import LlmReport

_NEVER_SUBMITTED = "never_submitted"
_SWITCHED_OFF = "this run has looked at batches of earlier ones (COLLOQUY_LLM_BATCH is off now); the next asks the rest"


@dataclass(frozen=True)
class Ended:
    """A batch that is over: its outcome, and what it brought by excerpt."""

    reservation: Reservation
    outcome: str
    results: Mapping[str, Result]


@dataclass
class Stock:
    """What the batches of earlier runs have come to; `under_way` are the excerpts still asked about."""

    ended: list[Ended] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)
    most_usd: float = 0.0
    problem: str | None = None


@dataclass(frozen=True)
class Question:
    """An excerpt to be asked about, and the conversations that share it."""

    chat: list[dict[str, str]]
    conversations: tuple[StoredConversation, ...]


async def take_stock(endpoint: OpenAiBatches, ledger: BatchLedger, clock: Clock) -> Stock:
    """Look at every batch that has not ended, and find those whose id was never written down."""
    stock = Stock()
    for reservation in ledger.open_reservations():
        known = reservation
        try:
            if known.batch_id is None:
                batch_id = await endpoint.find(known.reservation_id)
                if batch_id is None:
                    stock.ended.append(Ended(known, _NEVER_SUBMITTED, {}))
                    continue
                known = ledger.submitted(known, batch_id, clock.now())
            look = await endpoint.look_at(known.batch_id or "")
        except CallFailedError as error:
            stock.problem = f"the endpoint does not report batch {known.batch_id or known.reservation_id}: {error}"
            _wait_for(stock, known)
            continue
        if not look.is_over:
            _wait_for(stock, known)
            continue
        results = dict(look.results)
        if look.status == COMPLETED:
            results |= {one: missing_result() for one in known.excerpt_hashes - results.keys()}
        stock.ended.append(Ended(known, look.status, results))
    return stock


def _wait_for(stock: Stock, reservation: Reservation) -> None:
    stock.under_way |= reservation.excerpt_hashes
    stock.most_usd += reservation.most_usd


async def take_in(
    terms: Terms, clock: Clock, stock: Stock, candidates: Sequence[Candidate], *, is_relabelling: bool
) -> Collected:
    """Record the candidates that ended batches of the present definition have answered."""
    results: dict[str, Result] = {}
    for one in stock.ended:
        if one.reservation.definition_hash == terms.definition_hash:
            results |= one.results
    return await collect(
        terms, clock, candidates, results=results, under_way=stock.under_way, is_relabelling=is_relabelling
    )


def close(terms: Terms, log: LedgerLog, ledger: BatchLedger, stock: Stock, now: datetime) -> list[CallRow]:
    """Write down that batches have ended, with what they cost for conversations that are not there as they were.

    Returns the calls of the latter. Answers that were taken in have theirs, those of another definition have none.
    """
    lost: list[CallRow] = []
    for one in stock.ended:
        taken = log.cached(one.results.keys(), one.reservation.definition_hash)
        calls = [
            _lost_call(terms, one.reservation, result, now)
            for excerpt_hash, result in one.results.items()
            if excerpt_hash not in taken and isinstance(result, Reply)
        ]
        lost += calls
        log.record(calls, None)
        log.keep("llm_batches", [ledger.ended(one.reservation, one.outcome, now)])
    log.commit()
    return lost


def _lost_call(terms: Terms, reservation: Reservation, reply: Reply, now: datetime) -> CallRow:
    tokens_in, tokens_out = reply.tokens_in or 0, reply.tokens_out or 0
    return CallRow(
        conversation_id=None,
        content_hash=None,
        definition_hash=reservation.definition_hash,
        model=reservation.model,
        attempt=1,
        failure=None,
        http_status=200,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_usd=terms.price.cost_usd(tokens_in, tokens_out),
        is_cost_estimated=reservation.definition_hash != terms.definition_hash or reply.tokens_in is None,
        latency_ms=0.0,
        called_at=now,
    )


@dataclass(frozen=True)
class Submitted:
    """How many conversations wait for a batch now, and what kept others out of it."""

    conversations: int = 0
    problem: str | None = None


async def submit(
    terms: Terms,
    endpoint: OpenAiBatches,
    ledger: BatchLedger,
    stock: Stock,
    questions: Mapping[str, Question],
    *,
    clock: Clock,
    spent_usd: float,
) -> Submitted:
    """Submit what the caps allow at most as one batch, reserved before; `terms` has the price of a batch.

    `spent_usd` is what the run has spent on asking; what open batches may still cost counts as spent today.
    """
    configuration, now = terms.configuration, clock.now()
    midnight = datetime.combine(now.date(), time(), tzinfo=UTC)
    day_usd = configuration.budget_usd_per_day - terms.log.spent_usd(midnight) - stock.most_usd
    run_usd = configuration.budget_usd_per_run - spent_usd
    cap, room_usd = min((Cap.RUN, run_usd), (Cap.DAY, day_usd), key=lambda pair: pair[1])
    chosen: dict[str, Question] = {}
    most_usd, problem = 0.0, None
    for excerpt_hash, question in questions.items():
        usd = terms.price.cost_usd(estimate_tokens(question.chat).most, OUTPUT_TOKENS)
        if most_usd + usd > room_usd:
            problem = cap_problem(cap)
            break
        chosen[excerpt_hash] = question
        most_usd += usd
    if not chosen:
        return Submitted(problem=problem)
    reservation = ledger.reserve(
        {name: question.conversations for name, question in chosen.items()},
        model=configuration.model,
        definition_hash=terms.definition_hash,
        most_usd=most_usd,
        now=now,
    )
    conversations = sum(len(question.conversations) for question in chosen.values())
    try:
        batch_id = await endpoint.submit(
            {name: question.chat for name, question in chosen.items()}, reservation.reservation_id
        )
    except CallFailedError as error:
        # It may have arrived all the same: the next run asks the provider for it by the reservation.
        return Submitted(conversations, f"the batch was not confirmed ({error}); the next run looks for it")
    ledger.submitted(reservation, batch_id, clock.now())
    return Submitted(conversations, problem)


@dataclass(frozen=True)
class Part:
    """Some of the due conversations from place `start` on, by key; `missing` of them have gone or changed since."""

    start: int
    candidates: Sequence[Candidate]
    stored: Mapping[str, StoredConversation]
    missing: int

    @property
    def redactions(self) -> dict[str, int]:
        """How much was taken out of each before it was kept."""
        return {key: one.redaction_count for key, one in self.stored.items()}


class BatchRun:
    """One run over the batch endpoint; used once.

    `terms` are those of a call: the first question, which tries the endpoint, is one.
    """

    def __init__(self, terms: Terms, dependencies: Dependencies, log: LedgerLog, ledger: BatchLedger) -> None:
        self._terms = replace(terms, price=terms.price.of_batch)
        self._first_question = Run(terms, dependencies)
        self._clock = dependencies.clock
        self._log = log
        self._ledger = ledger

    async def run(self, parts: Iterable[Part], report: LlmReport, *, is_relabelling: bool) -> LlmReport:
        """Take in what has ended, submit what is left, and return the report with the outcome of every conversation.

        Raises what the ledger raises; the endpoint never makes it fail.
        """
        questions: dict[str, Question] = {}
        async with OpenAiBatches(self._terms.configuration, self._clock) as endpoint:
            stock = await take_stock(endpoint, self._ledger, self._clock)
            for part in parts:
                collected = await take_in(
                    self._terms, self._clock, stock, part.candidates, is_relabelling=is_relabelling
                )
                report = report.with_part(collected.summary, part.redactions, withheld=part.missing)
                for excerpt_hash, group in collected.left.items():
                    known = questions.get(excerpt_hash, Question(chat_messages(group[0].excerpt), ()))
                    stored = tuple(part.stored[one.conversation_id] for one in group)
                    questions[excerpt_hash] = replace(known, conversations=known.conversations + stored)
            lost = close(self._terms, self._log, self._ledger, stock, self._clock.now())
            report = report.with_calls(lost, stock.problem)
            # A provider that does not report its batches gets no other one.
            if questions and not self._terms.configuration.is_batch:
                report = replace(report, problem=report.problem or _SWITCHED_OFF)
            elif questions and stock.problem is None:
                report = await self._submit(endpoint, stock, questions, report)
        return report

    async def _submit(
        self, endpoint: OpenAiBatches, stock: Stock, questions: Mapping[str, Question], report: LlmReport
    ) -> LlmReport:
        problem = await self._first_question.probe()
        report = report.with_calls(self._first_question.calls, problem)
        if problem is not None:
            return report
        spent_usd = sum(call.cost_usd for call in self._first_question.calls)
        made = await submit(
            self._terms, endpoint, self._ledger, stock, questions, clock=self._clock, spent_usd=spent_usd
        )
        return replace(report, waiting=report.waiting + made.conversations, problem=report.problem or made.problem)
