"""Writes down what is true of a plan, before any event is rendered from it."""

import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

from orchestration.simulation.facts import (
    ENGAGING,
    Facts,
    assert_in_order,
    find_facts,
    first_at,
    is_counted,
    judge_durability,
    read_answer,
)
from orchestration.simulation.formats.common import zulu
from orchestration.simulation.mess import FilePlan
from orchestration.simulation.plan import DAY_MS, HOUR_MS, NAMESPACES, SOURCES, Act, Conversation, Plan
from orchestration.simulation.simulated_stages import reached_stages
from orchestration.simulation.simulated_tests import CONVERSION_WINDOW_HOURS, EXPERIMENTS, Experiment

Row = dict[str, object]


def find_watermarks(plan: Plan) -> dict[str, int]:
    """Namespace -> its newest event, at most 24 h behind the newest of all. The load is later than everything."""
    newest: dict[str, int] = {}
    for conversation in plan.conversations:
        namespace = NAMESPACES[conversation.source]
        newest[namespace] = max(newest.get(namespace, 0), conversation.acts[-1].at_ms)
    floor_ms = max(newest.values()) - 24 * HOUR_MS
    return {namespace: max(at_ms, floor_ms) for namespace, at_ms in newest.items()}


def find_beginnings(plan: Plan) -> dict[str, int]:
    """Namespace -> its first event."""
    first: dict[str, int] = {}
    for conversation in plan.conversations:
        namespace, at_ms = NAMESPACES[conversation.source], conversation.acts[0].at_ms
        first[namespace] = min(first.get(namespace, at_ms), at_ms)
    return first


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else zulu(at_ms)


def _day(at_ms: int) -> str:
    return zulu(at_ms)[:10]


def _conversions(conversation: Conversation) -> list[Row]:
    return [
        {"goal": act.data["goal"], "at": zulu(act.at_ms), "value": act.data["value"]}
        for act in conversation.acts
        if act.kind == "conversion"
    ]


def _flows(facts: Facts) -> list[Row]:
    """List the guided flows; only one is open at a time. What nothing ended was left when the conversation closed."""
    acts = [act for act in facts.conversation.acts if act.kind in {"flow_started", "flow_completed", "flow_abandoned"}]
    flows: list[Row] = []
    for act, after in zip_longest(acts, acts[1:]):
        if act.kind == "flow_started":
            left = "abandoned" if facts.is_closed else "in_progress"
            flows.append(
                {
                    "flow_name": act.data["flow_name"],
                    "started_at": zulu(act.at_ms),
                    "ended_at": None if after is None else zulu(after.at_ms),
                    "outcome": left if after is None else after.kind.removeprefix("flow_"),
                }
            )
    return flows


# The best of them counts, whatever came before it.
_SALES_OUTCOMES = (
    ("converted", {"deal_closed"}),
    ("booked", {"meeting_booked", "meeting_attended", "opportunity_created"}),
    ("qualified", {"qualified"}),
)


def _sales_outcome(facts: Facts) -> str | None:
    """Return the outcome of a sales conversation; null elsewhere, and while it is open without one.

    There is no `disqualified`: the simulation writes no qualification scores.
    """
    stages = reached_stages(facts).get("sales")
    if stages is None:
        return None
    best = next((outcome for outcome, kinds in _SALES_OUTCOMES if kinds & stages.keys()), None)
    return best or ("dropped" if facts.is_closed else None)


def _messages_before_feedback(conversation: Conversation) -> int | None:
    """Count the messages before the first answer that can be read; null without one."""
    messages = 0
    for act in conversation.acts:
        if act.kind == "feedback_received" and read_answer(conversation, act).score is not None:
            return messages
        messages += act.kind in {"user_message", "agent_message"}
    return None


def _costs(conversation: Conversation) -> Row:
    """Sum up the tokens and costs that agent messages report; null where none reports it."""
    said = [act.data for act in conversation.acts if act.kind == "agent_message"]

    def total(name: str) -> Decimal | None:
        values = [Decimal(str(data[name])) for data in said if name in data]
        return sum(values, Decimal(0)) if values else None

    tokens_in, tokens_out, cost_usd = total("tokens_in"), total("tokens_out"), total("cost_usd")
    return {
        "tokens_in": None if tokens_in is None else int(tokens_in),
        "tokens_out": None if tokens_out is None else int(tokens_out),
        "cost_usd": None if cost_usd is None else float(cost_usd),
        "uncosted_message_count": sum("cost_usd" not in data for data in said),
    }


