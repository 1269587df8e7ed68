"""The texts, the rhythm and the demo's configuration."""

import csv
import string
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from orchestration.simulation.conversations import plan_world
from orchestration.simulation.demo_seeds import write_demo_seeds
from orchestration.simulation.plan import DAY_MS, HOUR_MS, Plan, random_stream
from orchestration.simulation.script import Script
from orchestration.simulation.situations import choose_situation
from orchestration.simulation.spoken_phrases import TOPICS, draw_slots, general_texts, sales_texts, topic_texts
from orchestration.simulation.world import Clock, plan_visits, source_counts

MONDAY_MS = 1_767_571_200_000  # 2026-01-05T00:00:00Z


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_every_language_says_everything(language: str) -> None:
    slots = set(draw_slots(random_stream(1)))
    groups = [general_texts(language), sales_texts(language), *(topic_texts(language, topic) for topic in TOPICS)]
    english = [general_texts("en"), sales_texts("en"), *(topic_texts("en", topic) for topic in TOPICS)]
    for group, reference in zip(groups, english, strict=True):
        assert set(group) == set(reference)
        for texts in group.values():
            assert len(texts) >= 2
            for text in texts:
                assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= slots
    for topic in TOPICS:
        of_topic = topic_texts(language, topic)
        assert len(of_topic["reworded"]) == len(of_topic["opening"])


