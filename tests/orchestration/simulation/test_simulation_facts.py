"""The truth of hand-made plans: each case worked out from the definitions of the metrics."""

from typing import Any

import pytest

from orchestration.simulation.facts import Facts, find_facts, is_counted, judge_durability
from orchestration.simulation.plan import DAY_MS, HOUR_MS, MINUTE_MS, Act, Conversation, Plan, Says, Value, Visit
from orchestration.simulation.simulated_stages import reached_stages
from orchestration.simulation.truth import daily_metrics, exposure_rows, find_watermarks

T0 = 1_767_261_600_000  # 2026-01-01T10:00:00Z
LATER = T0 + 30 * DAY_MS


def act(kind: str, minutes: float, **data: Value) -> Act:
    return Act(kind, T0 + int(minutes * MINUTE_MS), data)


def tool(minutes: float, *, write: bool = False, failed: bool = False) -> Act:
    return act("tool_called", minutes, tool_name="t", is_write=write, failed=failed)


def feedback(minutes: float, rating: int, rating_type: str, kind: str | None) -> Act:
    return act("feedback_received", minutes, rating=rating, rating_type=rating_type, question_kind=kind)


def plan_of(
    *acts: Act, source: str = "events", user: int | None = 1, purpose: str = "support", **visit: Any
) -> Conversation:
    for seq, planned in enumerate(acts, start=1):
        planned.seq = seq
    user_id = None if user is None else f"demo-user-{user:06d}"
    seen = Visit(source, acts[0].at_ms, user, "bot", "m", "web", "mobile", "en", purpose, **visit)
    return Conversation(1, "c1", user_id, seen, "by_hand", list(acts), 1)


def facts_of(*acts: Act, watermark_ms: int = LATER, **options: Any) -> Facts:
    return find_facts(plan_of(*acts, **options), watermark_ms)


DAYS_MINUTES = 24 * 60


def said(minutes: float, says: Says | None = None) -> Act:
    return Act("user_message", T0 + int(minutes * MINUTE_MS), says=says)


def question() -> Act:
    return act("user_message", 1)


def answer(minutes: float = 2) -> Act:
    return act("agent_message", minutes, model="m")


@pytest.mark.parametrize(
    ("tail", "outcome", "claimed"),
    [
        ([], "abandoned", False),
        ([act("conversation_abandoned", 20)], "abandoned", False),
        ([act("conversation_ended", 3)], "ended_unresolved", False),
        ([act("conversation_completed", 3)], "resolved_inferred", True),
        ([tool(3, write=True)], "resolved_inferred", True),
        ([tool(3, write=True, failed=True)], "abandoned", False),
        ([tool(3)], "abandoned", False),
        ([act("problem_resolved", 3)], "resolved_inferred", True),
        ([act("conversion", 3, goal="g", value=1)], "resolved_confirmed", False),
        ([act("deal_closed", 3, value=1)], "resolved_confirmed", False),
        ([act("meeting_booked", 3)], "resolved_confirmed", False),
        ([act("meeting_attended", 3), act("opportunity_created", 4)], "abandoned", False),
        ([feedback(3, 1, "thumbs", "solved")], "resolved_confirmed", False),
        ([feedback(3, 4, "stars", "solved")], "resolved_confirmed", False),
        ([feedback(3, 3, "stars", "solved")], "abandoned", False),
        ([feedback(3, 1, "thumbs", "satisfaction")], "abandoned", False),
        ([act("conversation_completed", 3), feedback(4, 2, "stars", "satisfaction")], "ended_unresolved", True),
        ([act("conversation_completed", 3), feedback(4, 1, "stars", "other")], "resolved_inferred", True),
        ([act("conversation_completed", 3), feedback(4, 0, "thumbs", None)], "resolved_inferred", True),
        ([tool(3, write=True), act("fallback_triggered", 4)], "abandoned", True),
        ([act("fallback_triggered", 3), tool(4, write=True)], "resolved_inferred", True),
        ([tool(3, write=True), tool(4, failed=True)], "abandoned", True),
        ([tool(3, write=True), tool(4, failed=True), act("conversation_ended", 5)], "ended_unresolved", True),
        (
            [act("conversation_completed", 3), act("user_message", 4), act("conversation_ended", 5)],
            "ended_unresolved",
            True,
        ),
        # Courtesy after the end is no return, and neither is a message within the session or a week later.
        ([act("conversation_completed", 3), said(4, "courtesy")], "resolved_inferred", True),
        ([tool(3, write=True), said(4)], "resolved_inferred", True),
        ([tool(3, write=True), said(4, "denial")], "abandoned", True),
        ([tool(3, write=True), said(33)], "resolved_inferred", True),
        ([tool(3, write=True), said(34)], "abandoned", True),
        ([tool(3, write=True), said(3 + DAYS_MINUTES, "courtesy")], "resolved_inferred", True),
        ([tool(3, write=True), said(3 + 7 * DAYS_MINUTES - 1)], "abandoned", True),
        ([tool(3, write=True), said(3 + 7 * DAYS_MINUTES)], "resolved_inferred", True),
        # The last answer to whether it was solved counts, also against proof of another kind.
        ([feedback(3, 1, "thumbs", "solved"), feedback(4, 0, "thumbs", "solved")], "abandoned", False),
        ([feedback(3, 0, "thumbs", "solved"), feedback(4, 1, "thumbs", "solved")], "resolved_confirmed", False),
        ([act("conversion", 3, goal="g", value=1), feedback(4, 0, "thumbs", "solved")], "abandoned", False),
        (
            [act("conversion", 3, goal="g", value=1), feedback(4, 0, "thumbs", "satisfaction")],
            "resolved_confirmed",
            False,
        ),
        ([act("handoff_requested", 3), act("conversion", 4, goal="g", value=1)], "escalated", False),
        ([act("handoff_connected", 3)], "escalated", False),
    ],
)
def test_outcomes(tail: list[Act], outcome: str, claimed: bool) -> None:
    facts = facts_of(question(), answer(), *tail)
    assert (facts.outcome, facts.claimed_resolved) == (outcome, claimed)


