"""What a run of the LLM step did, in numbers that add up: every candidate has one outcome."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration.classification.llm.call_log import CallRow
from orchestration.classification.llm.candidate_outcomes import LlmSummary, Outcome

_ASKED = frozenset({Outcome.LABELLED, Outcome.DEAD_LETTERED})


@dataclass(frozen=True)
class LlmReport:
    """Counts of conversations unless named otherwise; `problem` is the reason why some were left, and the remedy.

    `candidates` = labelled + already_labelled + waiting + dead_lettered + fallen_back + withheld; the last are those
    whose texts have gone or changed since they were found. `conversations` are all with labels, `under_margin` those
    among them the embedded model is not sure of, whether an event determines them or not; `beyond_share` are no
    candidates because as many less sure ones as may be are asked about. `cache_hits` of the labelled took no call: the
    same excerpt was sent for another conversation.
    """

    conversations: int = 0
    under_margin: int = 0
    beyond_share: int = 0
    candidates: int = 0
    labelled: int = 0
    cache_hits: int = 0
    needing_review: int = 0
    already_labelled: int = 0
    waiting: int = 0
    fallen_back: int = 0
    withheld: int = 0
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    redactions: int = 0
    problem: str | None = None

    @property
    def dead_lettered(self) -> int:
        """How many were asked about without getting a label."""
        return sum(self.dead_letters.values())

    def with_part(self, summary: LlmSummary, redactions: Mapping[str, int], withheld: int) -> "LlmReport":
        """Add a part of the run; `redactions` is how much was taken out of each conversation before it was kept."""
        counts = summary.counts
        accounted = summary.accounted
        dead = Counter(one.reason for one in accounted.values() if one.outcome == Outcome.DEAD_LETTERED)
        asked = [name for name, one in accounted.items() if one.outcome in _ASKED and not one.is_cache_hit]
        return replace(
            self,
            labelled=self.labelled + counts[Outcome.LABELLED],
            cache_hits=self.cache_hits + summary.cache_hits,
            needing_review=self.needing_review
            + sum(one.needs_review for one in accounted.values() if one.outcome == Outcome.LABELLED),
            already_labelled=self.already_labelled + counts[Outcome.ALREADY_LABELLED],
            waiting=self.waiting + counts[Outcome.WAITING],
            withheld=self.withheld + withheld,
            dead_letters=dict(sorted((Counter(self.dead_letters) + dead).items())),
            calls=self.calls + summary.calls,
            tokens_in=self.tokens_in + summary.tokens_in,
            tokens_out=self.tokens_out + summary.tokens_out,
            cost_usd=self.cost_usd + summary.cost_usd,
            redactions=self.redactions + summary.redactions + sum(redactions[name] for name in asked),
            problem=self.problem or summary.problem,
        )

    def with_calls(self, calls: Sequence[CallRow], problem: str | None) -> "LlmReport":
        """Add calls that are about no conversation of the run."""
        return replace(
            self,
            calls=self.calls + len(calls),
            tokens_in=self.tokens_in + sum(call.tokens_in for call in calls),
            tokens_out=self.tokens_out + sum(call.tokens_out for call in calls),
            cost_usd=self.cost_usd + sum(call.cost_usd for call in calls),
            problem=self.problem or problem,
        )

    def ended(self, most_conversations: int) -> "LlmReport":
        """Account for the candidates that were not reached."""
        others = self.labelled + self.already_labelled + self.waiting + self.dead_lettered + self.withheld
        left = self.candidates - others
        problem = self.problem
        if left and problem is None:
            problem = f"a run asks about at most {most_conversations:,} conversations; the next run goes on"
        if left and problem is not None:
            problem = f"{left:,} conversations keep the embedded answer and wait: {problem}"
        return replace(self, fallen_back=left, problem=problem)

    def as_metadata(self) -> dict[str, int | float | str]:
        """Return the counts and the shares (0..1) by name; what cannot be divided is left out."""
        shares = {
            "under_margin_share": (self.under_margin, self.conversations),
            "needing_review_share": (self.needing_review, self.labelled),
            "usd_per_label": (self.cost_usd, self.labelled),
        }
        return {
            "conversations": self.conversations,
            "under_margin": self.under_margin,
            "beyond_share": self.beyond_share,
            "candidates": self.candidates,
            "labelled": self.labelled,
            "cache_hits": self.cache_hits,
            "needing_review": self.needing_review,
            "already_labelled": self.already_labelled,
            "waiting": self.waiting,
            "fallen_back": self.fallen_back,
            "withheld": self.withheld,
            "dead_lettered": self.dead_lettered,
            **{f"dead_lettered_{reason}": count for reason, count in self.dead_letters.items()},
            "calls": self.calls,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost_usd": self.cost_usd,
            "redactions": self.redactions,
            **{name: part / whole for name, (part, whole) in shares.items() if whole},
            **({"problem": self.problem} if self.problem else {}),
        }

    def as_text(self) -> str:
        """Summarise it in one line."""
        dead = ", ".join(f"{count:,} {reason}" for reason, count in self.dead_letters.items())
        return (
            f"{self.labelled:,} of {self.candidates:,} unsure conversations labelled in {self.calls:,} calls "
            f"({self.cache_hits:,} by the answer for another with the same words), "
            f"{self.needing_review:,} to review, {self.waiting:,} waiting for another try or a batch, "
            f"{self.fallen_back:,} left, {self.beyond_share:,} surer ones not asked about, "
            f"{self.dead_lettered:,} without a usable answer{f' ({dead})' if dead else ''}; "
            f"{self.tokens_in:,} tokens read, {self.tokens_out:,} written, ${self.cost_usd:.4f}"
        )
