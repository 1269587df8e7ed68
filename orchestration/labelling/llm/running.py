"""One run of the LLM step: who is asked about, how many at once, and what is written down."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial

from orchestration.labelling.conversation import Conversation, StageAnswer
from orchestration.labelling.embedded.model import Model
from orchestration.labelling.llm.asking import CIRCUIT_OPEN, Asked, Asker, Question
from orchestration.labelling.llm.breaker import Breaker
from orchestration.labelling.llm.budget import Budget, Cap
from orchestration.labelling.llm.call_log import AnswerRow, CallLog, CallRow, ContentKey, DeadLetter, Standing
from orchestration.labelling.llm.client import OpenAiEndpoint
from orchestration.labelling.llm.clock import Clock, SystemClock
from orchestration.labelling.llm.configuration import LlmConfiguration
from orchestration.labelling.llm.corroboration import Support, supports
from orchestration.labelling.llm.evidence import Believed, believe
from orchestration.labelling.llm.excerpt import Excerpt, excerpt_of
from orchestration.labelling.llm.outcomes import Accounted, LlmSummary, Outcome
from orchestration.labelling.llm.pace import Pace
from orchestration.labelling.llm.prices import Price
from orchestration.labelling.llm.probe import NOT_ENFORCED, probe_question
from orchestration.labelling.llm.prompt import chat_messages
from orchestration.labelling.llm.replies import PASSING, Endpoint, Failure
from orchestration.labelling.llm.schema import parse_answer

_BATCH_CONVERSATIONS = 256
_FIRST_RETRY, _LONGEST_RETRY = timedelta(hours=1), timedelta(hours=24)
_MOST_DEAD_LETTERS = 5

Progress = Callable[[int, int, float], None]
EndpointFactory = Callable[[LlmConfiguration, Clock], AbstractAsyncContextManager[Endpoint]]


@dataclass(frozen=True)
class Candidate:
    """A closed conversation, the hash of its content, and the embedded answer, which stays where the LLM has none."""

    conversation: Conversation
    content_hash: str
    embedded: StageAnswer

    @property
    def key(self) -> ContentKey:
        """What it is known by."""
        return ContentKey(self.conversation.conversation_id, self.content_hash)


@dataclass(frozen=True)
class Surroundings:
    """What a run uses besides its input; `on_progress` gets conversations done, all of them, and the USD spent."""

    clock: Clock = field(default_factory=SystemClock)
    # Waits are spread so that clients do not come back together: nothing secret rests on it.
    rng: random.Random = field(default_factory=random.Random)
    endpoint: EndpointFactory = OpenAiEndpoint
    on_progress: Progress = lambda _done, _total, _usd: None


@dataclass(frozen=True)
class Terms:
    """Under what a run asks: the endpoint and its price, the embedded model beside it, the definition and the log."""

    configuration: LlmConfiguration
    price: Price
    model: Model
    definition_hash: str
    log: CallLog


def read(model: Model, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, Support, Excerpt]]:
    """Yield each candidate with what its agent's side supports and what of it is sent; a batch at a time."""
    for start in range(0, len(candidates), _BATCH_CONVERSATIONS):
        part = candidates[start : start + _BATCH_CONVERSATIONS]
        found = supports(model, [candidate.conversation for candidate in part])
        for candidate, support in zip(part, found, strict=True):
            yield candidate, support, excerpt_of(candidate.conversation, support.scores)


