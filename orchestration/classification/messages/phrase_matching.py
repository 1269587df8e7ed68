"""Which label of the taxonomy the words of a text show: the phrase of which enough words stand in one sentence.

A phrase is found by its words, in any order and with any ending, and not by its letters: customers put the same request
into sentences of any length. Of several labels the one with the weightiest phrase wins; two that weigh the same are
unknown.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from orchestration.classification.letter_triples import similarity, triples_of
from orchestration.classification.messages.phrase_checks import function_words
from orchestration.classification.messages.words import NEGATION, clauses
from orchestration.configuration.label_stages import UNKNOWN
from orchestration.configuration.taxonomy import KINDS, NO_LABEL, Kind, TaxonomyRow

# Set on orchestration/classification/evaluation/golden/message_margin_cases.yml.
LEAST_SHARE = 0.75
LEAST_LEAD = 0.5
_FUNCTION_WORD_WEIGHT = 0.5
# Words of the same stem; shorter ones are alike by accident.
_LEAST_WORD_SIMILARITY = 0.6
_SHORTEST_SIMILAR = 4
_SHORTEST_PART = 6
_SAME_START = 3
# "Not too expensive" denies; what was denied elsewhere in the sentence is something else.
_DENIED_WITHIN = 3
_SENTENCE = re.compile(r"[^.!?…\n]+")


@dataclass(frozen=True)
class Shown:
    """A label and how much of its phrase was found, 0..1; `unknown` and 0 where no phrase is close enough."""

    label: str
    confidence: float


NOTHING = Shown(UNKNOWN, 0.0)


@dataclass(frozen=True)
class _Phrase:
    kind: Kind
    label: str
    weights: Mapping[str, float]
    total: float


@dataclass(frozen=True)
class _Found:
    label: str
    share: float
    weight: float


class PhraseBook:
    """The phrases of one language, by their words."""

    def __init__(self, rows: Iterable[TaxonomyRow], function_words: frozenset[str]) -> None:
        self._function_words = function_words
        self._phrases = [self._phrase(row) for row in rows]
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for place, phrase in enumerate(self._phrases):
            for word in phrase.weights:
                if self._says_something(word):
                    self._by_word[word].append(place)
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for word in self._by_word:
            self._by_start[word[:_SAME_START]].append(word)
        self._long_words = [word for word in self._by_word if len(word) >= _SHORTEST_PART]
        self._known: dict[str, tuple[str, ...]] = {}

    def shown(
        self, text: str, *, least_share: float = LEAST_SHARE, least_lead: float = LEAST_LEAD
    ) -> dict[Kind, Shown]:
        """Return what a text shows of each kind."""
        found: dict[Kind, list[_Found]] = {kind: [] for kind in KINDS}
        for sentence in _SENTENCE.findall(text):
            for kind, one in self._found(clauses(sentence), least_share):
                found[kind].append(one)
        return {kind: _decided(found[kind], least_lead) for kind in KINDS}

    def _phrase(self, row: TaxonomyRow) -> _Phrase:
        words = chain.from_iterable(clauses(row.phrase))
        weights = {word: _FUNCTION_WORD_WEIGHT if word in self._function_words else 1.0 for word in words}
        return _Phrase(row.kind, row.label, weights, sum(weights.values()))

    def _says_something(self, word: str) -> bool:
        return word != NEGATION and word not in self._function_words

    def _found(self, said: Sequence[Sequence[str]], least_share: float) -> Iterable[tuple[Kind, _Found]]:
        # In the order of the text: of two words that mean the same one of a phrase, it is always the later that counts.
        words = dict.fromkeys(word for clause in said for word in clause)
        meant = {known: word for word in words if self._says_something(word) for known in self._alike(word)}
        # By the words that carry meaning: those that every text holds would find every phrase.
        places = {place for known in meant for place in self._by_word[known]}
        for place in places:
            phrase = self._phrases[place]
            weight = sum(weight for word, weight in phrase.weights.items() if word in meant or word in words)
            if weight < least_share * phrase.total:
                continue
            is_denied = _is_denied(said, {meant[word] for word in phrase.weights if word in meant})
            # A wish stays the topic when it is denied; an opinion becomes its opposite.
            if is_denied != (NEGATION in phrase.weights) and (phrase.kind != "intent" or not is_denied):
                continue
            yield phrase.kind, _Found(phrase.label, weight / phrase.total, weight)

    def _alike(self, word: str) -> tuple[str, ...]:
        """Return the words of the phrases that are this one, in any ending or as a part of it."""
        if word not in self._known:
            if len(self._known) >= 100_000:
                self._known.clear()
            self._known[word] = tuple(self._look_up(word))
        return self._known[word]

    def _look_up(self, word: str) -> set[str]:
        alike = {word} if word in self._by_word else set()
        if len(word) < _SHORTEST_SIMILAR:
            return alike
        triples = triples_of(word)
        alike |= {
            known
            for known in self._by_start.get(word[:_SAME_START], ())
            if len(known) >= _SHORTEST_SIMILAR and similarity(triples, triples_of(known)) >= _LEAST_WORD_SIMILARITY
        }
        return alike | {known for known in self._long_words if known in word}


def phrase_books(rows: Iterable[TaxonomyRow]) -> dict[str, PhraseBook]:
    """Return a book for every language that has phrases."""
    by_language: dict[str, list[TaxonomyRow]] = defaultdict(list)
    for row in rows:
        by_language[row.language].append(row)
    words = function_words()
    return {language: PhraseBook(own, words[language]) for language, own in by_language.items()}


def _is_denied(said: Sequence[Sequence[str]], carriers: set[str]) -> bool:
    """Whether a negation stands close before or behind one of the words that carry a phrase, in its clause."""
    for clause in said:
        denials = [place for place, word in enumerate(clause) if word == NEGATION]
        for place, word in enumerate(clause):
            if word in carriers and any(abs(place - denial) <= _DENIED_WITHIN for denial in denials):
                return True
    return False


def _decided(found: Sequence[_Found], least_lead: float) -> Shown:
    best: dict[str, _Found] = {}
    for one in found:
        if one.label not in best or (one.weight, one.share) > (best[one.label].weight, best[one.label].share):
            best[one.label] = one
    ranked = sorted(best.values(), key=lambda one: (-one.weight, -one.share, one.label))
    if not ranked or ranked[0].label == NO_LABEL:
        return NOTHING
    if len(ranked) > 1 and ranked[0].weight - ranked[1].weight < least_lead:
        return NOTHING
    return Shown(ranked[0].label, ranked[0].share)