def test_a_negative_answer_of_the_sources_own_kind_contradicts() -> None:
    """chat_events asks about satisfaction by default, `events` about something else."""
    facts = facts_of(question(), tool(3, write=True), feedback(4, 1, "stars", None), source="chat_events")
    assert facts.outcome == "abandoned"


def test_an_end_closes_at_once_and_silence_after_half_an_hour() -> None:
    ended = facts_of(question(), act("conversation_ended", 3), watermark_ms=T0 + 4 * MINUTE_MS)
    assert (ended.is_closed, ended.ended_ms) == (True, T0 + 3 * MINUTE_MS)
    fresh = facts_of(question(), answer(2), watermark_ms=T0 + 32 * MINUTE_MS - 1)
    assert (fresh.outcome, fresh.ended_ms) == ("in_progress", None)
    idle = facts_of(question(), answer(2), watermark_ms=T0 + 32 * MINUTE_MS)
    assert (idle.outcome, idle.ended_ms) == ("abandoned", T0 + 2 * MINUTE_MS)


def test_a_message_reopens_and_a_late_conversion_does_not() -> None:
    now = T0 + 10 * MINUTE_MS
    reopened = facts_of(question(), act("conversation_ended", 3), act("user_message", 4), watermark_ms=now)
    assert reopened.outcome == "in_progress"
    late = facts_of(question(), act("conversation_ended", 3), act("conversion", 9, goal="g", value=1), watermark_ms=now)
    assert (late.outcome, late.ended_ms, late.last_interaction_ms) == (
        "resolved_confirmed",
        T0 + 3 * MINUTE_MS,
        T0 + 1 * MINUTE_MS,
    )


def test_who_is_counted_engaged_and_handled() -> None:
    assert not is_counted(plan_of(act("interaction_initialized", 0), act("experiment_exposure", 1)))
    assert not is_counted(plan_of(question(), environment="development"))
    greeted = facts_of(act("interaction_initialized", 0), answer())
    assert (greeted.is_engaged, greeted.is_handled, greeted.outcome) == (False, False, "not_engaged")
    assert greeted.started_ms == T0 + 2 * MINUTE_MS
    clicked = facts_of(act("button_clicked", 1))
    assert (clicked.is_engaged, clicked.is_handled) == (True, False)
    assert facts_of(act("flow_started", 1), answer()).is_handled


def test_the_first_response_comes_after_the_first_question_even_in_the_same_instant() -> None:
    assert facts_of(answer(0), question(), answer(1)).first_response_ms == 0
    assert facts_of(answer(0), question(), answer(2)).first_response_ms == MINUTE_MS
    assert facts_of(answer(0), question()).first_response_ms is None


