"""The taxonomy: labels by kind, each with phrases that show it; rows of seeds/taxonomy.csv."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from orchestration.configuration.seed_files import read_rows

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
