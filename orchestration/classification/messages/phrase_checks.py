"""Errors in the phrases of a taxonomy that show only when texts are read by them."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain

from orchestration.classification.cues import shipped_cues
from orchestration.classification.messages.words import clauses, content_words
from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed
from orchestration.configuration.taxonomy import TaxonomyRow


@cache
def function_words() -> Mapping[str, frozenset[str]]:
    """Return the function words of each language that phrases can be written in."""
    return {cues.language: cues.function_words for cues in shipped_cues()}


def phrase_problems(taxonomy: Seed[TaxonomyRow]) -> Iterator[Problem]:
    """Yield what is wrong with phrases beyond what any seed may have wrong."""
    languages = function_words()
    known: dict[tuple[str, str, frozenset[str]], tuple[str, int]] = {}
    for line, row in taxonomy.rows.items():
        if row.language not in languages:
            what = f"{row.language!r} is none of {', '.join(sorted(languages))}"
            yield taxonomy.problem(line, "language", what, "write one of these")
            continue
        if not content_words(row.phrase, languages[row.language]):
            what = f"{row.phrase!r} has no word of its own: every text would show it"
            yield taxonomy.problem(line, "phrase", what, "add a word that only this label has")
            continue
        words = frozenset(chain.from_iterable(clauses(row.phrase)))
        label, first = known.setdefault((row.kind, row.language, words), (row.label, line))
        if label != row.label:
            what = f"{row.phrase!r} has the words of line {first}, which shows {label!r}: neither would be found"
            yield taxonomy.problem(line, "phrase", what, "remove one of the two rows")
