"""Takes in what batches have answered, by the path that every answer takes."""

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from orchestration.classification.llm.asking import NOT_ASKED, Asker, Question
from orchestration.classification.llm.batch_client import Result
from orchestration.classification.llm.breaker import Breaker
from orchestration.classification.llm.budget import Budget
from orchestration.classification.llm.candidates import Candidate, ReadCandidate
from orchestration.classification.llm.clock import Clock
from orchestration.classification.llm.excerpt import hash_of
from orchestration.classification.llm.outcomes import Accounted, LlmSummary, Outcome
from orchestration.classification.llm.pace import Pace
from orchestration.classification.llm.prompt import chat_messages
from orchestration.classification.llm.replies import CallFailedError, Reply
from orchestration.classification.llm.settling import Settling, Terms, read_answer

_NO_LIMIT = 10**12


@dataclass(frozen=True)
class Collected:
    """What became of some candidates; `left` are those to be asked about, by excerpt."""

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
    """Settle the candidates that are due and whose excerpts have results; those `under_way` wait.

    What has been answered is paid, so no cap and no pause stands in the way. `terms` has the price of a batch.
    """
    settling = Settling(terms, clock)
    left: dict[str, list[ReadCandidate]] = {}
    try:
        for group in settling.settle_cached(settling.pending(candidates, is_relabelling=is_relabelling)):
            first = group[0]
            excerpt_hash = first.excerpt.excerpt_hash
            if excerpt_hash in results:
                question = Question(
                    first.candidate.key, chat_messages(first.excerpt), partial(read_answer, found=first)
                )
                settling.settle(group, await _asker(terms, clock, results).ask(question))
            elif excerpt_hash in under_way:
                for one in group:
                    settling.accounted[one.conversation_id] = Accounted(Outcome.WAITING, answer=one.candidate.embedded)
            else:
                left[excerpt_hash] = group
                settling.leave((one.candidate for one in group), NOT_ASKED)
    finally:
        terms.log.commit()
    return Collected(settling.summary(), left)


def _asker(terms: Terms, clock: Clock, results: Mapping[str, Result]) -> Asker:
    """Return who reads one result, once: a line of a batch says the same again, and nothing of the next one."""
    return Asker(
        _Answered(results),
        model=terms.configuration.model,
        definition_hash=terms.definition_hash,
        price=terms.price,
        budget=Budget(math.inf, math.inf),
        pace=Pace(_NO_LIMIT, _NO_LIMIT, clock),
        breaker=Breaker(),
        clock=clock,
        rng=random.Random(),  # noqa: S311 - nobody waits
        most_tries=1,
    )
