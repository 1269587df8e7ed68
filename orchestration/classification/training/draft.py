"""A conversation in the making: its texts, and what each message shows by the rules of the golden set.

The rules stand in evaluation/golden/README.md.
"""

import random
from dataclasses import dataclass, field

from orchestration.classification.conversation import Message, Role
from orchestration.classification.labelled import LABEL_TARGETS, LabelledConversation, LabelledMessage

_EVENT_TYPES: dict[Role, str] = {"customer": "user_message", "agent": "agent_message", "tool": "tool_called"}
_SPECIFIC = frozenset({"ask", "restatement", "offer", "answer", "steps", "refusal", "claim", "failure"})
_PROPOSING = frozenset({"offer", "answer", "steps"})


@dataclass
class Draft:
    """Collects the messages and keeps the labels as they stand."""

    conversation_id: str
    rng: random.Random
    messages: list[LabelledMessage] = field(default_factory=list)
    labels: dict[str, bool | None] = field(default_factory=lambda: dict.fromkeys(LABEL_TARGETS, False))
    has_concern: bool = False
    is_offer_open: bool = False
    is_answer_due: bool = False

    def customer(self, text: str, *acts: str) -> None:
        """Let the customer speak; agreement counts while an offer is open."""
        labels = self.labels
        if {"concern", "more", "complaint"} & set(acts):
            self.has_concern = True
            self.is_answer_due = True
            labels["resolved"] = False
        if {"agreement", "done"} & set(acts) and self.is_offer_open:
            labels["solution_accepted"] = True
        self._add("customer", text, acts)

    def agent(self, text: str, *acts: str, resolves: bool | None = None) -> None:
        """Let the agent speak; `resolves` is what the message does to `resolved` (None: what the acts imply)."""
        said, labels = set(acts), self.labels
        if self.has_concern and said & _SPECIFIC:
            labels["problem_identified"] = True
        if self.has_concern and said & _PROPOSING:
            labels["solution_proposed"] = True
            if labels["solution_accepted"] is False and said == {"answer"} and not self.is_offer_open:
                labels["solution_accepted"] = None
            if said & {"offer", "steps"}:
                self.is_offer_open = True
                labels["solution_accepted"] = labels["solution_accepted"] or False
        if self.has_concern and "claim" in said:
            labels["claimed_resolved"] = True
        self._mark_resolved(said, resolves)
        self._add("agent", text, acts)

    def _mark_resolved(self, said: set[str], resolves: bool | None) -> None:
        if not self.has_concern:
            return
        if resolves is not None:
            self.labels["resolved"] = resolves
        elif "claim" in said:
            self.labels["resolved"], self.is_offer_open = True, False
        elif said & {"offer", "steps", "ask", "failure", "promise", "handoff"}:
            self.labels["resolved"] = False
        elif "refusal" in said:
            self.labels["resolved"] = None
        elif "answer" in said and self.is_answer_due and not self.is_offer_open:
            self.labels["resolved"] = True
        if self.labels["resolved"]:
            self.is_answer_due = False

    def tool(self, name: str, result: str, *, is_error: bool = False, is_write: bool = False) -> None:
        """Let a tool run; one that does more than identify the customer shows that the concern is understood."""
        if self.has_concern and not name.startswith(("verify", "find_user")):
            self.labels["problem_identified"] = True
        self._add("tool", result, (), tool=(name, is_error, is_write))

    def undecided(self, target: str) -> None:
        """From the last message on, it cannot be known."""
        self.labels[target] = None
        last = self.messages[-1]
        self.messages[-1] = LabelledMessage(last.message, dict(self.labels), last.acts)

    def finished(self) -> LabelledConversation:
        """Return the conversation."""
        return LabelledConversation(self.conversation_id, tuple(self.messages))

    def _add(
        self, role: Role, text: str, acts: tuple[str, ...], tool: tuple[str | None, bool, bool] = (None, False, False)
    ) -> None:
        number = len(self.messages) + 1
        name, is_error, is_write = tool
        event_id = f"{self.conversation_id}-{number}"
        message = Message(event_id, _EVENT_TYPES[role], role, text, number, name, is_error=is_error, is_write=is_write)
        self.messages.append(LabelledMessage(message, dict(self.labels), frozenset(acts)))
