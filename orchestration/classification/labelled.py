"""What the embedded model learns from: conversations whose messages say what is reached after each of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.classification.conversation import Conversation, Message

# What a message can show, besides `greeted`, which is a fact.
LABEL_TARGETS = ("problem_identified", "solution_proposed", "solution_accepted", "resolved", "claimed_resolved")

TargetLabels = Mapping[str, bool | None]


@dataclass(frozen=True)
class LabelledMessage:
    """A message, what is reached after it (label target -> yes, no or undecidable), and what it does.

    `acts` names what the words do (see acts.py); None when they were not named, an empty set when it does none.
    """

    message: Message
    labels: TargetLabels
    acts: frozenset[str] | None


@dataclass(frozen=True)
class LabelledConversation:
    """A conversation with its labels, in the order of its messages.

    `group` names what makes conversations alike (a service, a task, a product); empty where it is unknown.
    """

    conversation_id: str
    messages: tuple[LabelledMessage, ...]
    group: str = ""

    @property
    def conversation(self) -> Conversation:
        """The conversation as a classifier sees it."""
        return Conversation(self.conversation_id, tuple(labelled.message for labelled in self.messages))

    def cut(self, length: int) -> "LabelledConversation":
        """Return the first `length` messages, as the conversation looked then."""
        return LabelledConversation(f"{self.conversation_id}@{length}", self.messages[:length], self.group)


def group_weights(conversations: Sequence[LabelledConversation]) -> list[float]:
    """Return weights by which every group counts alike, their mean 1; what is in no group counts 1.

    The next group is more likely like any one of them than like the largest.
    """
    counts = Counter(conversation.group for conversation in conversations if conversation.group)
    middle = sum(counts.values()) / max(len(counts), 1)
    return [middle / counts[conversation.group] if conversation.group else 1.0 for conversation in conversations]