def test_weekdays_are_busier_than_weekends_and_days_than_nights() -> None:
    clock, rng = Clock(MONDAY_MS, 7), random_stream(1)
    moments = [clock.draw(rng) - MONDAY_MS for _ in range(5_000)]
    days = Counter(moment // DAY_MS for moment in moments)
    hours = Counter(moment // HOUR_MS % 24 for moment in moments)
    assert days[0] > 1.5 * days[6]
    assert hours[10] > 5 * hours[3]


def test_sources_share_the_conversations_without_a_rest() -> None:
    assert source_counts(20_000) == {
        "events": 7_000,
        "agent_events": 4_000,
        "chat_events": 4_000,
        "sales_events": 2_400,
        "agentsight_interactions": 2_600,
    }
    assert sum(source_counts(333).values()) == 333


def test_support_changes_its_prompt_in_the_middle() -> None:
    visits = plan_visits(7, MONDAY_MS, 10, 2_000)["agent_events"]
    middle = MONDAY_MS + 5 * DAY_MS
    assert {visit.agent for visit in visits if visit.started_ms < middle} == {"demo-support-v1"}
    assert {visit.agent for visit in visits if visit.started_ms >= middle} == {"demo-support-v2", "demo-support-v3"}


def solved_share(agent: str, *, tools_down: bool) -> float:
    visit = plan_visits(7, MONDAY_MS, 10, 200)["agent_events"][0]
    visit.agent = agent
    rng = random_stream(1)
    drawn = Counter(choose_situation(visit, rng, tools_down=tools_down) for _ in range(4_000))
    return (drawn["solved_confirmed"] + drawn["claim_completed"] + drawn["claim_write"]) / 4_000


def test_the_new_prompt_solves_more_and_a_day_without_tools_less() -> None:
    before, after = solved_share("demo-support-v1", tools_down=False), solved_share("demo-support-v2", tools_down=False)
    assert after > before + 0.05
    assert solved_share("demo-support-v2", tools_down=True) < before


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_demo_seeds_change_four_things_and_nothing_else(tmp_path: Path) -> None:
    shipped, target = tmp_path / "shipped", tmp_path / "demo"
    shipped.mkdir()
    header = "source,id_namespace,default_environment\n"
    (shipped / "sources.csv").write_text(
        header + "events,events,production\nagentsight_interactions,agentsight_interactions,\n"
    )
    (shipped / "purposes.csv").write_text("source,agent,purpose\nsales_events,,sales\n")
    (shipped / "agents.csv").write_text("agent,reference_message_count,goals\n,6,\n")
    (shipped / "ab_tests.csv").write_text("test_name,phase,window_hours,started_at,planned_at,planned_total,note\n")
    write_demo_seeds(shipped, target, days=60, end=date(2026, 5, 1))
    assert rows(target / "sources.csv") == [
        {"source": "events", "id_namespace": "events", "default_environment": "production"},
        {
            "source": "agentsight_interactions",
            "id_namespace": "agentsight_interactions",
            "default_environment": "production",
        },
    ]
    assert rows(target / "purposes.csv") == [
        {"source": "sales_events", "agent": "", "purpose": "sales"},
        {"source": "events", "agent": "demo-sales-v1", "purpose": "sales"},
    ]
    assert [list(row.values()) for row in rows(target / "agents.csv")] == [
        ["", "6", ""],
        ["demo-support-v1", "6", "checkout_completed|signup_completed"],
        ["demo-support-v2", "6", "checkout_completed|signup_completed"],
        ["demo-support-v3", "6", "checkout_completed|signup_completed"],
    ]
    # It starts after a tenth of the 60 days from 2 March on.
    assert rows(target / "ab_tests.csv") == [
        {
            "test_name": "demo-greeting-test",
            "phase": "1",
            "window_hours": "24",
            "started_at": "2026-03-08 00:00:00",
            "planned_at": "2026-03-07 00:00:00",
            "planned_total": "2470",
            "note": "",
        }
    ]


def test_demo_seeds_name_a_missing_source(tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text("source,id_namespace,default_environment\nevents,events,production\n")
    with pytest.raises(ValueError, match="no row for agentsight_interactions"):
        write_demo_seeds(tmp_path, tmp_path / "demo", days=60, end=date(2026, 5, 1))


@pytest.fixture(scope="module")
def world() -> Plan:
    return plan_world(7, 20, 1_000, date(2026, 3, 1), lambda message: None)


def test_everything_the_vocabulary_names_happens(world: Plan) -> None:
    assert {act.kind for planned in world.conversations for act in planned.acts} == {
        "interaction_initialized",
        "conversation_started",
        "user_message",
        "agent_message",
        "tool_called",
        "fallback_triggered",
        "handoff_requested",
        "handoff_connected",
        "feedback_received",
        "conversion",
        "button_clicked",
        "flow_started",
        "flow_completed",
        "flow_abandoned",
        "conversation_completed",
        "conversation_abandoned",
        "conversation_ended",
        "experiment_exposure",
        "problem_identified",
        "solution_proposed",
        "solution_accepted",
        "problem_resolved",
        "qualified",
        "meeting_booked",
        "meeting_attended",
        "opportunity_created",
        "deal_closed",
    }


def test_some_seconds_hold_several_acts_but_never_where_only_time_orders_them(world: Plan) -> None:
    tied = {
        planned.source
        for planned in world.conversations
        for before, after in pairwise(planned.acts)
        if before.at_ms == after.at_ms
    }
    assert {"events", "agent_events", "chat_events"} <= tied
    assert "agentsight_interactions" not in tied


def test_proof_and_outcomes_of_sales_come_days_after_the_talk(world: Plan) -> None:
    delays = {
        act.kind: act.at_ms - planned.acts[0].at_ms
        for planned in world.conversations
        for act in planned.acts
        if act.kind in {"meeting_attended", "deal_closed"}
    }
    assert all(delay > DAY_MS - HOUR_MS for delay in delays.values())
    late = [
        planned
        for planned in world.conversations
        for act in planned.acts
        if act.kind == "conversion" and act.at_ms - planned.acts[0].at_ms > HOUR_MS
    ]
    assert len(late) > 10


def test_a_customer_repeats_word_for_word_only_on_purpose() -> None:
    visit = plan_visits(7, MONDAY_MS, 10, 200)["agent_events"][0]
    script = Script(visit, random_stream(1), "delivery")
    for slot in ["opening", *["rephrase"] * 50, *["detail"] * 50]:
        script.customer(slot)
        script.agent("ask")
    asked = [act for act in script.acts if act.kind == "user_message"]
    assert [act.says_again for act in asked] == [None] + 50 * ["rephrase"] + 50 * [None]
    said = [str(act.data["content"]).lower().rstrip(".") for act in asked]
    assert all(before != after for before, after in pairwise(said))
    script.repeat()
    assert script.acts[-1].data["content"] == asked[-1].data["content"]
    assert script.acts[-1].says_again == "repeat"
