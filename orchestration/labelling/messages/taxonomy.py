"""The taxonomy: labels by kind, each with phrases that show it; rows of seeds/taxonomy.csv."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Literal, cast

from orchestration.labelling.cues import shipped_cues
from orchestration.labelling.messages.words import clauses, content_words
from orchestration.landing.seeds import read_rows

Kind = Literal["intent", "objection", "escalation_reason", "dropoff_reason"]
KINDS: tuple[Kind, ...] = ("intent", "objection", "escalation_reason", "dropoff_reason")
COLUMNS = ("kind", "label", "language", "phrase")
# A phrase that only looks like another; whoever says it says none of the labels of its kind.
NO_LABEL = "none"


@dataclass(frozen=True)
class TaxonomyRow:
    """A phrase that shows a label of a kind in a language."""

    kind: Kind
    label: str
    language: str
    phrase: str


def read_taxonomy(path: Path) -> tuple[TaxonomyRow, ...]:
    """Read a taxonomy whose rows have been checked. Raises FileNotFoundError, ValueError."""
    rows = read_rows(path, COLUMNS)
    return tuple(TaxonomyRow(cast("Kind", row["kind"]), row["label"], row["language"], row["phrase"]) for row in rows)


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
