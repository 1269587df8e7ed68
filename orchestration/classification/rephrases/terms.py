"""The words of a short text, as two texts are compared by them."""

import re
from functools import cache, lru_cache

from orchestration.classification.cues import shipped_cues, simplified

# Endings differ between two wordings of the same message; their beginnings do not.
_STEM_LETTERS = 5
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")


@lru_cache(maxsize=16_384)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words in their order, without case, accents and signs."""
    return tuple(_WORD.findall(simplified(text)))


@lru_cache(maxsize=16_384)
def terms_of(text: str) -> frozenset[str]:
    """Return the beginnings of the words that carry content: no function word of any shipped language, no number."""
    ignored = _function_words()
    return frozenset(word[:_STEM_LETTERS] for word in words_of(text) if word not in ignored and not word.isdigit())


def numbers_of(text: str) -> frozenset[str]:
    """Return the runs of digits."""
    return frozenset(_NUMBER.findall(text))


@cache
def _function_words() -> frozenset[str]:
    return frozenset().union(*(cues.function_words for cues in shipped_cues()))
