"""Every seed and its row model, and what holds in all of them: keys stand once, references lead somewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from orchestration.configuration.ab_tests import Experiment
from orchestration.configuration.alert_rules import AlertRule
from orchestration.configuration.funnels import Funnel, FunnelStage
from orchestration.configuration.metrics import AgentExpectation, MetricDefinition, SegmentDimension
from orchestration.configuration.model_prices import ModelPrice
from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed, read_seed
from orchestration.configuration.rows import Column, Row, RowT, columns_of
from orchestration.configuration.sources import (
    ConversationPurpose,
    EventTypeAlias,
    SenderWord,
    Source,
    SuccessSignal,
)
from orchestration.configuration.taxonomy import TaxonomyRow

_MODELS: tuple[type[Row], ...] = (
    Source,
    EventTypeAlias,
    SenderWord,
    ConversationPurpose,
    SuccessSignal,
    Funnel,
    FunnelStage,
    MetricDefinition,
    SegmentDimension,
    AgentExpectation,
    AlertRule,
    Experiment,
    ModelPrice,
    TaxonomyRow,
)
# File name -> what a row of it is.
ROW_MODELS: Mapping[str, type[Row]] = {model.file: model for model in _MODELS}


@dataclass(frozen=True)
class Seeds:
    """All seeds of a folder as they were read, by file name."""

    by_file: Mapping[str, Seed[Any]]

    def of(self, model: type[RowT]) -> Seed[RowT]:
        """Return the seed of a row model."""
        return cast("Seed[RowT]", self.by_file[model.file])


def read_seeds(folder: Path) -> Seeds:
    """Read every seed of a folder."""
    return Seeds({file: read_seed(folder / file, model) for file, model in ROW_MODELS.items()})


def key_problems(seeds: Seeds) -> Iterator[Problem]:
    """Yield the rows whose key stands in an earlier row already."""
    for file, model in ROW_MODELS.items():
        seed, seen = seeds.by_file[file], dict[tuple[str, ...], int]()
        for line, texts in seed.texts.items():
            value = tuple(texts[column] for column in model.key)
            first = seen.setdefault(value, line)
            if first != line:
                what = f"{', '.join(map(repr, value))} stands in line {first} already"
                yield seed.problem(line, ", ".join(model.key), what, "remove one of the two rows")


def reference_problems(seeds: Seeds) -> Iterator[Problem]:
    """Yield the cells that name a row of another seed which is not there."""
    for file, model in ROW_MODELS.items():
        for column in columns_of(model).values():
            if column.reference is not None and seeds.by_file[column.reference.file].is_readable:
                known = seeds.by_file[column.reference.file].values(column.reference.column)
                yield from _missing(seeds.by_file[file], column, column.reference.file, known)


def _missing(seed: Seed[Any], column: Column, target: str, known: set[str]) -> Iterator[Problem]:
    named_already = {problem.line for problem in seed.problems if problem.column == column.name}
    for line, texts in seed.texts.items():
        text = texts[column.name]
        for value in filter(None, text.split("|") if column.is_list else [text]):
            if value not in known and line not in named_already:
                remedy = f"write one of {', '.join(sorted(known))}, or add a row to {target}"
                yield seed.problem(line, column.name, f"{value!r} is not in {target}", remedy)