def conversation_row(facts: Facts) -> Row:
    """One line of conversations.jsonl."""
    conversation, visit, answer, counts = facts.conversation, facts.conversation.visit, facts.answer, facts.counts
    return {
        "conversation_key": conversation.key,
        "conversation_id": conversation.conversation_id,
        "source": conversation.source,
        "user_id": conversation.user_id,
        "agent": visit.agent,
        "channel": visit.channel,
        # Of the widget only the first line names device and language; that line is always there.
        "device": visit.device,
        "language": visit.language,
        "model": facts.model,
        "purpose": visit.purpose,
        "situation": conversation.situation,
        "started_at": _time(facts.started_ms),
        "last_interaction_at": _time(facts.last_interaction_ms),
        "ended_at": _time(facts.ended_ms),
        "completed_at": _time(first_at(conversation, frozenset({"conversation_completed"}))),
        "is_engaged": facts.is_engaged,
        "is_handled": facts.is_handled,
        "is_closed": facts.is_closed,
        "outcome": facts.outcome,
        "outcome_reason_family": facts.reason_family,
        "claimed_resolved": facts.claimed_resolved,
        "is_resolved": facts.is_resolved,
        "is_solved": facts.is_solved,
        "is_resolved_by_human": facts.is_resolved_by_human,
        "resolved_at": _time(facts.resolved_ms),
        "customer_returned_at": _time(facts.customer_returned_ms),
        "session_count": len(facts.sessions),
        "session_seconds": sum(last - first for first, last in facts.sessions) / 1000 if facts.sessions else None,
        "user_message_count": counts["user_message"],
        "agent_message_count": counts["agent_message"],
        "tool_call_count": counts["tool_called"],
        "tool_error_count": counts["tool_errors"],
        "fallback_count": counts["fallback_triggered"],
        "conversion_count": counts["conversion"],
        "exact_repeat_count": sum(act.says_again == "repeat" for act in conversation.acts),
        "meant_rephrase_count": sum(act.says_again == "rephrase" for act in conversation.acts),
        **_costs(conversation),
        "first_response_ms": facts.first_response_ms,
        "handoff_requested_at": _time(first_at(conversation, frozenset({"handoff_requested"}))),
        "handoff_connected_at": _time(first_at(conversation, frozenset({"handoff_connected"}))),
        "rating": None if answer is None else answer.score,
        "csat": None if answer is None else answer.stars,
        "messages_before_feedback": _messages_before_feedback(conversation),
        "feedback_question_kind": None if answer is None else answer.question_kind,
        "is_first_contact": facts.is_first_contact,
        "is_durably_resolved_24h": facts.is_durably_resolved["24h"],
        "is_durably_resolved_72h": facts.is_durably_resolved["72h"],
        "is_durably_resolved_7d": facts.is_durably_resolved["7d"],
        "stages": {
            funnel: {stage: zulu(at_ms) for stage, at_ms in stages.items()}
            for funnel, stages in reached_stages(facts).items()
        },
        "sales_outcome": _sales_outcome(facts),
        "flows": _flows(facts),
        "conversions": _conversions(conversation),
    }


def interaction_rows(plan: Plan) -> list[Row]:
    """One row per production id whose widget was shown."""
    rows: list[Row] = []
    for conversation in plan.conversations:
        initialised_ms = first_at(conversation, frozenset({"interaction_initialized"}))
        if initialised_ms is not None and conversation.is_production:
            engaged_ms = first_at(conversation, ENGAGING)
            rows.append(
                {
                    "conversation_key": conversation.key,
                    "user_id": conversation.user_id,
                    "initialised_at": zulu(initialised_ms),
                    "is_engaged": engaged_ms is not None,
                    "device": conversation.visit.device,
                    "language": conversation.visit.language,
                }
            )
    return rows


def _exposures(conversation: Conversation, test_name: str) -> list[Act]:
    return [
        act for act in conversation.acts if act.kind == "experiment_exposure" and act.data["experiment_id"] == test_name
    ]


def exposure_rows(plan: Plan, watermarks: dict[str, int]) -> list[Row]:
    """One row per test and exposed session: the first variant, and the outcome of the unit inside its window."""
    rows: list[Row] = []
    window_ms = CONVERSION_WINDOW_HOURS * HOUR_MS
    for experiment in EXPERIMENTS:
        for conversation in plan.conversations:
            exposures = _exposures(conversation, experiment.test_name)
            if not exposures:
                continue
            first_ms = exposures[0].at_ms
            first_variants = {str(act.data["variant"]) for act in exposures if act.at_ms == first_ms}
            later_variants = {str(act.data["variant"]) for act in exposures} - first_variants
            rows.append(
                {
                    "test_name": experiment.test_name,
                    "conversation_key": conversation.key,
                    "variant": next(iter(first_variants)) if len(first_variants) == 1 else None,
                    "exposed_at": zulu(first_ms),
                    "exposure_count": len(exposures),
                    "is_ambiguous": len(first_variants) > 1,
                    "is_contaminated": len(first_variants) == 1 and bool(later_variants),
                    "is_mature": first_ms + window_ms <= watermarks[NAMESPACES[conversation.source]],
                    "is_converted": any(
                        act.kind == "conversion"
                        and act.data["goal"] == experiment.goal
                        and first_ms <= act.at_ms < first_ms + window_ms
                        for act in conversation.acts
                    ),
                }
            )
    return rows


