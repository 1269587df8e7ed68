"""Scores the marts against what the simulator wrote down before it made its events.

Each function returns one line a difference, `<key> <column>: expected ..., got ...`, and an empty list for a right mart.
The expected side is taken from the truth files alone; times are naive UTC on both sides.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tests.support.warehouse import WarehouseUnderTest

Fields = dict[str, Any]
Key = tuple[str, ...]
# What the simulator says beyond the columns of fct_conversations; scored apart, or a note about how it was made.
CONVERSATION_EXTRAS = frozenset({"situation", "outcome_reason_family", "stages", "conversions"})
# The mart names the event, the truth only says what kind of evidence decided.
REASON_FAMILIES = {
    "not_closed": "not_closed",
    "no_engagement": "no_engagement",
    "handoff_requested": "handoff",
    "handoff_connected": "handoff",
    "goal_conversion": "goal_conversion",
    "solved_answer": "solved_feedback",
    "conversation_completed": "standing_claim",
    "successful_write": "standing_claim",
    "conversation_abandoned": "abandoned_event",
    "idle_timeout": "idle",
    "explicit_end": "explicit_end",
    "negative_answer": "contradicted_claim",
    "later_fallback": "contradicted_claim",
    "later_tool_error": "contradicted_claim",
    "customer_message_after_completion": "contradicted_claim",
}


def read_lines(path: Path) -> list[Fields]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_object(path: Path) -> Fields:
    """Read a file that holds one JSON object."""
    content: Fields = json.loads(path.read_text(encoding="utf-8"))
    return content


def conversation_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score marts.fct_conversations: all keys both ways, every column that both sides have."""
    expected = {(row["conversation_key"],): row for row in read_lines(truth / "conversations.jsonl")}
    got = {(row["conversation_key"],): row for row in records(warehouse, "select * from marts.fct_conversations")}
    found = list(_key_differences(expected, got))
    for key in sorted(expected.keys() & got.keys()):
        right, row = expected[key], got[key]
        for column in sorted(right.keys() & row.keys()):
            found += _difference(key, column, _as_column(column, right[column]), row[column])
        found += _difference(
            key, "outcome_reason", right["outcome_reason_family"], _reason_family(row["outcome_reason"], row["outcome"])
        )
    return found


def shared_columns(warehouse: WarehouseUnderTest, truth: Path) -> tuple[set[str], set[str]]:
    """Return (columns of the truth that are scored, columns of the truth the mart does not have)."""
    stated = set(read_lines(truth / "conversations.jsonl")[0]) - CONVERSATION_EXTRAS
    columns = {row[0] for row in warehouse.rows("select column_name from (describe marts.fct_conversations)")}
    return stated & columns, stated - columns


def stage_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score the stages reached, with their times, of every funnel.

    The windows of the shipped funnels are longer than anything the simulator plans, so every stage of the truth counts.
    Engagement is entered by every widget shown, counted as a conversation or not: those come from interactions.jsonl.
    """
    expected: dict[Key, Fields] = {}
    for row in read_lines(truth / "conversations.jsonl"):
        for funnel, stages in row["stages"].items():
            for stage, at in stages.items():
                expected[row["conversation_key"], funnel, stage] = {"reached_at": moment(at)}
    for row in read_lines(truth / "interactions.jsonl"):
        key = (row["conversation_key"], "engagement", "initialised")
        expected.setdefault(key, {"reached_at": moment(row["initialised_at"])})
    got = {
        (row["conversation_key"], row["funnel"], row["stage"]): row
        for row in records(warehouse, "select * from marts.fct_conversation_stages where is_reached")
    }
    return list(_row_differences(expected, got))


def file_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score raw.loaded_files and raw.rejected_events: per file lines, accepted, duplicates, rejected by reason."""
    expected = {(file,): account for file, account in read_object(truth / "files.json").items()}
    query = "select file, source, lines, accepted, duplicates from raw.raw.loaded_files"
    got: dict[Key, Fields] = {}
    for row in records(warehouse, query):
        if (row["file"],) in got:
            return [f"{row['file']}: loaded more than once"]
        got[row["file"],] = row | {"rejected": {}}
    for file, reason, count in warehouse.rows(
        "select _file, reason, count(*) from raw.raw.rejected_events group by all"
    ):
        got.setdefault((file,), {"rejected": {}})["rejected"][reason] = count
    return list(_row_differences(expected, got))