def test_turns_begin_with_customer_messages() -> None:
    """Turn 0: greeting. Turn 1: fallback without a word. Turn 2: nothing. Turn 3: a fallback and two answers."""
    facts = facts_of(
        answer(0),
        act("user_message", 1),
        act("fallback_triggered", 2),
        act("user_message", 3),
        act("user_message", 4),
        act("fallback_triggered", 5),
        answer(6),
        answer(7),
    )
    assert (facts.agent_turns, facts.fallback_turns) == (3, 2)


def test_the_model_of_most_messages_then_the_first_name() -> None:
    said = [act("agent_message", n, model=model) for n, model in enumerate(("b", "a", "b", "a"))]
    assert facts_of(*said).model == "a"
    assert facts_of(*said[:3]).model == "b"
    assert facts_of(question()).model is None


def test_answers_are_read_by_their_type() -> None:
    stars = facts_of(question(), feedback(2, 4, "stars", "satisfaction")).answer
    thumb = facts_of(question(), feedback(2, 0, "thumbs", None), source="agent_events").answer
    assert stars is not None
    assert (stars.score, stars.stars, stars.question_kind) == (0.75, 4, "satisfaction")
    assert thumb is not None
    assert (thumb.score, thumb.stars, thumb.question_kind) == (0.0, None, "satisfaction")


def test_an_unreadable_rating_is_no_answer_and_hides_none() -> None:
    assert facts_of(question(), feedback(2, 1, "unsaid", "other")).answer is None
    earlier = facts_of(question(), feedback(2, 4, "stars", "satisfaction"), feedback(3, 1, "unsaid", "other")).answer
    assert earlier is not None
    assert (earlier.stars, earlier.question_kind) == (4, "satisfaction")


def test_durability_counts_engaged_returns_to_the_same_agent() -> None:
    """Solved at minute 3; the user is back after 30 hours: durable for a day, not for three."""
    solved = facts_of(question(), act("conversation_completed", 3))
    back = facts_of(act("user_message", 30 * 60))
    stranger = facts_of(act("user_message", 60), user=2)
    judge_durability([solved, back, stranger], {"events": T0 + 5 * DAY_MS}, {"events": T0})
    assert solved.is_durably_resolved == {"24h": True, "72h": False, "7d": None}
    assert back.is_durably_resolved == {"24h": None, "72h": None, "7d": None}


def test_durability_counts_returns_into_the_same_conversation() -> None:
    """Proof at minute 3; the customer writes into the thread after 30 hours: durable for a day, not for three."""
    solved = facts_of(question(), act("conversion", 3, goal="g", value=1), said(30 * 60), said(31 * 60, "denial"))
    judge_durability([solved], {"events": LATER}, {"events": T0})
    assert solved.customer_returned_ms == T0 + 30 * HOUR_MS
    assert solved.is_durably_resolved == {"24h": True, "72h": False, "7d": False}
    assert [(last - first) / MINUTE_MS for first, last in solved.sessions] == [0, 0, 0]
    thanked = facts_of(question(), act("conversion", 3, goal="g", value=1), said(30 * 60, "courtesy"))
    judge_durability([thanked], {"events": LATER}, {"events": T0})
    assert thanked.is_durably_resolved == {"24h": True, "72h": True, "7d": True}


def test_first_contact_is_not_known_in_the_first_week() -> None:
    """The data begin seven days before the second conversation, to the millisecond."""
    early, week, again = facts_of(question()), facts_of(said(7 * DAYS_MINUTES), user=2), facts_of(said(60))
    judge_durability([early, week, again], {"events": LATER}, {"events": T0})
    assert (early.is_first_contact, week.is_first_contact, again.is_first_contact) == (None, True, False)
    judge_durability([week], {"events": LATER}, {"events": T0 + 1})
    assert week.is_first_contact is None


def test_durability_ignores_widgets_nobody_used_and_unknown_users() -> None:
    solved = facts_of(question(), act("conversation_completed", 3))
    greeted = facts_of(answer(60))
    judge_durability([solved, greeted], {"events": LATER}, {"events": T0})
    assert solved.is_durably_resolved == {"24h": True, "72h": True, "7d": True}
    unknown = facts_of(question(), act("conversation_completed", 3), user=None)
    judge_durability([unknown], {"events": LATER}, {"events": T0})
    assert unknown.is_durably_resolved == {"24h": None, "72h": None, "7d": None}


