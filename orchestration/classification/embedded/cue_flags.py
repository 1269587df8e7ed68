"""The rules' cues of one message, as numbers for the model."""

import re

from orchestration.classification.cues import Cues
from orchestration.classification.rules import is_claim, without_courtesy

AGENT_FLAGS = ("fails", "asks", "offers", "claims", "is_courtesy", "asks_identity", "has_digit", "is_short", "is_long")
CUSTOMER_FLAGS = (
    *("agrees", "agrees_early", "refuses", "complains", "requests", "asks", "has_mark"),
    *("is_courtesy", "has_digit", "is_one_word", "is_short", "is_long"),
)
_OPENING_CHARACTERS = 60
_DIGIT = re.compile(r"\d")
_SHORT_WORDS = 3
_LONG_WORDS = 20


def agent_flags(cues: Cues, text: str) -> tuple[bool, ...]:
    """Return AGENT_FLAGS of a simplified, unwrapped agent text."""
    sentences = without_courtesy(cues, text)
    own = [sentence for sentence in sentences if not cues.find("identification", sentence)]
    words = text.count(" ") + 1
    return (
        any(cues.find("failure", sentence) for sentence in own),
        "?" in text,
        any(cues.find("offer", sentence) for sentence in own),
        any(is_claim(cues, sentence) for sentence in own),
        not sentences,
        len(own) < len(sentences),
        _DIGIT.search(text) is not None,
        words <= _SHORT_WORDS,
        words >= _LONG_WORDS,
    )


def customer_flags(cues: Cues, text: str) -> tuple[bool, ...]:
    """Return CUSTOMER_FLAGS of a simplified customer text."""
    said = " ".join(without_courtesy(cues, text))
    opening = text[:_OPENING_CHARACTERS]
    words = text.count(" ") + 1
    return (
        cues.find("agreement", opening),
        cues.patterns["agreement"].match(opening.strip()) is not None,
        cues.find("refusal", opening),
        cues.find("complaint", said),
        cues.find("request", said),
        cues.patterns["question"].match(said) is not None,
        "?" in text,
        not said,
        _DIGIT.search(text) is not None,
        words == 1,
        words <= _SHORT_WORDS,
        words >= _LONG_WORDS,
    )
