"""Records the answers of batches in the same way as every other answer."""

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from orchestration.classification.llm.asking import NOT_ASKED, LlmClient, Question
from orchestration.classification.llm.batch_client import Result
from orchestration.classification.llm.budget import Budget
from orchestration.classification.llm.candidate_outcomes import Accounted, LlmSummary, Outcome
from orchestration.classification.llm.candidates import Candidate, ReadCandidate
from orchestration.classification.llm.circuit_breaker import CircuitBreaker
from orchestration.classification.llm.clock import Clock
from orchestration.classification.llm.excerpt import hash_of
from orchestration.classification.llm.prompt import chat_messages
from orchestration.classification.llm.rate_limiter import RateLimiter
from orchestration.classification.llm.recording import Recording, Terms, read_answer
from orchestration.classification.llm.replies import CallFailedError, Reply

_NO_LIMIT = 10**12


@dataclass(frozen=True)
class Collected:
    """The outcome of some candidates; `left` are those to be asked about, by excerpt."""

    summary: LlmSummary
    left: Mapping[str, list[ReadCandidate]]


class _Answered:
    """An endpoint that has answered already."""

    def __init__(self, results: Mapping[str, Result]) -> None:
        self._results = results

    async def complete(self, messages: list[dict[str, str]], max_tokens: int) -> Reply:
        """Return what the batch holds for the chat."""
        result = self._results[hash_of(messages[-1]["content"])]
        if isinstance(result, CallFailedError):
            raise result
        return result


async def collect(
    terms: Terms,
    clock: Clock,
    candidates: Sequence[Candidate],
    *,
    results: Mapping[str, Result],
    under_way: Collection[str],
    is_relabelling: bool,
) -> Collected:
    """Record the candidates that are due and whose excerpts have results; those `under_way` wait.

    An answered question is paid for, so no cap and no pause stands in the way. `terms` has the price of a batch.
    """
    recording = Recording(terms, clock)
    left: dict[str, list[ReadCandidate]] = {}
    try:
        for group in recording.record_cached(recording.pending(candidates, is_relabelling=is_relabelling)):
            first = group[0]
            excerpt_hash = first.excerpt.excerpt_hash
            if excerpt_hash in results:
                question = Question(
                    first.candidate.key, chat_messages(first.excerpt), partial(read_answer, found=first)
                )
                recording.record(group, await _asker(terms, clock, results).ask(question))
            elif excerpt_hash in under_way:
                for one in group:
                    recording.accounted[one.conversation_id] = Accounted(Outcome.WAITING, answer=one.candidate.embedded)
            else:
                left[excerpt_hash] = group
                recording.leave((one.candidate for one in group), NOT_ASKED)
    finally:
        terms.log.commit()
    return Collected(recording.summary(), left)


def _asker(terms: Terms, clock: Clock, results: Mapping[str, Result]) -> LlmClient:
    """Return a client that reads one result, once: a second try would get the same line."""
    return LlmClient(
        _Answered(results),
        model=terms.configuration.model,
        definition_hash=terms.definition_hash,
        price=terms.price,
        budget=Budget(math.inf, math.inf),
        pace=RateLimiter(_NO_LIMIT, _NO_LIMIT, clock),
        breaker=CircuitBreaker(),
        clock=clock,
        rng=random.Random(),  # noqa: S311 - there is no wait
        most_tries=1,
    )
