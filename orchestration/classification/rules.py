"""The rules classifier: cues in the texts and tool events, readable line by line.

Proposed, resolved and claimed rest on the agent's side alone: a customer cannot talk the rules into them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Conversation, Message, StageAnswer, StageLabel
from orchestration.classification.cues import Cues, detect_language, simplified
from orchestration.configuration.label_stages import STAGES

# Rough guesses, not measured; the evaluation prints how far off they are.
_FACT_CONFIDENCE = 0.99
_CUE_CONFIDENCE = 0.75
_CLAIMED = "claimed_resolved"
# Identifying the customer, thinking and calculating show nothing of the concern.
NEUTRAL_TOOL = re.compile(r"user|customer|account_details|login|auth|verify|identif|think|calculate|transfer|handoff")
_LEAST_CONCERN_WORDS = 3
_AGREEMENT_CHARACTERS = 60
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")


def classify_by_rules(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
    """Answer for each conversation; where no shipped language fits, what rests on text is unknown."""
    return [_answer(conversation) for conversation in conversations]


@dataclass
class _Reading:
    """What has been understood so far; `evidence` maps a stage (or the claim) to the event that shows it."""

    cues: Cues | None
    evidence: dict[str, str] = field(default_factory=dict)
    has_concern: bool = False
    has_question: bool = False
    has_offer: bool = False
    has_failed_tool: bool = False

    def show(self, stage: str, message: Message) -> None:
        self.evidence.setdefault(stage, message.event_id)

    def withdraw_resolved(self) -> None:
        self.evidence.pop("resolved", None)


def _answer(conversation: Conversation) -> StageAnswer:
    messages = conversation.messages
    is_silent = not any(message.role == "agent" or message.event_type == "tool_called" for message in messages)
    texts = [unwrap(message.content) for message in messages if message.role in {"customer", "agent"}]
    reading = _Reading(detect_language(texts))
    for message in messages:
        if message.role == "agent":
            _read_agent(reading, message)
        elif message.role == "customer":
            _read_customer(reading, message)
        elif message.event_type == "tool_called":
            _read_tool(reading, message)
    # The agent's side did nothing: that is a fact in every language.
    is_undecidable = reading.cues is None and not is_silent
    labels = {stage: _label(reading, stage, is_undecidable=is_undecidable) for stage in (*STAGES, _CLAIMED)}
    return StageAnswer(conversation.conversation_id, {stage: labels[stage] for stage in STAGES}, labels[_CLAIMED])


def _label(reading: _Reading, stage: str, *, is_undecidable: bool) -> StageLabel:
    if stage == "greeted":
        return StageLabel(stage in reading.evidence, _FACT_CONFIDENCE, reading.evidence.get(stage))
    if stage in reading.evidence:
        return StageLabel(reached=True, confidence=_CUE_CONFIDENCE, evidence_event_id=reading.evidence[stage])
    if is_undecidable:
        return StageLabel(reached=None, confidence=0.0)
    return StageLabel(reached=False, confidence=_CUE_CONFIDENCE)


def _read_customer(reading: _Reading, message: Message) -> None:
    text = simplified(message.content)
    cues = reading.cues
    said = text if cues is None else " ".join(without_courtesy(cues, text))
    if cues is not None:
        opening = text[:_AGREEMENT_CHARACTERS]
        is_agreement = cues.find("agreement", opening) and not cues.find("refusal", opening)
        if "solution_proposed" in reading.evidence and is_agreement:
            reading.show("solution_accepted", message)
        if cues.find("complaint", said) or cues.find("request", said):
            reading.withdraw_resolved()
        reading.has_question = "?" in said or cues.patterns["question"].match(said) is not None
    reading.has_concern = reading.has_concern or len(said.split()) >= _LEAST_CONCERN_WORDS


def _read_tool(reading: _Reading, message: Message) -> None:
    if NEUTRAL_TOOL.search((message.tool_name or "").lower()):
        return
    if reading.has_concern:
        reading.show("problem_identified", message)
    reading.has_failed_tool = message.is_error
    if message.is_error:
        reading.withdraw_resolved()


def _read_agent(reading: _Reading, message: Message) -> None:
    reading.show("greeted", message)
    cues = reading.cues
    if cues is None:
        return
    sentences = without_courtesy(cues, simplified(unwrap(message.content)))
    sentences = [sentence for sentence in sentences if not cues.find("identification", sentence)]
    if not sentences or not reading.has_concern:
        return
    reading.show("problem_identified", message)
    fails = any(cues.find("failure", sentence) for sentence in sentences)
    asks = any("?" in sentence for sentence in sentences)
    if any(is_claim(cues, sentence) for sentence in sentences):
        reading.show(_CLAIMED, message)
        if not (fails or reading.has_failed_tool):
            reading.show("resolved", message)
        return
    if fails:
        reading.withdraw_resolved()
    if any(cues.find("offer", sentence) for sentence in sentences):
        reading.show("solution_proposed", message)
        reading.has_offer = True
    elif reading.has_question and not (asks or fails):
        reading.show("solution_proposed", message)
        # The answer to a question resolves it, unless an offer is still open.
        if not reading.has_offer:
            reading.show("resolved", message)


def is_claim(cues: Cues, sentence: str) -> bool:
    """Whether an agent's simplified sentence claims that something is done."""
    return "?" not in sentence and cues.find("claim", sentence) and not cues.find("failure", sentence)


def without_courtesy(cues: Cues, text: str) -> list[str]:
    """Return the sentences of a simplified text that are more than courtesy."""
    return [sentence for sentence in _sentences(text) if not cues.is_courtesy(sentence)]


# Prefixes of one conversation repeat its texts.
@lru_cache(maxsize=65_536)
def _sentences(text: str) -> tuple[str, ...]:
    return tuple(sentence for sentence in _SENTENCE_END.split(text) if sentence.strip())
