"""The heads of the model: which target each predicts, at which messages, and from what."""

from dataclasses import dataclass

from orchestration.classification.embedded.batches import AGENT, CUSTOMER, Side
from orchestration.classification.embedded.context import CONCERN_WIDTH


@dataclass(frozen=True)
class Head:
    """`side` names whose messages it scores (tools count as the agent's); `sees_concern`: customers' words count too.

    A head that is not `is_state` fires once and stays; one that is gives the state after each message.
    """

    name: str
    target: str
    side: Side
    sees_concern: bool = False
    is_state: bool = False

    @property
    def unseen_columns(self) -> int:
        """How many of the last dense numbers are kept from this head."""
        return CONCERN_WIDTH if self.side == AGENT and not self.sees_concern else 0


# What is proposed, resolved or claimed rests on the agent's side alone; a customer can only take resolved back.
HEADS = (
    Head("problem_identified", "problem_identified", AGENT, sees_concern=True),
    Head("solution_proposed", "solution_proposed", AGENT),
    Head("resolved", "resolved", AGENT, is_state=True),
    Head("claimed_resolved", "claimed_resolved", AGENT),
    Head("solution_accepted", "solution_accepted", CUSTOMER),
    Head("reopened", "resolved", CUSTOMER, is_state=True),
)
