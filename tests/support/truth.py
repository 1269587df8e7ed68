"""Scores the marts against what the simulator wrote down before it made its events.

Each function returns one line a difference, `<key> <column>: expected ..., got ...`, and nothing for a right mart.
The expected side is taken from the truth files alone; times are naive UTC on both sides.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.warehouse import WarehouseUnderTest

Fields = dict[str, Any]
Key = tuple[str, ...]
# Numerator and denominator of a metric on a day; counts have no denominator.
Parts = tuple[float, float | None]
# What the simulator says beyond the columns of fct_conversations; scored apart, or a note about how it was made.
CONVERSATION_EXTRAS = frozenset({"situation", "outcome_reason_family", "stages", "conversions"})
# Amounts, of which the denominator only says over how many conversations they are.
SUMS = frozenset({"cost_usd", "labelling_cost_usd"})
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
    expected = expected_metrics(truth)
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


def expected_metrics(truth: Path) -> dict[tuple[str, str], Parts]:
    """Return (date, metric) -> (numerator, denominator); the denominator of a count is None.

    What metrics.json does not count is summed up from the conversations and interactions of the truth.
    """
    stated = read_object(truth / "metrics.json")
    watermark = moment(stated["watermarks"]["agentsight_interactions"])
    conversations, interactions = defaultdict(list), defaultdict(list)
    for row in read_lines(truth / "conversations.jsonl"):
        conversations[row["started_at"][:10]].append(row)
    for row in read_lines(truth / "interactions.jsonl"):
        interactions[row["initialised_at"][:10]].append(row)
    goals = sorted({goal for counts in stated["days"].values() for goal in counts["conversions"]})
    return {
        (name, metric): parts
        for name, counts in stated["days"].items()
        for metric, parts in (
            _stated_metrics(counts, goals)
            | _conversation_metrics(conversations[name])
            | _satisfaction_metrics(conversations[name])
            | _cost_metrics(conversations[name])
            | _durability_metrics(conversations[name], stated["watermarks"])
            | _sales_metrics(conversations[name])
            | _interaction_metrics(interactions[name], watermark)
        ).items()
    }


def _stated_metrics(counts: Fields, goals: Iterable[str]) -> dict[str, Parts]:
    """Return what metrics.json states of a day."""
    settled = counts["engaged_and_closed"]
    return {
        "total_conversations": (counts["total_conversations"], None),
        "total_sessions": (counts["total_conversations"], None),
        "engaged_conversations": (counts["engaged"], None),
        "interactions": (counts["initialised"], None),
        "abandonment_rate": (counts["abandoned"], settled),
        "handoff_rate": (counts["escalated"], settled),
        "escalation_rate": (counts["escalated"], settled),
        "contained_rate": (settled - counts["escalated"], settled),
        "resolution_rate": (counts["resolved"], settled),
        "claimed_resolution_rate": (counts["claimed_and_closed"], settled),
        "fallback_rate": (counts["turns_with_fallback"], counts["turns_with_agent_message_or_fallback"]),
        "interaction_rate": (counts["initialised_and_engaged"], counts["initialised"]),
    } | {f"conversion_rate:{goal}": (counts["conversions"].get(goal, 0), settled) for goal in goals}


def _conversation_metrics(rows: list[Fields]) -> dict[str, Parts]:
    """Sum up the conversations that started on a day."""
    settled = [row for row in rows if row["is_engaged"] and row["is_closed"]]
    engaged = [row for row in rows if row["is_engaged"]]
    tool_users = [row for row in settled if row["tool_call_count"]]
    responses = [row["first_response_ms"] for row in rows if row["first_response_ms"] is not None]
    return {
        "conversion_rate": (sum(row["conversion_count"] > 0 for row in settled), len(settled)),
        "fallback_conversation_rate": (sum(row["fallback_count"] > 0 for row in settled), len(settled)),
        "tool_error_rate": (sum(row["tool_error_count"] > 0 for row in tool_users), len(tool_users)),
        "avg_turns": (sum(row["user_message_count"] for row in engaged), len(engaged)),
        "avg_messages_per_session": (
            sum(row["user_message_count"] + row["agent_message_count"] for row in rows),
            len(rows),
        ),
        "avg_first_response_ms": (sum(responses), len(responses)),
    }


# What an outcome is worth where the customer does not say.
_WORTH = {
    "resolved_confirmed": 90,
    "resolved_inferred": 80,
    "escalated": 50,
    "ended_unresolved": 35,
    "abandoned": 20,
}
_POINTS = {"resolved_confirmed": 100, "resolved_inferred": 80}


def _satisfaction_metrics(rows: list[Fields]) -> dict[str, Parts]:
    """Score the conversations that started on a day; 6 customer messages are what a good one takes.

    Summed up in whole hundredths, and efficiency in ten-thousandths, as the marts do: their sums are exact.
    """
    settled = [row for row in rows if row["is_engaged"] and row["is_closed"]]
    resolved = [row for row in settled if row["is_resolved"]]
    askable = [row for row in settled if row["user_message_count"] + row["agent_message_count"] > 3]
    stars = [row["csat"] for row in rows if row["csat"] is not None and row["feedback_question_kind"] == "satisfaction"]

    def satisfaction(row: Fields) -> int:
        if row["rating"] is not None and row["feedback_question_kind"] in {"solved", "satisfaction"}:
            return round(100 * float(row["rating"]))
        return int(_WORTH[row["outcome"]] - min(9, max(0, row["user_message_count"] - 3)))

    return {
        "avg_satisfaction_score": (sum(map(satisfaction, settled)) * 0.01, len(settled)),
        "avg_csat": (sum(round(100 * star) for star in stars) * 0.01, len(stars)),
        "feedback_response_rate": (sum(row["rating"] is not None for row in askable), len(askable)),
        "avg_resolution_score": (sum(_POINTS.get(row["outcome"], 0) for row in settled), len(settled)),
        "avg_efficiency_score": (
            sum(round(1_000_000 * min(1, 6 / max(1, row["user_message_count"]))) for row in resolved) * 0.0001,
            len(resolved),
        ),
    }


def _cost_metrics(rows: list[Fields]) -> dict[str, Parts]:
    """Add up what the conversations that started on a day cost, in whole nanodollars; nobody labels them for money."""
    known = [row for row in rows if row["cost_usd"] is not None]
    answered = [row for row in rows if row["agent_message_count"]]
    fully = [row for row in known if not row["uncosted_message_count"]]

    def usd(paid: list[Fields]) -> float:
        return float(sum(round(1_000_000_000 * row["cost_usd"]) for row in paid) * 0.000000001)

    return {
        "cost_usd": (usd(known), len(known)),
        "labelling_cost_usd": (0.0, len(rows)),
        "cost_coverage_rate": (len([row for row in fully if row["agent_message_count"]]), len(answered)),
        "cost_per_resolution_usd": (
            usd(fully),
            sum(row["is_engaged"] and row["is_closed"] and row["is_resolved"] for row in fully),
        ),
        "cost_per_durable_resolution_usd": (usd(fully), sum(row["is_durably_resolved_7d"] is True for row in fully)),
    }


def _durability_metrics(rows: list[Fields], watermarks: Mapping[str, str]) -> dict[str, Parts]:
    """Count whose users stayed away; first contacts once a week has passed since they ended."""
    settled = [row for row in rows if row["is_engaged"] and row["is_closed"]]
    resolved = [row for row in settled if row["is_resolved"]]
    followed = [row for row in resolved if row["user_id"] is not None]

    def is_mature(row: Fields) -> bool:
        seen = (row["started_at"], row["last_interaction_at"], row["ended_at"])
        last = max(moment(at) for at in seen if at is not None)
        return last + timedelta(hours=168) <= moment(watermarks[row["conversation_key"].partition(":")[0]])

    def durable(window: str) -> Parts:
        known = [row[f"is_durably_resolved_{window}"] for row in settled]
        return known.count(True), len(known) - known.count(None)

    first = [
        row
        for row in settled
        if row["is_first_contact"] and is_mature(row)
        if not row["is_resolved"] or row["is_durably_resolved_7d"] is not None
    ]
    return {f"durable_resolution_rate_{window}": durable(window) for window in ("24h", "72h", "7d")} | {
        "durable_resolution_maturing_rate": (
            sum(row["is_durably_resolved_7d"] is None for row in followed),
            len(followed),
        ),
        "resolved_unknown_user_rate": (len(resolved) - len(followed), len(resolved)),
        "first_contact_resolution_rate": (
            sum(row["is_durably_resolved_7d"] is True for row in first),
            len(first),
        ),
    }


def _sales_metrics(rows: list[Fields]) -> dict[str, Parts]:
    """Count the steps of the sales funnel: reached this and the one before, of those who reached the one before."""
    reached = [set(row["stages"]["sales"]) for row in rows if "sales" in row["stages"]]

    def step(before: str, after: str) -> Parts:
        return sum({before, after} <= stages for stages in reached), sum(before in stages for stages in reached)

    return {
        "response_rate": step("started", "responded"),
        "qualification_rate": step("responded", "qualified"),
        "booking_rate": step("qualified", "meeting_booked"),
        "show_rate": step("meeting_booked", "meeting_attended"),
        "deal_conversion_rate": step("meeting_attended", "deal_closed"),
        "overall_conversion_rate": step("started", "deal_closed"),
    }


def _interaction_metrics(rows: list[Fields], watermark: datetime) -> dict[str, Parts]:
    """Count the widgets shown on a day, and the visitors who saw them; each is judged 24 hours after it was shown."""
    visitors: dict[str, list[Fields]] = defaultdict(list)
    for row in rows:
        visitors[row["user_id"]].append(row)
    used = {visitor: any(row["is_engaged"] for row in seen) for visitor, seen in visitors.items()}

    def is_mature(row: Fields) -> bool:
        return moment(row["initialised_at"]) + timedelta(hours=24) <= watermark

    mature = [row for row in rows if is_mature(row)]
    mature_visitors = [visitor for visitor, seen in visitors.items() if all(map(is_mature, seen))]
    return {
        "page_abandonment_rate": (sum(not row["is_engaged"] for row in mature), len(mature)),
        "visitor_interaction_rate": (sum(used.values()), len(visitors)),
        "visitor_page_abandonment_rate": (sum(not used[one] for one in mature_visitors), len(mature_visitors)),
    }


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


def moment(text: str) -> datetime:
    """Read a time of the truth, `...Z`, as naive UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


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
