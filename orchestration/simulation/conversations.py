"""From visits to conversations: choose what happens, write it, cut it where the data end."""

import random
from collections.abc import Callable
from datetime import date

from orchestration.simulation.plan import DAY_MS, SECOND_MS, SOURCES, Act, Conversation, Plan, Visit, random_stream
from orchestration.simulation.reopened import reopen
from orchestration.simulation.sales import write_sales
from orchestration.simulation.script import Script
from orchestration.simulation.simulated_tests import Assignment, assign, expose
from orchestration.simulation.situations import choose_situation, write_support
from orchestration.simulation.spoken_phrases import TOPICS
from orchestration.simulation.world import bad_day_ms, plan_visits

_WHOLE_SECONDS_RATE = 0.15
_PAGES = ("/", "/pricing", "/help", "/help/returns", "/account", "/shop/lamps")
_EPOCH = date(1970, 1, 1)


def _choose_topic(visit: Visit, rng: random.Random) -> str:
    if visit.agent == "demo-booking-v1":
        return "booking"
    return rng.choice(TOPICS)


def _open(script: Script, assignment: Assignment | None) -> None:
    """Write what systems write before the first message."""
    visit, page = script.visit, script.rng.choice(_PAGES)
    if visit.source == "agentsight_interactions":
        script.add("interaction_initialized", page_url=f"https://shop.example{page}")
        script.wait(2, 40)
        return
    # Some systems report no start: the first message is one.
    if visit.source != "events" or script.chance(0.93):
        opening: dict[str, str | int] = {}
        if visit.source == "events" and visit.channel == "web":
            opening["page_url"] = f"https://shop.example{page}"
        if visit.source == "sales_events":
            opening = {
                "source": script.rng.choice(("ad", "webinar", "referral")),
                "lead_score": script.rng.randrange(100),
            }
        script.add("conversation_started", **opening)
    if assignment is not None:
        script.wait(0.05, 0.6)
        expose(script, assignment)
    script.wait(0.5, 6)


def _write(script: Script, visit: Visit, assignment: Assignment | None, *, tools_down: bool) -> str:
    """Write the dialogue; returns the name of the situation."""
    if visit.is_shown_only:
        return "widget_only"
    if visit.purpose == "sales":
        return write_sales(script)
    if assignment is not None and assignment.converts:
        situation = "solved_confirmed"
    elif visit.is_running:
        situation = "abandoned_by_silence"
    else:
        situation = choose_situation(visit, script.rng, tools_down=tools_down)
    write_support(script, situation, assignment)
    return situation


def _in_order(acts: list[Act], end_ms: int, *, whole_seconds: bool) -> list[Act]:
    """Acts before `end_ms` by time, numbered; on whole-second clocks the number alone orders a second."""
    if whole_seconds:
        for act in acts:
            act.at_ms -= act.at_ms % SECOND_MS
    ordered = sorted((act for act in acts if act.at_ms < end_ms), key=lambda act: act.at_ms)
    for seq, act in enumerate(ordered, start=1):
        act.seq = seq
    return ordered


def plan_conversation(visit: Visit, number: int, seed: int, first_day_ms: int, days: int) -> Conversation:
    """Write one conversation. Its randomness depends on seed, source and number only."""
    rng = random_stream(seed, "conversation", visit.source, number)
    down_from_ms = bad_day_ms(first_day_ms, days)
    tools_down = down_from_ms <= visit.started_ms < down_from_ms + DAY_MS
    assignment = assign(visit, first_day_ms, days, rng)
    script = Script(visit, rng, _choose_topic(visit, rng), tools_down=tools_down)
    _open(script, assignment)
    situation = _write(script, visit, assignment, tools_down=tools_down)
    reopen(script, random_stream(seed, "reopened", visit.source, number))
    whole_seconds = visit.source != "agentsight_interactions" and rng.random() < _WHOLE_SECONDS_RATE
    prefix = "demo" if visit.environment == "production" else "demo-dev"
    return Conversation(
        number=number,
        # Every source counts from one: the same id in two namespaces is two conversations.
        conversation_id=f"{prefix}-conversation-{number:06d}",
        user_id=None if visit.user_number is None else f"{prefix}-user-{visit.user_number:06d}",
        visit=visit,
        situation=situation,
        acts=_in_order(script.acts, first_day_ms + days * DAY_MS, whole_seconds=whole_seconds),
        style=rng.randrange(1_000),
    )


def plan_world(seed: int, days: int, conversations: int, end: date, on_progress: Callable[[str], None]) -> Plan:
    """Plan everything that happens in the `days` UTC days before `end`."""
    end_ms = (end - _EPOCH).days * DAY_MS
    first_day_ms = end_ms - days * DAY_MS
    visits = plan_visits(seed, first_day_ms, days, conversations)
    planned: list[Conversation] = []
    for source in SOURCES:
        for number, visit in enumerate(visits[source], start=1):
            planned.append(plan_conversation(visit, number, seed, first_day_ms, days))
        on_progress(f"planned {len(visits[source]):,} conversations of {source}")
    return Plan(seed=seed, days=days, first_day_ms=first_day_ms, end_ms=end_ms, conversations=planned)
