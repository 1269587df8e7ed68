"""How alike two short texts are, by the letter triples they share: knows no language, forgives endings and typos."""

import re
from collections.abc import Iterator
from functools import lru_cache

from orchestration.classification.cues import simplified

Triples = frozenset[str]
_NO_LETTER = re.compile(r"[\W\d_]+")


@lru_cache(maxsize=16_384)
def triples_of(text: str) -> Triples:
    """Return the runs of three letters of a text, borders of words included."""
    spaced = f" {_NO_LETTER.sub(' ', simplified(text)).strip()} "
    return frozenset(_runs(spaced))


def similarity(one: Triples, other: Triples) -> float:
    """Return the Dice similarity, 0..1; 0 when one of them has no letters."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def _runs(text: str) -> Iterator[str]:
    for start in range(len(text) - 2):
        yield text[start : start + 3]
