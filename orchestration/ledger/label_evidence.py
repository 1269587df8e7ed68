"""Refuses labels that a classifier does not prove: no answer enters the ledger whose evidence is not there."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.classification.conversation import Message, StageAnswer, StageLabel
from orchestration.configuration.label_stages import CLAIMED_RESOLVED, STAGES
from orchestration.ledger.content import StoredConversation, StoredMessage

# A customer cannot say that a problem is solved in the agent's place, whatever the text asks a classifier to answer.
_AGENT_SIDE = frozenset({"solution_proposed", "resolved", CLAIMED_RESOLVED})
_QUOTED_CHARACTERS = 300
_REFUSED = StageLabel(reached=None, confidence=0.0)


@dataclass(frozen=True)
class ShownLabel:
    """A label that stands, with the message that shows it and the words quoted from it; both None unless reached."""

    label: StageLabel
    evidence: StoredMessage | None
    quote: str | None
    is_refused: bool


def shown_labels(stored: StoredConversation, answer: StageAnswer) -> Mapping[str, ShownLabel]:
    """Return what stands of an answer, by stage and claimed_resolved; a refused label is unknown."""
    messages = {one.message.event_id: one for one in stored.messages}
    labels = {stage: answer.labels[stage] for stage in STAGES} | {CLAIMED_RESOLVED: answer.claimed_resolved}
    return {stage: _shown(stage, label, messages) for stage, label in labels.items()}


def _shown(stage: str, label: StageLabel, messages: Mapping[str, StoredMessage]) -> ShownLabel:
    if not label.reached:
        return ShownLabel(StageLabel(label.reached, label.confidence), None, None, is_refused=False)
    evidence = messages.get(label.evidence_event_id or "")
    if evidence is None or not _may_show(stage, label, evidence.message):
        return ShownLabel(_REFUSED, None, None, is_refused=True)
    # The result of a tool is no statement of either side, and is kept in no ledger.
    words = "" if evidence.message.role == "tool" else evidence.message.content[:_QUOTED_CHARACTERS]
    return ShownLabel(label, evidence, label.evidence_quote or words or None, is_refused=False)


def _may_show(stage: str, label: StageLabel, message: Message) -> bool:
    if stage in _AGENT_SIDE and message.role == "customer":
        return False
    return label.evidence_quote is None or label.evidence_quote in message.content