def test_stages_of_the_three_funnels() -> None:
    support = facts_of(
        act("interaction_initialized", 0),
        question(),
        answer(),
        act("problem_identified", 3),
        act("problem_resolved", 9),
        act("conversion", 8, goal="g", value=1),
    )
    minutes = {
        funnel: {stage: (at_ms - T0) / MINUTE_MS for stage, at_ms in stages.items()}
        for funnel, stages in reached_stages(support).items()
    }
    assert minutes == {
        "support": {"initiated": 1, "greeted": 2, "problem_identified": 3, "resolved": 8},
        "engagement": {"initialised": 0, "engaged": 1},
    }
    sold = facts_of(
        act("conversation_started", 0),
        question(),
        act("meeting_booked", 5),
        act("deal_closed", 9, value=1),
        source="sales_events",
        purpose="sales",
    )
    assert reached_stages(sold) == {
        "sales": {
            "started": T0,
            "responded": T0 + MINUTE_MS,
            "meeting_booked": T0 + 5 * MINUTE_MS,
            "deal_closed": T0 + 9 * MINUTE_MS,
        }
    }


def plan_with(*conversations: Conversation) -> Plan:
    day = T0 - T0 % DAY_MS
    return Plan(seed=1, days=2, first_day_ms=day, end_ms=day + 2 * DAY_MS, conversations=list(conversations))


def test_a_silent_source_still_closes() -> None:
    quiet = plan_of(act("user_message", 0), source="sales_events")
    busy = plan_of(act("user_message", 40 * 60))
    assert find_watermarks(plan_with(quiet, busy)) == {
        "sales_events": T0 + 16 * HOUR_MS,
        "events": T0 + 40 * HOUR_MS,
    }


def test_daily_numbers_count_conversations_once() -> None:
    """Two conversions of one goal are one conversation with it; the one in progress is no part of outcome rates."""
    sold = plan_of(question(), act("conversion", 2, goal="g", value=1), act("conversion", 3, goal="g", value=1))
    asked_twice = plan_of(question(), act("handoff_requested", 2), act("handoff_requested", 3))
    late = plan_of(act("user_message", 26 * 60))
    plan = plan_with(sold, asked_twice, late)
    facts = [find_facts(planned, T0 + 26 * HOUR_MS) for planned in plan.conversations]
    days = daily_metrics(plan, facts, [])
    first, second = days["2026-01-01"], days["2026-01-02"]
    assert first["conversions"] == {"g": 1}
    assert (first["escalated"], first["resolved"], first["confirmed"], first["engaged_and_closed"]) == (1, 1, 1, 2)
    assert (second["total_conversations"], second["engaged_and_closed"], second["in_progress"]) == (1, 0, 1)


def exposure(minutes: float, variant: str) -> Act:
    return act(
        "experiment_exposure", minutes, experiment_id="demo-prompt-test", variant=variant, is_control=variant == "a"
    )


@pytest.mark.parametrize(
    ("acts", "variant", "ambiguous", "contaminated", "converted"),
    [
        ([exposure(0, "a"), exposure(5, "a")], "a", False, False, False),
        ([exposure(0, "a"), exposure(5, "b")], "a", False, True, False),
        ([exposure(0, "a"), exposure(0, "b")], None, True, False, False),
        ([exposure(0, "a"), act("conversion", 24 * 60 - 1, goal="self_service_completed")], "a", False, False, True),
        ([exposure(0, "a"), act("conversion", 24 * 60, goal="self_service_completed")], "a", False, False, False),
        ([exposure(0, "a"), act("conversion", 1, goal="another")], "a", False, False, False),
        ([act("conversion", 0, goal="self_service_completed"), exposure(1, "a")], "a", False, False, False),
    ],
)
def test_exposures(acts: list[Act], variant: str | None, ambiguous: bool, contaminated: bool, converted: bool) -> None:
    rows = exposure_rows(plan_with(plan_of(*acts)), {"events": T0 + DAY_MS})
    assert len(rows) == 1
    row = rows[0]
    found = (row["variant"], row["is_ambiguous"], row["is_contaminated"], row["is_converted"])
    assert found == (variant, ambiguous, contaminated, converted)
    assert row["is_mature"] is (acts[0].kind == "experiment_exposure")
