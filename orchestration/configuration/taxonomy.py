"""The taxonomy: labels by kind, each with phrases that show it; rows of taxonomy.csv."""

from pathlib import Path
from typing import ClassVar, Literal, get_args

from orchestration.configuration.cells import Label, Name, Phrase
from orchestration.configuration.reading import read_rows
from orchestration.configuration.rows import Row

Kind = Literal["intent", "objection", "escalation_reason", "dropoff_reason"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# A phrase that only looks like another; it shows none of the labels of its kind.
NO_LABEL = "none"


class TaxonomyRow(Row):
    """A phrase that shows a label of a kind in a language."""

    file: ClassVar = "taxonomy.csv"
    key: ClassVar = ("kind", "language", "phrase")

    kind: Kind
    label: Label
    language: Name
    phrase: Phrase


def read_taxonomy(path: Path) -> tuple[TaxonomyRow, ...]:
    """Read a taxonomy. Raises ConfigurationError naming every line that cannot be read."""
    return read_rows(path, TaxonomyRow)
