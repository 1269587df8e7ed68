"""Whether a customer's message rephrases or repeats the one before it, by the rare words they share (TF-IDF).

Not by the cosine of the weighted words, as is common: a customer who rephrases adds words, and a cosine divides by all
of them. What counts is how much of the first message recurs, and that it is enough to be no accident.
"""

from dataclasses import dataclass
from functools import lru_cache

from orchestration.classification.rephrases.frequencies import shipped_frequencies
from orchestration.classification.rephrases.terms import numbers_of, terms_of, words_of

# Set on orchestration/classification/evaluation/golden/rephrase_margin_pairs.yml: at most 0.5 % of what is no rephrase.
LEAST_SIMILARITY = 0.56
# The weight of four words that hardly any text has: as much in common is no accident.
_FULL_WEIGHT = 30.0
# From this share of common words on a message is a repeat: the same words, or one word put in for another.
_LEAST_OVERLAP = 0.8
# Short answers are often alike ("yes", "yes please") and show nothing.
_LEAST_WORDS = 3
# A person does not type more at once: the rest was pasted.
_READ_CHARACTERS = 4_000


@dataclass(frozen=True)
class Said:
    """How a message compares with the one before it; `similarity` 0..1. A repeat is no rephrase."""

    similarity: float
    is_rephrase: bool
    is_repeat: bool

    @property
    def is_again(self) -> bool:
        """Whether it is a rephrase or a repeat."""
        return self.is_rephrase or self.is_repeat


@lru_cache(maxsize=16_384)
def compare(before: str, after: str, *, least_similarity: float = LEAST_SIMILARITY) -> Said:
    """Compare two consecutive messages of one customer, of any language, in their order."""
    before, after = before[:_READ_CHARACTERS], after[:_READ_CHARACTERS]
    words = set(words_of(before)), set(words_of(after))
    # A customer who adds a number answers a question, or asks the same about another thing.
    if min(len(words_of(before)), len(words_of(after))) < _LEAST_WORDS or numbers_of(after) - numbers_of(before):
        return Said(0.0, is_rephrase=False, is_repeat=False)
    similarity = _similarity(terms_of(before), terms_of(after))
    if len(words[0] & words[1]) >= _LEAST_OVERLAP * len(words[0] | words[1]):
        # With another word in its place ("on Monday", "on Tuesday") it is another request.
        return Said(similarity, is_rephrase=False, is_repeat=terms_of(after) <= terms_of(before))
    return Said(similarity, is_rephrase=similarity >= least_similarity, is_repeat=False)


def _similarity(before: frozenset[str], after: frozenset[str]) -> float:
    """Return the weighted share of the terms of `before` that `after` has, less where it rests on little weight."""
    weight = shipped_frequencies().weight
    # Sorted: a sum in another order could end in another last digit.
    shared, whole = (sum(map(weight, sorted(terms))) for terms in (before & after, before))
    return shared / whole * min(1.0, shared / _FULL_WEIGHT) if whole else 0.0
