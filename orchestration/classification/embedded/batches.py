"""From conversations to what the heads see: hashed texts, acts and dense numbers of every message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.cues import Cues, detect_language, simplified
from orchestration.classification.embedded.context import dense_rows
from orchestration.classification.embedded.cue_flags import agent_flags, customer_flags
from orchestration.classification.embedded.hashing import HashedTexts, hash_texts
from orchestration.classification.embedded.linear import sigmoid, sum_by_text, text_norms

Numbers = npt.NDArray[np.float64]
Side = str
AGENT, CUSTOMER = "agent", "customer"
SIDES = (AGENT, CUSTOMER)
_FLAGS = {AGENT: agent_flags, CUSTOMER: customer_flags}


@dataclass(frozen=True)
class Spoken:
    """The different texts of one side: hashed, and the flags of each (texts x flags)."""

    texts: HashedTexts
    flags: Numbers


@dataclass(frozen=True)
class Reading:
    """One conversation in a readable language: the messages that count, and which text of its side each one is."""

    conversation: Conversation
    cues: Cues
    messages: tuple[Message, ...]
    text_index: tuple[int, ...]


@dataclass(frozen=True)
class Batch:
    """Conversations read together; `readings` has None where no shipped language fits."""

    readings: Sequence[Reading | None]
    spoken: Mapping[Side, Spoken]


def read_batch(conversations: Sequence[Conversation]) -> Batch:
    """Read conversations; each different text is simplified, hashed and searched for cues once."""
    known: dict[Side, dict[tuple[str, str], int]] = {side: {} for side in SIDES}
    flags: dict[Side, list[tuple[bool, ...]]] = {side: [] for side in SIDES}
    readings: list[Reading | None] = []
    for conversation in conversations:
        messages = tuple(message for message in conversation.messages if _counts(message))
        texts = [_text(message) for message in messages]
        cues = detect_language(
            text for text, message in zip(texts, messages, strict=True) if message.event_type != "tool_called"
        )
        if cues is None:
            readings.append(None)
            continue
        places = []
        for text, message in zip(texts, messages, strict=True):
            if message.role not in known:
                places.append(-1)
                continue
            key = (cues.language, text)
            place = known[message.role].setdefault(key, len(flags[message.role]))
            if place == len(flags[message.role]):
                flags[message.role].append(_FLAGS[message.role](cues, text))
            places.append(place)
        readings.append(Reading(conversation, cues, messages, tuple(places)))
    spoken = {
        side: Spoken(hash_texts([text for _, text in known[side]]), np.array(flags[side], dtype=np.float64))
        for side in SIDES
    }
    return Batch(readings, spoken)


def _counts(message: Message) -> bool:
    return message.role in {"customer", "agent"} or message.event_type == "tool_called"


def _text(message: Message) -> str:
    if message.role == "agent":
        return simplified(unwrap(message.content))
    return simplified(message.content) if message.role == "customer" else ""


@dataclass(frozen=True)
class TextHeads:
    """Scores of texts: weights by bucket (idf already in them) for several heads.

    `flags` (flags x acts) are the weights of the cue flags for the acts, which come first among the heads.
    """

    weights: npt.NDArray[np.float32]
    idf: npt.NDArray[np.float32]
    bias: Numbers
    flags: Numbers

    def scores(self, texts: HashedTexts) -> Numbers:
        """Return texts x heads."""
        sums = sum_by_text(texts, self.weights[texts.buckets])
        return sums / text_norms(texts, self.idf)[:, None] + self.bias


def said_of(spoken: Spoken, scores: Numbers, flag_weights: Numbers) -> Numbers:
    """Return what each text does: probabilities of the acts, from their text scores and the flags; then the flags."""
    if not len(spoken.texts):
        return np.zeros((0, 0))
    return np.concatenate((sigmoid(scores + spoken.flags @ flag_weights), spoken.flags), axis=1)


def dense_of(reading: Reading, said: Mapping[Side, Numbers]) -> list[Numbers]:
    """Return the dense numbers of each message of a conversation."""
    empty = np.zeros(0)
    vectors = [
        empty if place < 0 else said[message.role][place]
        for message, place in zip(reading.messages, reading.text_index, strict=True)
    ]
    return dense_rows(reading.messages, vectors)
