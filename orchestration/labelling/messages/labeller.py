"""Labels the messages of customers: language, mood, and what their words show, with a hash of all it depends on."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from orchestration.labelling.agent_text import unwrap
from orchestration.labelling.conversation import Message
from orchestration.labelling.cues import Cues, detect_language, hash_of_cues
from orchestration.labelling.messages.phrases import LEAST_LEAD, LEAST_SHARE, NOTHING, Shown, phrase_books
from orchestration.labelling.messages.sentiment import LANGUAGE, sentiment_of
from orchestration.labelling.messages.taxonomy import KINDS, Kind, read_taxonomy
from orchestration.privacy.redaction import REDACTOR_VERSION

# Raised with every change of code that may change an answer; data (phrases, cues, lexicon) is hashed as it is.
MESSAGES_VERSION = 1
# Fewer words than this say little of their own language: the conversation decides.
_LEAST_OWN_WORDS = 6
# Nobody types more at once: what follows was pasted, and costs as much as a hundred messages.
_READ_CHARACTERS = 4_000


@dataclass(frozen=True)
class MessageLabels:
    """What one message says; `sentiment` -1..1 or None for unknown, `language` None where no shipped one fits."""

    language: str | None
    sentiment: float | None
    shown: Mapping[Kind, Shown]


@dataclass(frozen=True)
class MessageLabeller:
    """What labels a text in a language, as the ledger names it."""

    definition_hash: str
    label: Callable[[str, str | None], MessageLabels]


def message_labeller(taxonomy: Path) -> MessageLabeller:
    """Return the labeller of a taxonomy: seeds/taxonomy.csv of a warehouse. Raises what reading it raises."""
    rows = read_taxonomy(taxonomy)
    books = phrase_books(rows)

    # The same words come again and again: greetings, answers, what people copy.
    @lru_cache(maxsize=16_384)
    def label(text: str, language: str | None) -> MessageLabels:
        read = text[:_READ_CHARACTERS]
        book = books.get(language or "")
        return MessageLabels(
            language,
            sentiment_of(read) if language == LANGUAGE else None,
            dict.fromkeys(KINDS, NOTHING) if book is None else book.shown(read),
        )

    parts = {
        "taxonomy": sorted([row.kind, row.label, row.language, row.phrase] for row in rows),
        "margin": [LEAST_SHARE, LEAST_LEAD],
        "sentiment": version("vaderSentiment"),
        "version": MESSAGES_VERSION,
        "cues": hash_of_cues(),
        "redactor": REDACTOR_VERSION,
    }
    definition = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return MessageLabeller(definition, label)


def languages_of(messages: Iterable[Message]) -> list[str | None]:
    """Return the language of each message of a conversation: its own where it is long enough to tell.

    Otherwise that of the conversation, both sides together, as the stage model reads it; None where none fits.
    """
    texts = [unwrap(one.content) if one.role == "agent" else one.content for one in messages]
    whole = detect_language(texts)
    return [cues.language if (cues := _own(text) or whole) is not None else None for text in texts]


def _own(text: str) -> Cues | None:
    return detect_language([text]) if len(text.split()) >= _LEAST_OWN_WORDS else None
