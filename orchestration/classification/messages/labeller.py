"""Labels the messages of customers: language, sentiment, and what their words show; with a hash of its definition."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Message
from orchestration.classification.cues import Cues, detect_language, hash_of_cues
from orchestration.classification.messages.courtesy import hash_of_courtesy, is_courtesy
from orchestration.classification.messages.phrase_matching import LEAST_LEAD, LEAST_SHARE, NOTHING, Shown, phrase_books
from orchestration.classification.messages.sentiment import LANGUAGE, sentiment_of
from orchestration.classification.rephrases.detecting import LEAST_SIMILARITY, Said, compare
from orchestration.classification.rephrases.frequencies import hash_of_frequencies
from orchestration.configuration.taxonomy import KINDS, Kind, read_taxonomy
from orchestration.redaction.redactor import REDACTOR_VERSION

# Raised with every change of code that may change an answer; data (phrases, cues, lexicon) is hashed as it is.
MESSAGES_VERSION = 4
# Fewer words than this show little of their own language: the conversation decides.
_LEAST_OWN_WORDS = 6
# A person does not type more at once: the rest was pasted, and costs as much as a hundred messages.
_READ_CHARACTERS = 4_000


@dataclass(frozen=True)
class MessageLabels:
    """The labels of one message; `sentiment` -1..1 or None for unknown, `language` None where no shipped one fits.

    `is_courtesy`: it says nothing but thanks, approval or goodbye; None where the language has no words for it. `said`
    compares it with the customer's message before it, None for the first.
    """

    language: str | None
    sentiment: float | None
    shown: Mapping[Kind, Shown]
    is_courtesy: bool | None = None
    said: Said | None = None


class Label(Protocol):
    """Labels a text in a language; `before` is the customer's message before it."""

    def __call__(self, text: str, language: str | None, before: str | None = None, /) -> MessageLabels:
        """Return its labels."""


@dataclass(frozen=True)
class MessageLabeller:
    """What labels a text in a language, as the ledger names it."""

    definition_hash: str
    label: Label


def message_labeller(taxonomy: Path) -> MessageLabeller:
    """Return the labeller of a taxonomy: seeds/taxonomy.csv of a warehouse. Raises what reading it raises."""
    rows = read_taxonomy(taxonomy)
    books = phrase_books(rows)

    # The same words come again and again: greetings, answers, what people copy.
    @lru_cache(maxsize=16_384)
    def by_itself(text: str, language: str | None) -> MessageLabels:
        read = text[:_READ_CHARACTERS]
        book = books.get(language or "")
        return MessageLabels(
            language,
            sentiment_of(read) if language == LANGUAGE else None,
            dict.fromkeys(KINDS, NOTHING) if book is None else book.shown(read),
            is_courtesy(text, language),
        )

    def label(text: str, language: str | None, before: str | None = None, /) -> MessageLabels:
        labels = by_itself(text, language)
        return labels if before is None else replace(labels, said=compare(before, text))

    parts = {
        "taxonomy": sorted([row.kind, row.label, row.language, row.phrase] for row in rows),
        "margin": [LEAST_SHARE, LEAST_LEAD],
        "sentiment": version("vaderSentiment"),
        "version": MESSAGES_VERSION,
        "cues": hash_of_cues(),
        "courtesy": hash_of_courtesy(),
        "rephrases": [LEAST_SIMILARITY, hash_of_frequencies()],
        "redactor": REDACTOR_VERSION,
    }
    definition = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return MessageLabeller(definition, label)


def languages_of(messages: Iterable[Message]) -> list[str | None]:
    """Return the language of each message of a conversation: its own where it is long enough to show it.

    Otherwise that of the conversation, both sides together, as the stage model reads it; None where none fits.
    """
    texts = [unwrap(one.content) if one.role == "agent" else one.content for one in messages]
    whole = detect_language(texts)
    return [cues.language if (cues := _own(text) or whole) is not None else None for text in texts]


def _own(text: str) -> Cues | None:
    return detect_language([text]) if len(text.split()) >= _LEAST_OWN_WORDS else None
