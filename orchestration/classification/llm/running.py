"""One run of the LLM step: the conversations asked about, how many at once, and when it stops."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from functools import partial

from orchestration.classification.llm.asking import CIRCUIT_OPEN, NOT_ASKED, LlmClient, Question
from orchestration.classification.llm.budget import Budget, Cap
from orchestration.classification.llm.call_log import CallRow
from orchestration.classification.llm.candidate_outcomes import LlmSummary
from orchestration.classification.llm.candidates import Candidate, ReadCandidate
from orchestration.classification.llm.circuit_breaker import CircuitBreaker
from orchestration.classification.llm.client import OpenAiEndpoint
from orchestration.classification.llm.clock import Clock, SystemClock
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.probe import NOT_ENFORCED, probe_question
from orchestration.classification.llm.prompt import chat_messages
from orchestration.classification.llm.rate_limiter import RateLimiter
from orchestration.classification.llm.recording import Recording, Terms, read_answer
from orchestration.classification.llm.replies import Endpoint, Failure

Progress = Callable[[int, int, float], None]
EndpointFactory = Callable[[LlmConfiguration, Clock], AbstractAsyncContextManager[Endpoint]]


@dataclass(frozen=True)
class Dependencies:
    """What a run uses besides its input; `on_progress` gets conversations done, all of them, and the USD spent."""

    clock: Clock = field(default_factory=SystemClock)
    # Waits are spread so that clients do not come back together: nothing secret rests on it.
    rng: random.Random = field(default_factory=random.Random)
    endpoint: EndpointFactory = OpenAiEndpoint
    on_progress: Progress = lambda _done, _total, _usd: None


class Run:
    """One run; used once."""

    def __init__(self, terms: Terms, dependencies: Dependencies) -> None:
        self._terms = terms
        self._clock = dependencies.clock
        self._surroundings = dependencies
        self._recording = Recording(terms, dependencies.clock)
        self._breaker = CircuitBreaker()
        midnight = datetime.combine(self._clock.now().date(), time(), tzinfo=UTC)
        configuration = terms.configuration
        self._budget = Budget(
            *(configuration.budget_usd_per_run, configuration.budget_usd_per_day), terms.log.spent_usd(midnight)
        )
        self._cap: Cap | None = None
        self._done = self._total = 0

    async def run(self, candidates: Sequence[Candidate], *, is_relabelling: bool, is_asking: bool) -> LlmSummary:
        """Record those that are due, without `is_asking` only from earlier answers. Raises what the log raises."""
        recording = self._recording
        pending = recording.pending(candidates, is_relabelling=is_relabelling)
        if pending:
            try:
                groups = recording.record_cached(pending)
                self._total = len(pending)
                self._done = self._total - sum(len(group) for group in groups)
                if groups and is_asking:
                    await self._ask_about(groups)
            finally:
                # Also when the run is stopped: what was paid for is kept.
                self._terms.log.commit()
        reason = self._cap.value if self._cap else CIRCUIT_OPEN
        recording.leave(pending, reason if is_asking else NOT_ASKED)
        return recording.summary(self._problem())

    @property
    def calls(self) -> Sequence[CallRow]:
        """The calls made so far."""
        return self._recording.calls

    async def probe(self) -> str | None:
        """Ask the first question only, and return the reason against more questions, None without one."""
        try:
            await self._ask_about(())
        finally:
            self._terms.log.commit()
        return self._problem()

    async def _ask_about(self, groups: Sequence[list[ReadCandidate]]) -> None:
        configuration = self._terms.configuration
        async with self._surroundings.endpoint(configuration, self._clock) as endpoint:
            asker = LlmClient(
                endpoint,
                model=configuration.model,
                definition_hash=self._terms.definition_hash,
                price=self._terms.price,
                budget=self._budget,
                pace=RateLimiter(configuration.requests_per_minute, configuration.tokens_per_minute, self._clock),
                breaker=self._breaker,
                clock=self._clock,
                rng=self._surroundings.rng,
            )
            await self._probe(asker)
            waiting = iter(groups)
            try:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(configuration.concurrency):
                        workers.create_task(self._work(asker, waiting))
            except BaseExceptionGroup as errors:
                # One error stops all of them; the others would add nothing to it.
                raise errors.exceptions[0] from errors

    async def _probe(self, asker: LlmClient) -> None:
        asked = await asker.ask(probe_question())
        self._recording.note(asked.calls, None)
        if asked.blocked and asked.blocked != CIRCUIT_OPEN:
            self._cap = Cap(asked.blocked)
        elif asked.failure in {Failure.WRONG_SCHEMA, Failure.LENGTH}:
            self._breaker.open(NOT_ENFORCED)
        elif asked.failure is not None:
            self._breaker.open(f"the endpoint did not answer a first question: {asked.failure} ({asked.detail})")

    async def _work(self, asker: LlmClient, waiting: Iterator[list[ReadCandidate]]) -> None:
        while not (self._breaker.is_open or self._cap):
            group = next(waiting, None)
            if group is None:
                return
            first = group[0]
            read = partial(read_answer, found=first)
            asked = await asker.ask(Question(first.candidate.key, chat_messages(first.excerpt), read))
            if asked.blocked and asked.blocked != CIRCUIT_OPEN:
                self._cap = Cap(asked.blocked)
            self._recording.record(group, asked)
            self._done += len(group)
            self._surroundings.on_progress(self._done, self._total, self._budget.spent_usd)

    def _problem(self) -> str | None:
        if self._breaker.problem:
            return self._breaker.problem
        if self._cap is None:
            return None
        return cap_problem(self._cap)


def cap_problem(cap: Cap) -> str:
    """Name the cap that stopped a run, and the remedy."""
    name = {Cap.RUN: "COLLOQUY_LLM_BUDGET_USD_PER_RUN", Cap.DAY: "COLLOQUY_LLM_BUDGET_USD_PER_DAY"}[cap]
    return f"{name} is used up; the next run goes on where this one stopped, or raise it"
