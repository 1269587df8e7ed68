"""What stays of the free properties of people whose data expires or is erased."""

from dataclasses import dataclass
from pathlib import Path

from orchestration.configuration.metrics import SegmentDimension
from orchestration.configuration.reading import read_rows
from orchestration.configuration.sources import SuccessSignal
from orchestration.configuration.taxonomy import TaxonomyRow, read_taxonomy


@dataclass(frozen=True)
class Kept:
    """What stays of a person's free properties, because numbers are computed from it: names, and reasons by name."""

    properties: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def read_kept(seeds: Path) -> Kept:
    """Return the properties that the configuration names and the reasons for a handoff that it knows, both sorted.

    Raises ConfigurationError.
    """
    named = {row.property for row in read_rows(seeds / SuccessSignal.file, SuccessSignal)}
    named |= {row.property for row in read_rows(seeds / SegmentDimension.file, SegmentDimension)}
    taxonomy = read_taxonomy(seeds / TaxonomyRow.file)
    reasons = {row.label for row in taxonomy if row.kind == "escalation_reason"}
    return Kept(tuple(sorted(filter(None, named))), tuple(sorted(reasons)))
