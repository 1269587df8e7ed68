"""What is wrong with the phrases of a taxonomy that only who reads texts by them can tell."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain

from orchestration.classification.cues import shipped_cues
from orchestration.classification.messages.words import clauses, content_words


@cache
def function_words() -> Mapping[str, frozenset[str]]:
    """Return the function words of each language that phrases can be written in."""
    return {cues.language: cues.function_words for cues in shipped_cues()}


def phrase_problems(rows: Iterable[tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    """Yield what is wrong with phrases beyond what any seed may have wrong; rows come with where they stand."""
    languages = function_words()
    known: dict[tuple[str, str, frozenset[str]], tuple[str, str]] = {}
    for where, row in rows:
        phrase, language = row["phrase"], row["language"]
        if language not in languages:
            yield f"{where}: language {language!r} is none of {', '.join(sorted(languages))}"
            continue
        if not content_words(phrase, languages[language]):
            yield f"{where}: phrase {phrase!r} has no word of its own: every text would show it"
            continue
        words = frozenset(chain.from_iterable(clauses(phrase)))
        label, first = known.setdefault((row["kind"], language, words), (row["label"], where))
        if label != row["label"]:
            yield f"{where}: phrase {phrase!r} has the words of {first}, which shows {label!r}: neither would be found"