class Run:
    """One run; used once."""

    def __init__(self, terms: Terms, surroundings: Surroundings) -> None:
        self._terms = terms
        self._log = terms.log
        self._clock = surroundings.clock
        self._surroundings = surroundings
        self._breaker = Breaker()
        midnight = datetime.combine(self._clock.now().date(), time(), tzinfo=UTC)
        configuration = terms.configuration
        self._budget = Budget(
            *(configuration.budget_usd_per_run, configuration.budget_usd_per_day), self._log.spent_usd(midnight)
        )
        self._cap: Cap | None = None
        self._accounted: dict[str, Accounted] = {}
        self._standings: dict[ContentKey, Standing] = {}
        self._calls: list[CallRow] = []
        self._uncommitted_calls = 0
        self._redactions = 0
        self._done = self._total = 0

    async def run(self, candidates: Sequence[Candidate], *, is_relabelling: bool) -> LlmSummary:
        """Ask about those that are due. Raises what the log raises."""
        pending = self._pending(candidates, is_relabelling=is_relabelling)
        self._total = len(pending)
        if pending:
            try:
                await self._ask_about(pending)
            finally:
                # Also when the run is stopped: what was paid for is kept.
                self._log.commit()
        for candidate in pending:
            reason = self._cap.value if self._cap else CIRCUIT_OPEN
            self._accounted.setdefault(
                candidate.conversation.conversation_id, Accounted(Outcome.FALLEN_BACK, reason, candidate.embedded)
            )
        return LlmSummary(
            accounted=self._accounted,
            calls=len(self._calls),
            tokens_in=sum(call.tokens_in for call in self._calls),
            tokens_out=sum(call.tokens_out for call in self._calls),
            cost_usd=sum(call.cost_usd for call in self._calls),
            redactions=self._redactions,
            problem=self._problem(),
        )

    def _pending(self, candidates: Sequence[Candidate], *, is_relabelling: bool) -> list[Candidate]:
        definition = self._terms.definition_hash
        self._standings = dict(self._log.standings([candidate.key for candidate in candidates], definition))
        pending = []
        now = self._clock.now()
        for candidate in candidates:
            name = candidate.conversation.conversation_id
            standing = self._standings.get(candidate.key, Standing())
            is_answered = definition in standing.answered if is_relabelling else bool(standing.answered)
            is_waiting = standing.dead_letters > 0 and not (standing.next_retry_at and standing.next_retry_at <= now)
            if is_answered:
                self._accounted[name] = Accounted(Outcome.ALREADY_LABELLED)
            elif is_waiting:
                self._accounted[name] = Accounted(Outcome.WAITING, answer=candidate.embedded)
            else:
                pending.append(candidate)
        return pending

    async def _ask_about(self, pending: Sequence[Candidate]) -> None:
        configuration = self._terms.configuration
        async with self._surroundings.endpoint(configuration, self._clock) as endpoint:
            asker = Asker(
                endpoint,
                model=configuration.model,
                definition_hash=self._terms.definition_hash,
                price=self._terms.price,
                budget=self._budget,
                pace=Pace(configuration.requests_per_minute, configuration.tokens_per_minute, self._clock),
                breaker=self._breaker,
                clock=self._clock,
                rng=self._surroundings.rng,
            )
            await self._probe(asker)
            waiting = read(self._terms.model, pending)
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(configuration.concurrency):
                        group.create_task(self._work(asker, waiting))
            except BaseExceptionGroup as errors:
                # One fault stops all of them; the others say no more than it does.
                raise errors.exceptions[0] from errors

    async def _probe(self, asker: Asker) -> None:
        asked = await asker.ask(probe_question())
        self._note(asked.calls, None)
        if asked.blocked and asked.blocked != CIRCUIT_OPEN:
            self._cap = Cap(asked.blocked)
        elif asked.failure in {Failure.WRONG_SCHEMA, Failure.LENGTH}:
            self._breaker.open(NOT_ENFORCED)
        elif asked.failure is not None:
            self._breaker.open(f"the endpoint did not answer a first question: {asked.failure} ({asked.detail})")

    async def _work(self, asker: Asker, waiting: Iterator[tuple[Candidate, Support, Excerpt]]) -> None:
        while not (self._breaker.is_open or self._cap):
            found = next(waiting, None)
            if found is None:
                return
            await self._label(asker, *found)
            self._done += 1
            self._surroundings.on_progress(self._done, self._total, self._budget.spent_usd)

    async def _label(self, asker: Asker, candidate: Candidate, support: Support, excerpt: Excerpt) -> None:
        question = Question(
            candidate.key,
            chat_messages(excerpt),
            partial(_read_answer, candidate=candidate, support=support, excerpt=excerpt),
        )
        asked = await asker.ask(question)
        name = candidate.conversation.conversation_id
        outcome: AnswerRow | DeadLetter | None = None
        if asked.answer is not None:
            outcome = self._answer_row(candidate, excerpt, asked, asked.answer)
            believed = asked.answer
            self._accounted[name] = Accounted(
                Outcome.LABELLED, answer=believed.answer, needs_review=believed.needs_review
            )
        elif asked.failure is not None:
            outcome = self._dead_letter(candidate, asked, asked.failure)
            self._accounted[name] = Accounted(Outcome.DEAD_LETTERED, asked.failure.value, candidate.embedded)
        else:
            self._accounted[name] = Accounted(Outcome.FALLEN_BACK, asked.blocked or "", candidate.embedded)
        if asked.blocked and asked.blocked != CIRCUIT_OPEN:
            self._cap = Cap(asked.blocked)
        if asked.calls:
            self._redactions += excerpt.redaction_count
            self._note(asked.calls, outcome)

    def _note(self, calls: list[CallRow], outcome: AnswerRow | DeadLetter | None) -> None:
        self._calls += calls
        self._log.record(calls, outcome)
        self._uncommitted_calls += len(calls)
        if self._uncommitted_calls >= self._terms.configuration.commit_every:
            self._log.commit()
            self._uncommitted_calls = 0

    def _answer_row(
        self, candidate: Candidate, excerpt: Excerpt, asked: Asked[Believed], believed: Believed
    ) -> AnswerRow:
        return AnswerRow(
            key=candidate.key,
            definition_hash=self._terms.definition_hash,
            model=self._terms.configuration.model,
            believed=believed,
            tokens_in=sum(call.tokens_in for call in asked.calls),
            tokens_out=sum(call.tokens_out for call in asked.calls),
            cost_usd=sum(call.cost_usd for call in asked.calls),
            redaction_count=excerpt.redaction_count,
            is_truncated=excerpt.is_truncated,
            labelled_at=self._clock.now(),
        )

    def _dead_letter(self, candidate: Candidate, asked: Asked[Believed], failure: Failure) -> DeadLetter:
        earlier = self._standings.get(candidate.key, Standing()).dead_letters
        now = self._clock.now()
        next_retry_at = None
        if failure in PASSING | {Failure.DENIED} and earlier + 1 < _MOST_DEAD_LETTERS:
            wait = min(_LONGEST_RETRY, _FIRST_RETRY * 2**earlier)
            next_retry_at = now + max(wait, timedelta(seconds=asked.not_before_seconds or 0))
        return DeadLetter(
            key=candidate.key,
            definition_hash=self._terms.definition_hash,
            reason=failure,
            detail=asked.detail,
            attempts=len(asked.calls),
            next_retry_at=next_retry_at,
            raw_response=asked.raw,
            died_at=now,
        )

    def _problem(self) -> str | None:
        if self._breaker.problem:
            return self._breaker.problem
        if self._cap is None:
            return None
        name = {Cap.RUN: "COLLOQUY_LLM_BUDGET_USD_PER_RUN", Cap.DAY: "COLLOQUY_LLM_BUDGET_USD_PER_DAY"}[self._cap]
        return f"{name} is used up; the next run goes on where this one stopped, or raise it"


def _read_answer(text: str, candidate: Candidate, support: Support, excerpt: Excerpt) -> Believed:
    return believe(parse_answer(text), excerpt, support, candidate.embedded)