def _experiment(experiment: Experiment, rows: list[Row]) -> Row:
    """Put the true rates next to what the mature, unambiguous units of each arm did."""
    arms = []
    for arm in experiment.arms:
        units = [row for row in rows if row["test_name"] == experiment.test_name and row["variant"] == arm.variant]
        mature = [row for row in units if row["is_mature"]]
        converted = sum(bool(row["is_converted"]) for row in mature)
        arms.append(
            {
                "variant": arm.variant,
                "is_control": arm.is_control,
                "true_rate": arm.rate,
                "exposed_units": len(units),
                "mature_units": len(mature),
                "converted_units": converted,
                "observed_rate": converted / len(mature) if mature else None,
            }
        )
    return {
        "source": experiment.source,
        "goal": experiment.goal,
        "window_hours": CONVERSION_WINDOW_HOURS,
        "true_difference": round(experiment.arms[1].rate - experiment.arms[0].rate, 12),
        "arms": arms,
        "ambiguous_units": sum(row["test_name"] == experiment.test_name and bool(row["is_ambiguous"]) for row in rows),
        "contaminated_units": sum(
            row["test_name"] == experiment.test_name and bool(row["is_contaminated"]) for row in rows
        ),
    }


_COUNTERS = (
    "total_conversations", "engaged", "handled", "closed", "engaged_and_closed", "in_progress", "escalated",
    "abandoned", "ended_unresolved", "resolved", "solved", "confirmed", "claimed_and_closed",
    "conversations_with_fallback", "turns_with_fallback", "turns_with_agent_message_or_fallback", "initialised",
    "initialised_and_engaged",
)  # fmt: skip


def daily_metrics(plan: Plan, facts: list[Facts], interactions: list[Row]) -> dict[str, Row]:
    """Numerators and denominators per UTC day of the start; conversations count, except in the two turn rows."""
    days = {_day(plan.first_day_ms + day * DAY_MS): Counter[str]() for day in range(plan.days)}
    goals = {day: Counter[str]() for day in days}
    for fact in facts:
        day, counted = days[_day(fact.started_ms)], fact.is_engaged and fact.is_closed
        day["total_conversations"] += 1
        day["engaged"] += fact.is_engaged
        day["handled"] += fact.is_handled
        day["closed"] += fact.is_closed
        day["engaged_and_closed"] += counted
        day["in_progress"] += not fact.is_closed
        for outcome in ("escalated", "abandoned", "ended_unresolved"):
            day[outcome] += fact.outcome == outcome
        day["resolved"] += fact.is_resolved
        day["solved"] += counted and fact.is_solved
        day["confirmed"] += fact.outcome == "resolved_confirmed"
        day["claimed_and_closed"] += counted and fact.claimed_resolved
        day["conversations_with_fallback"] += fact.counts["fallback_triggered"] > 0
        day["turns_with_fallback"] += fact.fallback_turns
        day["turns_with_agent_message_or_fallback"] += fact.agent_turns
        if counted:
            reached = {str(act.data["goal"]) for act in fact.conversation.acts if act.kind == "conversion"}
            goals[_day(fact.started_ms)].update(reached)
    for row in interactions:
        day = days[str(row["initialised_at"])[:10]]
        day["initialised"] += 1
        day["initialised_and_engaged"] += bool(row["is_engaged"])
    return {
        name: {counter: counts[counter] for counter in _COUNTERS} | {"conversions": dict(sorted(goals[name].items()))}
        for name, counts in days.items()
    }


def file_accounts(files: Iterable[FilePlan]) -> dict[str, Row]:
    """Path below landing -> lines = accepted + rejected (by reason) + duplicates."""
    return {
        file.path: {
            "source": file.source,
            "lines": len(file.lines),
            "accepted": file.accepted,
            "rejected": file.rejected,
            "duplicates": file.duplicates,
        }
        for file in files
    }


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_lines(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_truth(plan: Plan, files: list[FilePlan], truth: Path) -> list[Facts]:
    """Write every truth file; returns the facts of the counted conversations."""
    truth.mkdir(parents=True, exist_ok=True)
    for conversation in plan.conversations:
        assert_in_order(conversation)
    watermarks = find_watermarks(plan)
    facts = [
        find_facts(conversation, watermarks[NAMESPACES[conversation.source]])
        for conversation in plan.conversations
        if is_counted(conversation)
    ]
    beginnings = find_beginnings(plan)
    judge_durability(
        facts,
        {source: watermarks[NAMESPACES[source]] for source in SOURCES if source in watermarks},
        {source: beginnings[NAMESPACES[source]] for source in SOURCES if source in beginnings},
    )
    interactions, exposures = interaction_rows(plan), exposure_rows(plan, watermarks)
    _write_lines(truth / "conversations.jsonl", (conversation_row(fact) for fact in facts))
    _write_lines(truth / "interactions.jsonl", interactions)
    _write_lines(truth / "exposures.jsonl", exposures)
    _write_json(truth / "files.json", file_accounts(files))
    _write_json(truth / "experiments.json", {e.test_name: _experiment(e, exposures) for e in EXPERIMENTS})
    _write_json(
        truth / "metrics.json",
        {
            "watermarks": {namespace: zulu(at_ms) for namespace, at_ms in sorted(watermarks.items())},
            "days": daily_metrics(plan, facts, interactions),
        },
    )
    return facts
