"""What a classifier is measured on."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.classification.conversation import Conversation
from orchestration.configuration.label_stages import STAGES, furthest_stage


@dataclass(frozen=True)
class Example:
    """A conversation with its truth: stage -> reached, None where the source cannot decide (masked in every score).

    `outcome` is the real outcome (a reward where the source has one, else `resolved`), `claim_truth` whether
    the agent's side claims that it is done, where that was labelled; None = masked. `slice_name` groups the scores.
    `expects_unknown`: in a language no classifier reads, so the right answer is unknown and nothing else is scored.
    """

    example_id: str
    conversation: Conversation
    truth: Mapping[str, bool | None]
    slice_name: str
    outcome: bool | None
    claim_truth: bool | None = None
    expects_unknown: bool = False

    @property
    def masked(self) -> tuple[str, ...]:
        """Stages that count on neither side."""
        return tuple(stage for stage in STAGES if self.truth[stage] is None)

    @property
    def current_stage(self) -> str | None:
        """The furthest stage, None when it cannot be known because `resolved` is not."""
        return None if self.truth["resolved"] is None else furthest_stage(self.truth, self.masked)


@dataclass(frozen=True)
class Dataset:
    """Examples of one origin. `target` is what the shipped model must reach there, empty where nothing is asked.

    `is_whole`: the conversations are complete, as those are that a run may ask an LLM about.
    """

    name: str
    examples: tuple[Example, ...]
    target: str = ""
    is_whole: bool = True