def interaction_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score marts.fct_interactions: all keys both ways, every column of the truth."""
    expected = {
        (row["conversation_key"],): row | {"initialised_at": moment(row["initialised_at"])}
        for row in read_lines(truth / "interactions.jsonl")
    }
    got = {(row["conversation_key"],): row for row in records(warehouse, "select * from marts.fct_interactions")}
    return list(_row_differences(expected, got))


def exposure_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score marts.ab_test_exposures: first exposure, variant, doubt, per test and conversation."""
    columns = ("variant", "exposure_count", "is_ambiguous", "is_contaminated")
    expected = {
        (row["test_name"], row["conversation_key"]): {column: row[column] for column in columns}
        | {"first_exposure_at": moment(row["exposed_at"])}
        for row in read_lines(truth / "exposures.jsonl")
    }
    got: dict[Key, Fields] = {}
    for row in records(warehouse, "select * from marts.ab_test_exposures"):
        key = (row["test_name"], row["conversation_key"])
        if key in got:
            return [f"{key}: more than one row"]
        got[key] = row
    return list(_row_differences(expected, got))


def metric_differences(
    warehouse: WarehouseUnderTest, expected: Mapping[tuple[str, str], tuple[float, float | None]]
) -> list[str]:
    """Score numerator, denominator and value of (date, metric) in segment `all` of marts.metrics_daily.

    A denominator of None is that of a count, whose value is its numerator. Days beyond the expected ones are differences.
    """
    names = sorted({name for _, name in expected})
    query = "select date, metric_name, numerator, denominator, value from marts.metrics_daily where segment = 'all'"
    got = {
        (row["date"].isoformat(), row["metric_name"]): row
        for row in records(warehouse, query)
        if row["metric_name"] in names
    }
    right: dict[Key, Fields] = {}
    for key, (numerator, denominator) in expected.items():
        value = numerator if denominator is None else (numerator / denominator if denominator else None)
        right[key] = {"numerator": numerator, "denominator": denominator, "value": value}
    return list(_row_differences(right, got))


def records(warehouse: WarehouseUnderTest, query: str) -> Iterator[Fields]:
    """Yield the rows of a query over the build database as fields."""
    names = [row[0] for row in warehouse.rows(f"select column_name from (describe {query})")]
    return (dict(zip(names, row, strict=True)) for row in warehouse.rows(query))


def moment(text: str) -> datetime:
    """Read a time of the truth, `...Z`, as naive UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def day(text: str) -> date:
    """Return the UTC day of a time of the truth."""
    return moment(text).date()


def told(found: Iterable[str], shown: int = 20) -> str:
    """Sum differences up for an assertion: how many per column, and the first ones in full."""
    found = list(found)
    columns = Counter(line.partition(": ")[0].rpartition(" ")[2] for line in found)
    return "\n".join([f"{len(found)} differences {dict(columns)}", *found[:shown]])


def _as_column(column: str, value: Any) -> Any:
    return moment(value) if column.endswith("_at") and value is not None else value


def _reason_family(reason: str, outcome: str) -> str:
    """Tell the family of a reason; a configured signal is proof or claim, which its outcome says."""
    if reason == "success_signal":
        return "success_signal" if outcome == "resolved_confirmed" else "standing_claim"
    return REASON_FAMILIES[reason]


def _row_differences(expected: Mapping[Key, Fields], got: Mapping[Key, Fields]) -> Iterator[str]:
    """Compare the columns of the expected rows; keys both ways."""
    yield from _key_differences(expected, got)
    for key in sorted(expected.keys() & got.keys()):
        for column, value in expected[key].items():
            yield from _difference(key, column, value, got[key].get(column, "no such column"))


def _key_differences(expected: Mapping[Key, Fields], got: Mapping[Key, Fields]) -> Iterator[str]:
    for key in sorted(expected.keys() - got.keys()):
        yield f"{' '.join(key)} row: expected {expected[key]}, got none"
    for key in sorted(got.keys() - expected.keys()):
        yield f"{' '.join(key)} row: expected none, got {got[key]}"


def _difference(key: Key, column: str, expected: Any, got: Any) -> list[str]:
    return [] if expected == got else [f"{' '.join(key)} {column}: expected {expected!r}, got {got!r}"]
