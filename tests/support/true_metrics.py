"""What every metric of a day must be, counted from the truth of a simulated world and from nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.truth_files import Fields, moment, read_lines, read_object

# Numerator and denominator of a metric on a day; counts have no denominator.
Parts = tuple[float, float | None]


@dataclass(frozen=True)
class CustomerWords:
    """What the labels of a conversation add up to: messages compared with the one before, and repetitions of it.

    The average sentiment is in whole millionths, the score of it in ten-thousandths of a point, as the marts add them.
    """

    compared: int = 0
    again: int = 0
    sentiment: int | None = None
    sentiment_score: int | None = None


# By conversation_key.
AllWords = Mapping[str, CustomerWords]


def expected_metrics(truth: Path, words: AllWords) -> dict[tuple[str, str], Parts]:
    """Return (date, metric) -> (numerator, denominator); the denominator of a count is None.

    What metrics.json does not count is summed up from the conversations and interactions of the truth, and from the
    labels where only they know.
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
            | _satisfaction_metrics(conversations[name], words)
            | _label_metrics(conversations[name], words)
            | _cost_metrics(conversations[name])
            | _durability_metrics(conversations[name], stated["watermarks"])
            | _sales_metrics(conversations[name])
            | _interaction_metrics(interactions[name], watermark)
        ).items()
    }


def expected_months(truth: Path) -> dict[tuple[str, ...], Fields]:
    """Return (month, segment, counted unit) -> how many there were, used, a day old, and a day old and never used."""
    watermark = moment(read_object(truth / "metrics.json")["watermarks"]["agentsight_interactions"])
    seen: dict[tuple[str, ...], dict[tuple[str, ...], list[Fields]]] = defaultdict(lambda: defaultdict(list))
    for row in read_lines(truth / "interactions.jsonl"):
        at = row["initialised_at"]
        segments = ("all", f"device={row['device']}", f"language={row['language']}", f"hour_of_day={at[11:13]}")
        for segment in segments:
            seen[at[:7], segment, "opportunity"][row["conversation_key"],].append(row)
            if row["user_id"] is not None:
                seen[at[:7], segment, "visitor_day"][row["user_id"], at[:10]].append(row)
                seen[at[:7], segment, "visitor"][row["user_id"],].append(row)
    found: dict[tuple[str, ...], Fields] = {}
    for key, units in seen.items():
        used = [any(row["is_engaged"] for row in rows) for rows in units.values()]
        mature = [
            all(moment(row["initialised_at"]) + timedelta(hours=24) <= watermark for row in rows)
            for rows in units.values()
        ]
        ignored = sum(is_mature and not is_used for is_mature, is_used in zip(mature, used, strict=True))
        counts = {"engaged_count": sum(used), "mature_count": sum(mature), "ignored_count": ignored}
        rate = {"interaction_rate": sum(used) / len(units)}
        found[key] = {"unit_count": len(units)} | counts | rate
    return found


def _stated_metrics(counts: Fields, goals: Iterable[str]) -> dict[str, Parts]:
    """Return what metrics.json states of a day."""
    closed = counts["engaged_and_closed"]
    return {
        "total_conversations": (counts["total_conversations"], None),
        "total_sessions": (counts["total_conversations"], None),
        "engaged_conversations": (counts["engaged"], None),
        "interactions": (counts["initialised"], None),
        "abandonment_rate": (counts["abandoned"], closed),
        "handoff_rate": (counts["escalated"], closed),
        "escalation_rate": (counts["escalated"], closed),
        "contained_rate": (closed - counts["escalated"], closed),
        "resolution_rate": (counts["resolved"], closed),
        "claimed_resolution_rate": (counts["claimed_and_closed"], closed),
        "fallback_rate": (counts["turns_with_fallback"], counts["turns_with_agent_message_or_fallback"]),
        "interaction_rate": (counts["initialised_and_engaged"], counts["initialised"]),
    } | {f"conversion_rate:{goal}": (counts["conversions"].get(goal, 0), closed) for goal in goals}


def _conversation_metrics(rows: list[Fields]) -> dict[str, Parts]:
    """Sum up the conversations that started on a day."""
    closed = [row for row in rows if row["is_engaged"] and row["is_closed"]]
    engaged = [row for row in rows if row["is_engaged"]]
    tool_users = [row for row in closed if row["tool_call_count"]]
    # The other sources have no word for it.
    reporting = [row for row in closed if row["source"] in {"events", "agent_events"}]
    asked = [row for row in rows if row["rating"] is not None]
    responses = [row["first_response_ms"] for row in rows if row["first_response_ms"] is not None]
    return {
        "completion_rate": (sum(row["completed_at"] is not None for row in reporting), len(reporting)),
        "feedback_asked_early_rate": (sum(row["messages_before_feedback"] <= 3 for row in asked), len(asked)),
        "proven_resolution_rate": (sum(row["outcome"] == "resolved_confirmed" for row in closed), len(closed)),
        # Without labels there is nothing to be unsure of.
        "resolution_rate_upper": (sum(row["is_resolved"] for row in closed), len(closed)),
        "conversion_rate": (sum(row["conversion_count"] > 0 for row in closed), len(closed)),
        "fallback_conversation_rate": (sum(row["fallback_count"] > 0 for row in closed), len(closed)),
        "tool_error_rate": (sum(row["tool_error_count"] > 0 for row in tool_users), len(tool_users)),
        "avg_turns": (sum(row["user_message_count"] for row in engaged), len(engaged)),
        "avg_messages_per_session": (
            sum(row["user_message_count"] + row["agent_message_count"] for row in rows),
            len(rows),
        ),
        "avg_first_response_ms": (sum(responses), len(responses)),
    }


