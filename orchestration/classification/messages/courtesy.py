"""Whether a message of a customer says nothing but thanks, approval or goodbye."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from orchestration.classification.cues import simplified

FILE = Path(__file__).with_name("courtesy.yml")
_SIGNS = "signs"
# Longer ones tell something, whatever their words.
_MOST_WORDS = 20
# What an elision leaves of a word ("c'est", "I'm") says nothing.
_WORD = re.compile(r"[^\W\d_]{2,}")
_SAYS_MORE = re.compile(r"[\d?%@/]")


@dataclass(frozen=True)
class _Words:
    denies: frozenset[str]
    closes: frozenset[str]
    approves: frozenset[str]
    beside: frozenset[str]

    def say_nothing_else(self, words: Sequence[str]) -> bool:
        is_denial = words[0] in self.denies
        said = words[1:] if is_denial else words
        if not all(word in self.closes or word in self.approves or word in self.beside for word in said):
            return False
        return any(word in self.closes or (word in self.approves and not is_denial) for word in said)


def is_courtesy(text: str, language: str | None) -> bool | None:
    """Return whether each word of a text is one of courtesy in its language; None for a language without a list.

    "Thanks, it works now" is, "thanks, but it still fails" is not. Signs such as a thumb up count in every language.
    """
    words = _WORD.findall(simplified(text))
    if not words:
        return any(sign in text for sign in _shipped_signs()) and _SAYS_MORE.search(text) is None
    known = _shipped_words().get(language or "")
    if known is None:
        return None
    return len(words) <= _MOST_WORDS and _SAYS_MORE.search(text) is None and known.say_nothing_else(words)


@cache
def hash_of_courtesy() -> str:
    """Return the sha256 (hex) of the shipped words as they are written."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


@cache
def _content() -> Mapping[str, Mapping[str, list[str]]]:
    content: Mapping[str, Mapping[str, list[str]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


@cache
def _shipped_words() -> Mapping[str, _Words]:
    return {
        language: _Words(*(frozenset(lists[name]) for name in ("denies", "closes", "approves", "beside")))
        for language, lists in _content().items()
        if language != _SIGNS
    }


@cache
def _shipped_signs() -> tuple[str, ...]:
    return tuple(_content()[_SIGNS])
