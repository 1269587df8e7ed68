"""The shipped funnel of sales over two real sets, against what the sets themselves know of each conversation."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.warehouse import SHARED_DATA, WarehouseUnderTest

REAL_SETS = ("p4g", "casino")
PURPOSES = "source,agent,purpose\nsales_events,,sales\nevents,human_persuader,sales\nevents,human_negotiator,sales\n"
AGENTS = {"p4g": "human_persuader", "casino": "human_negotiator"}

# What the events show without reading the texts; the truth of the other stages comes from human labels.
SHOWN_BY_EVENTS = {"started", "responded", "deal_closed"}
# No real set sends these events, and the stages have no other signal.
NEVER_SENT = {"meeting_booked", "meeting_attended", "opportunity_created"}


def true_stages(name: str) -> Mapping[str, frozenset[str]]:
    """Read the stages each conversation of the set reached, those the events can show."""
    with gzip.open(SHARED_DATA / name / "truth.jsonl.gz", "rt") as lines:
        truths = [json.loads(line) for line in lines]
    return {truth["conversation_id"]: frozenset(truth["stages_reached"]) & SHOWN_BY_EVENTS for truth in truths}


def starts_and_newest() -> tuple[dict[str, datetime], datetime]:
    """Read when each conversation of the sets started, and when the newest event of all of them happened."""
    started_at: dict[str, datetime] = {}
    newest_at = datetime.min.replace(tzinfo=UTC)
    for name in REAL_SETS:
        with gzip.open(SHARED_DATA / name / "events.jsonl.gz", "rt") as lines:
            for event in map(json.loads, lines):
                at = datetime.fromisoformat(event["timestamp"])
                newest_at = max(newest_at, at)
                started_at[event["conversation_id"]] = min(started_at.get(event["conversation_id"], at), at)
    return started_at, newest_at


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    missing = [name for name in REAL_SETS if not (SHARED_DATA / name / "events.jsonl.gz").exists()]
    if missing:
        pytest.skip(f"the real sets {', '.join(missing)} are not in {SHARED_DATA}; they are not part of the repository")
    built = WarehouseUnderTest(tmp_path_factory.mktemp("real-funnels"), {"purposes.csv": PURPOSES})
    for name in REAL_SETS:
        built.link_real_set(name)
    assert built.land().rejected == 0
    built.build()
    return built


@pytest.mark.parametrize("name", REAL_SETS)
def test_every_conversation_reaches_the_stages_its_truth_says(warehouse: WarehouseUnderTest, name: str) -> None:
    stages = ", ".join(f"'{stage}'" for stage in SHOWN_BY_EVENTS)
    rows = warehouse.rows(
        f"""
        select regexp_extract(conversation_key, '^events:(.*)$', 1) as conversation_id, list(stage)
        from marts.fct_conversation_stages
        where funnel = 'sales' and is_reached and stage in ({stages}) and conversation_key like 'events:{name}-%'
        group by conversation_key
        """
    )
    assert {conversation_id: frozenset(reached) for conversation_id, reached in rows} == true_stages(name)


@pytest.mark.parametrize(
    ("name", "entered", "reached"),
    [
        ("p4g", 489, {"started": 489, "responded": 489, "deal_closed": 264}),
        ("casino", 512, {"started": 512, "responded": 512, "deal_closed": 500}),
    ],
)
def test_the_days_add_up_to_the_published_counts(
    warehouse: WarehouseUnderTest, name: str, entered: int, reached: dict[str, int]
) -> None:
    truth = true_stages(name)
    assert {stage: sum(stage in stages for stages in truth.values()) for stage in reached} == reached
    assert len(truth) == entered
    rows = warehouse.rows(
        f"select stage, sum(entered)::bigint, sum(reached)::bigint from marts.funnel_stages "
        f"where funnel = 'sales' and segment = 'agent={AGENTS[name]}' group by stage"
    )
    assert {entered_at_stage for _, entered_at_stage, _ in rows} == {entered}
    assert {stage: count for stage, _, count in rows if stage in reached} == reached


def test_stages_that_no_event_can_show_are_unknown(warehouse: WarehouseUnderTest) -> None:
    rows = warehouse.rows(
        "select stage, is_measured, reached, reached_in_order, reached_with_previous, rate_of_entered, "
        "step_rate, conversion_rate, median_seconds_from_entry from marts.funnel_stages "
        "where funnel = 'sales'"
    )
    unknown = [row for row in rows if row[0] in NEVER_SENT]
    assert {row[0] for row in unknown} == NEVER_SENT
    assert {row[1:] for row in unknown} == {(False, *[None] * 7)}


def test_nobody_knows_who_qualified(warehouse: WarehouseUnderTest) -> None:
    """No event shows qualified and none has a qualification score: 0 of 489 would be an unfounded number."""
    rows = warehouse.rows(
        "select distinct is_measured, reached from marts.funnel_stages where funnel = 'sales' and stage = 'qualified'"
    )
    assert rows == [(False, None)]


def test_lost_in_progress_and_complete_are_all_who_entered(warehouse: WarehouseUnderTest) -> None:
    rows = warehouse.rows(
        """
        select segment, max_entered, stopped + complete
        from (
            select date, funnel, segment, max(entered) as max_entered, sum(lost) + sum(in_progress) as stopped,
                coalesce(arg_max_null(reached, stage_order), 0) as complete
            from marts.funnel_stages group by date, funnel, segment
        )
        """
    )
    assert {segment for segment, _, _ in rows} >= {"all", "agent=human_persuader"}
    assert [row for row in rows if row[1] != row[2]] == []


def test_those_who_did_not_pay_are_lost_once_the_time_to_pay_is_over(warehouse: WarehouseUnderTest) -> None:
    unpaid = {conversation for conversation, stages in true_stages("p4g").items() if "deal_closed" not in stages}
    started_at, newest_at = starts_and_newest()
    has_time_left = {
        conversation for conversation in unpaid if started_at[conversation] + timedelta(hours=2160) > newest_at
    }
    rows = warehouse.rows(
        "select conversation_key, last_stage, next_stage from marts.funnel_dropoffs "
        "where funnel = 'sales' and conversation_key like 'events:p4g-%'"
    )
    assert has_time_left
    assert {row[0].removeprefix("events:") for row in rows} == unpaid - has_time_left
    assert {row[1:] for row in rows} == {("responded", "deal_closed")}  # no source scores these
