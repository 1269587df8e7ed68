"""The outcome of every conversation that was handed to the step."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestration.classification.conversation import StageAnswer


class Outcome(StrEnum):
    """One of these for every conversation; all but LABELLED stay with the answer they came with or had before."""

    LABELLED = "labelled"
    ALREADY_LABELLED = "already_labelled"
    # Asked about in an earlier run, without success, and not due yet.
    WAITING = "waiting"
    FALLEN_BACK = "fallen_back"
    DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True)
class Accounted:
    """The outcome of one conversation, why (empty when labelled), and the answer that now holds if it is new.

    An `is_cache_hit` shares the outcome of another conversation with the same excerpt, without a call.
    """

    outcome: Outcome
    reason: str = ""
    answer: StageAnswer | None = None
    needs_review: bool = True
    is_cache_hit: bool = False


@dataclass(frozen=True)
class LlmSummary:
    """What a run did. `problem` is the reason for an early stop and the remedy, None when it did not stop early."""

    accounted: Mapping[str, Accounted]
    calls: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    redactions: int
    problem: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Return how many conversations had each outcome; together they are all that were handed in."""
        counts = Counter(one.outcome for one in self.accounted.values())
        return {outcome.value: counts[outcome] for outcome in Outcome}

    @property
    def cache_hits(self) -> int:
        """How many were labelled without a call."""
        return sum(one.is_cache_hit for one in self.accounted.values() if one.outcome == Outcome.LABELLED)

    @property
    def reasons(self) -> dict[str, int]:
        """Return how many conversations got no label for each reason."""
        return dict(sorted(Counter(one.reason for one in self.accounted.values() if one.reason).items()))

    @property
    def review_share(self) -> float | None:
        """Share (0..1) of the newly labelled that a person should look at, None when there are none."""
        labelled = [one for one in self.accounted.values() if one.outcome == Outcome.LABELLED]
        return sum(one.needs_review for one in labelled) / len(labelled) if labelled else None
