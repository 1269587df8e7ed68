"""What is measured, by what it is cut, and what is expected of agents: three seeds and what holds in them."""

from collections.abc import Iterator, Set
from difflib import get_close_matches
from typing import ClassVar, Literal

from orchestration.configuration.cells import (
    DimensionName,
    Flag,
    Name,
    Names,
    Number,
    PropertyName,
    Value,
    Whole,
    WholeAbove0,
)
from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed
from orchestration.configuration.rows import Row

# The definition from which each goal gets a metric of its own.
GOAL_METRIC = "conversion_rate:<goal>"


class MetricDefinition(Row):
    """A metric of metrics_daily and metrics_hourly."""

    file: ClassVar = "metric_definitions.csv"
    key: ClassVar = ("metric_name",)

    metric_name: Name
    family: Name
    unit: Name
    kind: Literal["count", "sum", "mean", "rate", "ratio"]
    numerator: Name
    denominator: Name | None
    scale: Number
    lower_bound: Number | None = 0.0
    upper_bound: Number | None = None
    direction: Literal["higher_is_better", "lower_is_better", "neutral"]
    additivity: Literal["additive", "non_additive"]
    minimum_sample: Whole | None = None
    is_compared: Flag = False
    maturity_hours: Number
    description: str | None = None


class SegmentDimension(Row):
    """A dimension by which the metrics are cut."""

    file: ClassVar = "segment_dimensions.csv"
    key: ClassVar = ("dimension",)

    dimension: DimensionName
    # What models/intermediate/metrics/int_conversation_attributes_listed.sql knows how to read.
    column_name: (
        Literal[
            "agent",
            "channel",
            "device",
            "entry_page",
            "hour_of_day",
            "language",
            "model",
            "purpose",
            "source",
            "traffic_source",
            "variant",
        ]
        | None
    )
    property: PropertyName | None
    top_n: WholeAbove0 | None = None
    is_hourly: Flag = False


class AgentExpectation(Row):
    """An agent of which something is expected; the row without an agent holds for all others."""

    file: ClassVar = "agents.csv"
    key: ClassVar = ("agent",)

    agent: Value | None
    reference_message_count: WholeAbove0
    goals: Names | None


def metric_problems(metrics: Seed[MetricDefinition], measures: Set[str]) -> Iterator[Problem]:
    """Yield what is wrong with definitions of metrics; `measures` are the names of what models count."""
    if metrics.is_readable and GOAL_METRIC not in metrics.values("metric_name"):
        # Tests are judged by the goals that have a metric.
        what = f"metric {GOAL_METRIC!r}, which stands for one metric a goal, is missing"
        yield metrics.problem(1, "metric_name", what, "add its row again")
    known = measures | {"goal_count"}
    for line, row in metrics.rows.items():
        if row.kind == "count" and row.denominator is not None:
            yield metrics.problem(line, "denominator", "a count has no denominator", "leave it empty")
        elif row.kind != "count" and row.denominator is None:
            yield metrics.problem(line, "denominator", f"a {row.kind} needs a denominator", "name a measure")
        if row.is_compared and row.kind != "rate":
            what = f"a {row.kind} is not compared by segment, only a rate is"
            yield metrics.problem(line, "is_compared", what, "write false")
        for column, measure in (("numerator", row.numerator), ("denominator", row.denominator)):
            if measure is not None and measure not in known:
                similar = ", ".join(get_close_matches(measure, sorted(known)))
                hint = f"; similar ones are {similar}" if similar else ""
                what = f"{measure!r} of metric {row.metric_name!r} is no measure"
                yield metrics.problem(line, column, what, f"write one that int_*_measures_counted counts{hint}")


def dimension_problems(dimensions: Seed[SegmentDimension]) -> Iterator[Problem]:
    """Yield the dimensions that are read from nothing, or from two places."""
    for line, row in dimensions.rows.items():
        if (row.column_name is None) == (row.property is None):
            what = f"dimension {row.dimension!r} needs a column_name or a property, and not both"
            yield dimensions.problem(line, "column_name", what, "fill one of the two cells")
