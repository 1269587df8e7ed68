"""Checks the rows of seeds/alert_rules.csv: a rule that can never speak is refused before a run starts."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

Row = Mapping[str, str]

CONDITIONS = ("drops_below", "drops_by", "exceeds", "rises_by")
SEVERITIES = ("high", "low", "medium")
# Kinds of metrics with an interval.
_JUDGED_KINDS = ("mean", "rate", "ratio")
_WHOLE_ABOVE_0 = re.compile(r"[1-9][0-9]{0,8}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]+)?")
_GOAL = re.compile(r"conversion_rate:\S(.*\S)?")
_LONGEST_WINDOW_HOURS = 24 * 92


def alert_problems(
    rows: Iterable[tuple[str, Row]], metrics: Mapping[str, Row], hourly_dimensions: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with rows, each named; `metrics` are the rows of metric_definitions.csv by name."""
    for where, row in rows:
        problems = [*_plain_problems(row), *_metric_problems(row, metrics), *_segment_problems(row, hourly_dimensions)]
        yield from (f"{where}: rule {row['rule']!r}: {problem}" for problem in problems)


def _plain_problems(row: Row) -> Iterator[str]:
    if not row["rule"].strip():
        yield "it has no name"
    for column, allowed in (("condition", CONDITIONS), ("severity", SEVERITIES)):
        if row[column] not in allowed:
            yield f"{column} {row[column]!r} is none of {', '.join(allowed)}"
    for column in ("window_hours", "minimum_sample"):
        if not _WHOLE_ABOVE_0.fullmatch(row[column]):
            yield f"{column} {row[column]!r} is no whole number above 0"
        elif column == "window_hours" and int(row[column]) > _LONGEST_WINDOW_HOURS:
            yield f"window_hours {row[column]} is more than {_LONGEST_WINDOW_HOURS}, 92 days"
    if not _WHOLE.fullmatch(row["cooldown_hours"]):
        yield f"cooldown_hours {row['cooldown_hours']!r} is no whole number"
    if not _NUMBER.fullmatch(row["threshold"]):
        yield f"threshold {row['threshold']!r} is no number"
    elif row["condition"] in {"drops_by", "rises_by"} and float(row["threshold"]) <= 0:
        yield f"threshold {row['threshold']} of {row['condition']} is not above 0"


def _metric_problems(row: Row, metrics: Mapping[str, Row]) -> Iterator[str]:
    name = row["metric_name"]
    metric = metrics.get("conversion_rate:<goal>" if _GOAL.fullmatch(name) else name)
    if metric is None or name == "conversion_rate:<goal>":
        yield f"metric {name!r} is not in metric_definitions.csv"
    elif metric["kind"] not in _JUDGED_KINDS:
        yield f"metric {name!r} is a {metric['kind']}: only a {', '.join(_JUDGED_KINDS)} has an interval to judge by"
    elif metric["unit"] == "rate" and _NUMBER.fullmatch(row["threshold"]) and not 0 <= float(row["threshold"]) <= 1:
        yield f"threshold {row['threshold']} of a rate is outside 0 to 1"


def _segment_problems(row: Row, hourly_dimensions: Collection[str]) -> Iterator[str]:
    dimension, sign, value = row["segment"].partition("=")
    if row["segment"] == "all":
        return
    if not sign or not value:
        yield f"segment {row['segment']!r} is neither all nor dimension=value"
    elif dimension not in hourly_dimensions:
        known = ", ".join(sorted(hourly_dimensions))
        yield f"segment {row['segment']!r}: {dimension!r} is no hourly dimension; these are: {known}"
