"""Rules by which metrics are watched: rows of alert_rules.csv; one that can never fire is refused."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from orchestration.configuration.cells import Name, Number, Segment, Whole, WholeAbove0, WindowHours
from orchestration.configuration.metrics import GOAL_METRIC, MetricDefinition, SegmentDimension
from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed
from orchestration.configuration.rows import Row

# Kinds of metrics with an interval.
_JUDGED_KINDS = ("mean", "rate", "ratio")


class AlertRule(Row):
    """A rule by which a metric is watched."""

    file: ClassVar = "alert_rules.csv"
    key: ClassVar = ("rule",)

    rule: Name
    metric_name: Name
    segment: Segment
    condition: Literal["drops_below", "drops_by", "exceeds", "rises_by"]
    threshold: Number
    window_hours: WindowHours
    severity: Literal["low", "medium", "high"]
    minimum_sample: WholeAbove0
    cooldown_hours: Whole
    description: str | None = None

    @property
    def definition_name(self) -> str:
        """The metric_name of the definition that the watched metric follows."""
        is_goal = self.metric_name.startswith("conversion_rate:") and self.metric_name != "conversion_rate:"
        return GOAL_METRIC if is_goal else self.metric_name


def alert_problems(
    rules: Seed[AlertRule], metrics: Seed[MetricDefinition], dimensions: Seed[SegmentDimension]
) -> Iterator[Problem]:
    """Yield the rules that watch no metric, a metric without interval, or a segment that no hour is cut by."""
    definitions = {row.metric_name: row for row in metrics.rows.values()}
    for line, row in rules.rows.items():
        if row.condition in {"drops_by", "rises_by"} and row.threshold <= 0:
            what = f"{row.threshold:g} is not above 0, and {row.condition} looks for a change"
            yield rules.problem(line, "threshold", what, "write by how much the metric has to change")
        if metrics.is_readable:
            yield from _metric_problems(rules, line, row, definitions, metrics.values("metric_name"))
        if dimensions.is_readable:
            yield from _segment_problems(rules, line, row, dimensions)


def _metric_problems(
    rules: Seed[AlertRule], line: int, row: AlertRule, definitions: Mapping[str, MetricDefinition], stated: set[str]
) -> Iterator[Problem]:
    if row.metric_name == GOAL_METRIC:
        what = f"{row.metric_name!r} stands for one metric a goal and is none itself"
        yield rules.problem(line, "metric_name", what, "name the goal, as in conversion_rate:purchase")
    elif row.definition_name not in stated:
        what = f"{row.metric_name!r} is not in {MetricDefinition.file}"
        yield rules.problem(line, "metric_name", what, "write a metric_name of that file")
    elif row.definition_name in definitions:
        metric = definitions[row.definition_name]
        if metric.kind not in _JUDGED_KINDS:
            what = f"{row.metric_name!r} is a {metric.kind}, which has no interval to judge by"
            yield rules.problem(line, "metric_name", what, f"write a metric of kind {', '.join(_JUDGED_KINDS)}")
        elif metric.unit == "rate" and not 0 <= row.threshold <= 1:
            what = f"{row.threshold:g} is outside 0 to 1, and the metric is a rate"
            yield rules.problem(line, "threshold", what, "write a share such as 0.2 for 20 %")


def _segment_problems(
    rules: Seed[AlertRule], line: int, row: AlertRule, dimensions: Seed[SegmentDimension]
) -> Iterator[Problem]:
    dimension = row.segment.partition("=")[0]
    hourly = sorted(one.dimension for one in dimensions.rows.values() if one.is_hourly)
    # One that is hourly may stand in a row that cannot be read.
    if row.segment != "all" and dimension not in {*hourly, *dimensions.values_of_wrong_rows("dimension")}:
        what = f"{row.segment!r}: {dimension!r} is no hourly dimension"
        yield rules.problem(line, "segment", what, f"write all, or a value of one of {', '.join(hourly)}")
