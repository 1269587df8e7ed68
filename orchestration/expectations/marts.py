"""What is expected of metrics_daily before it is published: the table that BI tools read without further checks."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from orchestration.expectations.frames import has_conversations, newest_metrics, open_read_only
from orchestration.expectations.results import CheckResult, Expectation
from orchestration.expectations.validation import validate

_TABLE = "metrics_daily"
_ROW = ("date", "metric_name", "segment")
# The data count as complete up to a day before the newest event (a silent source), and an event may be dated up to a
# day after its load: dates later than both together come from nowhere.
_DAYS_PAST_DATA_UNTIL = 2


def _between(name: str, description: str, column: str, low: float | None, high: float | None = None) -> Expectation:
    arguments: dict[str, object] = {"column": column, "min_value": low}
    if high is not None:
        arguments["max_value"] = high
    return Expectation(name, _TABLE, "error", description, "ExpectColumnValuesToBeBetween", arguments, _ROW)


def _ordered(name: str, description: str, larger: str, smaller: str) -> Expectation:
    return Expectation(
        name,
        _TABLE,
        "error",
        description,
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": larger, "column_B": smaller, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
        _ROW,
    )


_RATES = (_between("rates_lie_in_0_to_1", "Values whose unit is rate lie in 0..1.", "value", 0, 1),)
_VALUES = (
    _ordered("values_reach_their_interval", "No value lies below the lower end of its interval.", "value", "ci_low"),
    _ordered("values_stay_in_their_interval", "No value lies above the upper end of its interval.", "ci_high", "value"),
    _between("denominators_are_not_negative", "What is divided by is never negative.", "denominator", 0),
    _between("sample_sizes_are_not_negative", "A sample has no negative size.", "sample_size", 0),
)
# The sentiment of a conversation lies in -1..1, and so may what a day adds up.
_SIGNED_UNIT = "sentiment"
_AMOUNTS = (_between("numerators_are_not_negative", "What is counted or added up is never negative.", "numerator", 0),)
_DATES = (
    _between(
        "dates_stay_near_data_until",
        f"No date lies more than {_DAYS_PAST_DATA_UNTIL} days after the moment the data reach.",
        "days_after_data_until",
        None,
        _DAYS_PAST_DATA_UNTIL,
    ),
)
_FINAL_DATES = (
    _between(
        "final_days_have_ended",
        "A day that is called final lies before the day the data reach.",
        "days_after_data_until",
        None,
        -1,
    ),
)
_PRESENCE = (
    Expectation(
        "metrics_exist_where_conversations_do",
        _TABLE,
        "error",
        "metrics_daily has rows when fct_conversations has.",
        "ExpectTableRowCountToBeBetween",
        {"min_value": 1},
    ),
)
MARTS_EXPECTATIONS = (*_RATES, *_AMOUNTS, *_VALUES, *_DATES, *_FINAL_DATES, *_PRESENCE)


def check_marts(build_database: Path, *, data_until: datetime | None, timezone: str) -> tuple[CheckResult, ...]:
    """Return one result per expectation of MARTS_EXPECTATIONS, in their order, over the newest rows of metrics_daily.

    `data_until` is aware, None without events; `timezone` is the IANA name of the zone whose days the marts hold.
    Raises duckdb.Error when the database cannot be read.
    """
    with open_read_only(build_database) as connection:
        metrics = newest_metrics(connection)
        must_have_rows = has_conversations(connection)
    reached = data_until.astimezone(ZoneInfo(timezone)).date() if data_until else None
    # All at once: row by row it takes a fifth of the time of all these checks.
    metrics["days_after_data_until"] = (metrics["date"] - np.datetime64(reached)).dt.days if reached else None
    present = validate(metrics, _PRESENCE) if must_have_rows else _no_conversations()
    return (
        *validate(metrics[metrics["unit"] == "rate"], _RATES),
        *validate(metrics[metrics["unit"] != _SIGNED_UNIT], _AMOUNTS),
        *validate(metrics, (*_VALUES, *_DATES)),
        *validate(metrics[metrics["is_final"].astype(bool)], _FINAL_DATES),
        *present,
    )


def _no_conversations() -> tuple[CheckResult, ...]:
    return tuple(
        CheckResult(one.name, one.table, one.severity, success=True, observed="no conversations, so none expected")
        for one in _PRESENCE
    )