# What an outcome is worth where the customer gives no rating.
_WORTH = {
    "resolved_confirmed": 90,
    "resolved_inferred": 80,
    "escalated": 50,
    "ended_unresolved": 35,
    "abandoned": 20,
}
_POINTS = {"resolved_confirmed": 100, "resolved_inferred": 80}
# What the agents of support are there for.
_SUPPORT_GOALS = {"checkout_completed", "signup_completed"}


def _satisfaction_metrics(rows: list[Fields], words: AllWords) -> dict[str, Parts]:
    """Score the conversations that started on a day; 6 customer messages are what a good one takes.

    Summed up in whole hundredths, and efficiency in ten-thousandths, as the marts do: their sums are exact.
    """
    closed = [row for row in rows if row["is_engaged"] and row["is_closed"]]
    resolved = [row for row in closed if row["is_resolved"]]
    askable = [row for row in closed if row["user_message_count"] + row["agent_message_count"] > 3]
    stars = [row["csat"] for row in rows if row["csat"] is not None and row["feedback_question_kind"] == "satisfaction"]

    def satisfaction(row: Fields) -> int:
        if row["rating"] is not None and row["feedback_question_kind"] in {"solved", "satisfaction"}:
            return round(100 * float(row["rating"]))
        again = words.get(row["conversation_key"], CustomerWords()).again
        return int(_WORTH[row["outcome"]] - min(9, max(0, row["user_message_count"] - 3) + 2 * again))

    supported = [row for row in closed if row["agent"].startswith("demo-support-")]

    def goal_points(row: Fields) -> float:
        return 50.0 * len(_SUPPORT_GOALS & {conversion["goal"] for conversion in row["conversions"]})

    return {
        "avg_goal_completion_score": (sum(map(goal_points, supported)), len(supported)),
        "avg_satisfaction_score": (sum(map(satisfaction, closed)) * 0.01, len(closed)),
        "avg_csat": (sum(round(100 * star) for star in stars) * 0.01, len(stars)),
        "feedback_response_rate": (sum(row["rating"] is not None for row in askable), len(askable)),
        "avg_resolution_score": (sum(_POINTS.get(row["outcome"], 0) for row in closed), len(closed)),
        "avg_efficiency_score": (
            sum(round(1_000_000 * min(1, 6 / max(1, row["user_message_count"]))) for row in resolved) * 0.0001,
            len(resolved),
        ),
    }


def _label_metrics(rows: list[Fields], words: AllWords) -> dict[str, Parts]:
    """Count what labels say of the conversations that started on a day."""
    of_day = [(row, words.get(row["conversation_key"], CustomerWords())) for row in rows]
    closed = [(row, said) for row, said in of_day if row["is_engaged"] and row["is_closed"]]
    known = [(row, said) for row, said in closed if row["user_message_count"] <= 1 or said.compared]

    def left(least: int) -> int:
        return sum(row["outcome"] == "abandoned" and said.again >= least for row, said in known)

    sentiments = [said.sentiment for _, said in of_day if said.sentiment is not None]
    scores = [said.sentiment_score for _, said in closed if said.sentiment_score is not None]
    return {
        "sentiment_average": (sum(sentiments) * 0.000001, len(sentiments)),
        "avg_sentiment_score": (sum(scores) * 0.0001, len(scores)),
        "rephrase_rate": (sum(said.again for _, said in of_day), sum(said.compared for _, said in of_day)),
        "rephrase_abandonment_rate": (left(2), len(known)),
        "rephrased_three_times_and_left_rate": (left(3), len(known)),
    }


def _cost_metrics(rows: list[Fields]) -> dict[str, Parts]:
    """Add up what the conversations that started on a day cost, in whole nanodollars; no paid labelling is used."""
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
    """Count solutions whose users stayed away; first contacts once a week has passed since they ended."""
    closed = [row for row in rows if row["is_engaged"] and row["is_closed"]]
    resolved = [row for row in closed if row["is_resolved"]]
    followed = [row for row in resolved if row["user_id"] is not None]

    def is_mature(row: Fields) -> bool:
        seen = (row["started_at"], row["last_interaction_at"], row["ended_at"])
        last = max(moment(at) for at in seen if at is not None)
        return last + timedelta(hours=168) <= moment(watermarks[row["conversation_key"].partition(":")[0]])

    def durable(window: str) -> Parts:
        known = [row[f"is_durably_resolved_{window}"] for row in closed]
        return known.count(True), len(known) - known.count(None)

    first = [
        row
        for row in closed
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
