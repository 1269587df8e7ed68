"""Scores the marts against what the simulator wrote down before it made its events.

Each function returns one line a difference, `<key> <column>: expected ..., got ...`, and nothing for a right mart.
The expected side is taken from the truth files alone; times are naive UTC on both sides.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.true_metrics import CustomerWords, Parts, expected_metrics, expected_months
from tests.support.truth_files import Fields, moment, read_lines, read_object
from tests.support.warehouse import WarehouseUnderTest

Key = tuple[str, ...]
# What the simulator states beyond the columns of fct_conversations; scored apart, or a note about how it was made.
CONVERSATION_EXTRAS = frozenset(
    {
        "situation", "outcome_reason_family", "stages", "flows", "conversions",
        "meant_rephrase_count", "is_solved",
    }
)  # fmt: skip
# Amounts, whose denominator only counts their conversations.
SUMS = frozenset({"cost_usd", "labelling_cost_usd"})
# The mart names the event, the truth only states which kind of evidence decided.
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
    "customer_denial": "contradicted_claim",
    "customer_returned": "contradicted_claim",
}


def conversation_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score marts.fct_conversations: all keys both ways, every column that both sides have."""
    expected = _by_conversation(read_lines(truth / "conversations.jsonl"))
    got = _by_conversation(records(warehouse, "select * from marts.fct_conversations"))
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
    got: dict[Key, Fields] = {
        (row["conversation_key"], row["funnel"], row["stage"]): row
        for row in records(warehouse, "select * from marts.fct_conversation_stages where is_reached")
    }
    return list(_row_differences(expected, got))


def flow_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score marts.fct_flows: every flow that was started, with its end."""
    expected: dict[Key, Fields] = {
        (row["conversation_key"], flow["flow_name"], flow["started_at"]): {
            "outcome": flow["outcome"],
            "ended_at": None if flow["ended_at"] is None else moment(flow["ended_at"]),
        }
        for row in read_lines(truth / "conversations.jsonl")
        for flow in row["flows"]
    }
    query = "select *, strftime(started_at, '%Y-%m-%dT%H:%M:%S.%gZ') as started from marts.fct_flows"
    got: dict[Key, Fields] = {
        (row["conversation_key"], row["flow_name"], row["started"]): row for row in records(warehouse, query)
    }
    return list(_row_differences(expected, got))


def month_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score marts.interactions_monthly: units and used ones of every month, device, language and hour."""
    query = "select * from marts.interactions_monthly where segment_type <> 'entry_page'"
    got: dict[Key, Fields] = {
        (row["month"].isoformat()[:7], row["segment"], row["counted_unit"]): row for row in records(warehouse, query)
    }
    return list(_row_differences(expected_months(truth), got))


