"""What a classifier is given and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from orchestration.configuration.label_stages import STAGES, UNKNOWN, furthest_stage

Role = Literal["customer", "agent", "tool", "system"]


@dataclass(frozen=True)
class Message:
    """One event of a conversation; `content` is the text, or a tool's result. `seq` orders, with gaps allowed."""

    event_id: str
    event_type: str
    role: Role
    content: str
    seq: int
    tool_name: str | None = None
    is_error: bool = False
    is_write: bool = False


@dataclass(frozen=True)
class Conversation:
    """A conversation, or a prefix of one: the messages in their order."""

    conversation_id: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class StageLabel:
    """Whether one stage is reached (None = unknown), how sure the classifier is (0..1), and the event that shows it.

    `evidence_quote` is what a classifier quotes from that event, word by word; None leaves the choice to the ledger.
    """

    reached: bool | None
    confidence: float
    evidence_event_id: str | None = None
    evidence_quote: str | None = None


@dataclass(frozen=True)
class StageAnswer:
    """The answer of a classifier for one conversation; `labels` holds every stage of STAGES.

    `claimed_resolved` is what the agent's side claims, apart from whether it is so.
    """

    conversation_id: str
    labels: Mapping[str, StageLabel]
    claimed_resolved: StageLabel

    def furthest_stage(self, masked: Sequence[str] = ()) -> str:
        """Return the furthest stage after leaving out `masked` ones, or `unknown`."""
        return furthest_stage({stage: self.labels[stage].reached for stage in STAGES}, masked)

    def confidence(self, masked: Sequence[str] = ()) -> float:
        """How sure the answer for the furthest stage is: that of its least sure part, this stage and all after it."""
        stage = self.furthest_stage(masked)
        if stage == UNKNOWN:
            return 0.0
        first = STAGES.index(stage) if stage in STAGES else 0
        return min((self.labels[name].confidence for name in STAGES[first:] if name not in masked), default=1.0)


class Classifier(Protocol):
    """Anything that answers for conversations, in their order; it never sees the truth."""

    def __call__(self, conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        """Return one answer for each conversation."""