def file_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score raw.loaded_files and raw.rejected_events: per file lines, accepted, duplicates, rejected by reason."""
    expected: dict[Key, Fields] = {(file,): account for file, account in read_object(truth / "files.json").items()}
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
    shown = read_lines(truth / "interactions.jsonl")
    expected = _by_conversation(row | {"initialised_at": moment(row["initialised_at"])} for row in shown)
    got = _by_conversation(records(warehouse, "select * from marts.fct_interactions"))
    return list(_row_differences(expected, got))


def exposure_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score marts.ab_test_exposures: first exposure, variant, doubt, per test and conversation."""
    columns = ("variant", "exposure_count", "is_ambiguous", "is_contaminated")
    expected: dict[Key, Fields] = {
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


def metric_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score numerator, denominator and value of every stated metric and day in segment `all` of marts.metrics_daily."""
    expected = true_metrics(warehouse, truth)
    names = {name for _, name in expected}
    query = "select date, metric_name, numerator, denominator, value from marts.metrics_daily where segment = 'all'"
    got: dict[Key, Fields] = {
        (row["date"].isoformat(), row["metric_name"]): row
        for row in records(warehouse, query)
        if row["metric_name"] in names
    }
    right: dict[Key, Fields] = {}
    for (day, name), (numerator, denominator) in expected.items():
        value: float | None = numerator
        if denominator is not None:
            value = (numerator if name in SUMS else numerator / denominator) if denominator else None
        right[day, name] = {"numerator": numerator, "denominator": denominator, "value": value}
    return list(_row_differences(right, got))


def true_metrics(warehouse: WarehouseUnderTest, truth: Path) -> dict[tuple[str, str], Parts]:
    """Return (date, metric) -> (numerator, denominator) of every metric that the truth or the ledger holds."""
    return expected_metrics(truth, _customer_words(warehouse))


def _customer_words(warehouse: WarehouseUnderTest) -> dict[str, CustomerWords]:
    """Count over the ledger itself the newest labels of the messages of each conversation."""
    query = """
        with newest as (
            select source, event_id, conversation_id, is_rephrase, sentiment from raw.ledger.message_labels
            qualify row_number() over (partition by source, event_id order by _load_id desc) = 1
        )
        select
            id_namespace || ':' || conversation_id, count(is_rephrase), count(*) filter (is_rephrase),
            round(1e6 * avg(sentiment::decimal(10, 6)))::int,
            round(1e4 * (50 + 50 * avg(sentiment::decimal(10, 6))))::int
        from newest join seeds.sources using (source) group by id_namespace, conversation_id"""
    return {key: CustomerWords(*counts) for key, *counts in warehouse.rows(query)}


@dataclass(frozen=True)
class RephraseCounts:
    """How often a customer meant to rephrase a message, and how often the labels show a rephrase."""

    outcome: str
    is_closed: bool
    meant: int
    found: int


def rephrase_counts(warehouse: WarehouseUnderTest, truth: Path) -> list[RephraseCounts]:
    """Return the counts of every conversation."""
    query = "select conversation_key, rephrase_count from marts.fct_conversations"
    found = dict(warehouse.rows(query))
    return [
        RephraseCounts(
            row["outcome"],
            row["is_engaged"] and row["is_closed"],
            row["meant_rephrase_count"],
            found[row["conversation_key"]],
        )
        for row in read_lines(truth / "conversations.jsonl")
    ]


def arm_differences(warehouse: WarehouseUnderTest, truth: Path) -> list[str]:
    """Score the arms of each test: units, and those that reached the goal in the window after their first exposure."""
    expected: dict[Key, Fields] = {
        (test_name, arm["variant"]): {name: arm[name] for name in ("exposed_units", "mature_units", "converted_units")}
        for test_name, test in read_object(truth / "experiments.json").items()
        for arm in test["arms"]
    }
    return list(_row_differences(expected, measured_arms(warehouse, truth)))


def measured_arms(warehouse: WarehouseUnderTest, truth: Path) -> dict[Key, Fields]:
    """Return (test, variant) -> exposed, mature and converted units, counted from the marts and int_events."""
    watermarks = read_object(truth / "metrics.json")["watermarks"]
    found: dict[Key, Fields] = {}
    for test_name, test in read_object(truth / "experiments.json").items():
        window = f"interval {int(test['window_hours'])} hours"
        query = f"""
            with units as (
                select
                    variant,
                    first_exposure_at + {window} <= timestamp '{moment(watermarks[test["source"]])}' as is_mature,
                    exists (
                        select 1 from intermediate.int_events as events
                        where events.conversation_key = exposures.conversation_key
                            and events.event_type = 'conversion' and events.goal = '{test["goal"]}'
                            and events.occurred_at >= first_exposure_at
                            and events.occurred_at < first_exposure_at + {window}
                    ) as is_converted
                from marts.ab_test_exposures as exposures
                where test_name = '{test_name}' and not is_ambiguous
            )
            select variant, count(*) as exposed_units, count(*) filter (is_mature) as mature_units,
                count(*) filter (is_mature and is_converted) as converted_units
            from units group by variant"""
        found |= {(test_name, row["variant"]): row for row in records(warehouse, query)}
    return found


def records(warehouse: WarehouseUnderTest, query: str) -> Iterator[Fields]:
    """Yield the rows of a query over the build database as fields."""
    names = [row[0] for row in warehouse.rows(f"select column_name from (describe {query})")]
    return (dict(zip(names, row, strict=True)) for row in warehouse.rows(query))


def told(found: Iterable[str], shown: int = 20) -> str:
    """Sum differences up for an assertion: how many per column, and the first ones in full."""
    found = list(found)
    columns = Counter(line.partition(": ")[0].rpartition(" ")[2] for line in found)
    return "\n".join([f"{len(found)} differences {dict(columns)}", *found[:shown]])


def _by_conversation(rows: Iterable[Fields]) -> dict[Key, Fields]:
    return {(row["conversation_key"],): row for row in rows}


def _as_column(column: str, value: Any) -> Any:
    return moment(value) if column.endswith("_at") and value is not None else value


def _reason_family(reason: str, outcome: str) -> str:
    """Return the family of a reason; a configured signal is proof or claim, as its outcome shows."""
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
