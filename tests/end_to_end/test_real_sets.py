"""Five real sets through landing and models in one warehouse, against numbers read straight from the files."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from scipy import stats  # type: ignore[import-untyped]

from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import SHARED_DATA, WarehouseUnderTest

# Whole sets take a while; funnels over two of them are in the default suite.
pytestmark = pytest.mark.full

REAL_SETS = ("star", "sgd", "tau", "p4g", "casino")
PURPOSES = "source,agent,purpose\nsales_events,,sales\nevents,human_persuader,sales\nevents,human_negotiator,sales\n"
MESSAGES = ("message_sent", "agent_response")
INTERACTIONS = (*MESSAGES, "tool_called", "button_clicked")
IDLE = timedelta(minutes=30)


@dataclass(frozen=True)
class RealEvent:
    """One line of a set, as its own file has it."""

    at: datetime
    seq: int
    event_id: str
    event_type: str
    properties: dict[str, Any]


Conversation = list[RealEvent]


def read_set(name: str) -> dict[str, Conversation]:
    """Read the conversations of a set, the events of each in order."""
    conversations: dict[str, Conversation] = defaultdict(list)
    with gzip.open(SHARED_DATA / name / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            properties = line["properties"]
            event = RealEvent(
                datetime.fromisoformat(line["timestamp"]).replace(tzinfo=None),
                properties["seq"],
                line["event_id"],
                line["event_type"],
                properties,
            )
            conversations[line["conversation_id"]].append(event)
    for events in conversations.values():
        events.sort(key=lambda event: (event.at, event.seq, event.event_id))
    return dict(conversations)


def require_sets(*names: str) -> None:
    """Skip the test when a real set is not next to the repository."""
    missing = [name for name in names if not (SHARED_DATA / name / "events.jsonl.gz").exists()]
    if missing:
        pytest.skip(f"the real sets {', '.join(missing)} are not in {SHARED_DATA}; they are not part of the repository")


@pytest.fixture(scope="module")
def real_sets() -> dict[str, dict[str, Conversation]]:
    require_sets(*REAL_SETS)
    return {name: read_set(name) for name in REAL_SETS}


@pytest.fixture(scope="module")
def warehouse(
    real_sets: dict[str, dict[str, Conversation]], tmp_path_factory: pytest.TempPathFactory
) -> WarehouseUnderTest:
    # The sets name phone numbers of invented places; the comparison uses the original texts.
    folder = tmp_path_factory.mktemp("real-sets")
    sources = (PROJECT_DIR / "seeds" / "sources.csv").read_text()
    # The negotiators rate how satisfied they are; no other set has stars.
    asked = sources.replace("events,events,production,other", "events,events,production,satisfaction", 1)
    assert asked != sources
    overrides = {"purposes.csv": PURPOSES, "sources.csv": asked}
    built = WarehouseUnderTest(folder, overrides, publish_raw_text=True)
    for name in real_sets:
        built.link_real_set(name)
    built.land()
    built.build()
    return built


@pytest.fixture(scope="module")
def conversations(real_sets: dict[str, dict[str, Conversation]]) -> dict[str, Conversation]:
    return {key: events for one in real_sets.values() for key, events in one.items()}


def of_types(events: Conversation, *types: str) -> Conversation:
    """Return the events of some types, in order."""
    return [event for event in events if event.event_type in types]


def milliseconds(earlier: datetime, later: datetime) -> int:
    """Return whole milliseconds; the sets have no finer ones."""
    return (later - earlier) // timedelta(milliseconds=1)


def by_conversation(warehouse: WarehouseUnderTest, columns: str) -> dict[str, tuple[Any, ...]]:
    """Return the columns of fct_conversations by conversation_id."""
    rows = warehouse.rows(f"select conversation_id, {columns} from marts.fct_conversations")
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def assert_same(found: dict[str, tuple[Any, ...]], expected: dict[str, tuple[Any, ...]]) -> None:
    """Compare all conversations and name the first that differ."""
    assert set(found) == set(expected)
    wrong = [(key, found[key], expected[key]) for key in sorted(expected) if found[key] != expected[key]]
    assert not wrong, f"{len(wrong)} differ, (conversation, found, expected): {wrong[:5]}"


def test_lines_are_accepted_rejected_or_duplicates(
    warehouse: WarehouseUnderTest, real_sets: dict[str, dict[str, Conversation]]
) -> None:
    files = warehouse.rows("select file, lines, accepted, rejected, duplicates from raw.raw.loaded_files")
    lengths = {f"events/{name}.jsonl.gz": sum(map(len, one.values())) for name, one in real_sets.items()}
    assert {file: lines for file, lines, *_ in files} == lengths
    assert all(lines == accepted + rejected + duplicates for _, lines, accepted, rejected, duplicates in files)
    assert sum(accepted for _, _, accepted, _, _ in files) == sum(lengths.values())


def test_published_totals(warehouse: WarehouseUnderTest) -> None:
    """The figures that the sets' own descriptions state."""
    rows = warehouse.rows(
        """
        select
            regexp_extract(conversation_id, '^[a-z0-9]*[a-z]') as name, count(*),
            sum(user_message_count), sum(agent_message_count),
            sum(tool_call_count), sum(tool_error_count), sum(fallback_count), sum(conversion_count),
            count(case when conversion_count > 0 then 1 end), count(handoff_requested_at), count(csat)
        from marts.fct_conversations
        group by name order by name
        """
    )
    assert {name: counts for name, *counts in rows} == {
        "star": [2164, 13146, 13043, 4828, 173, 198, 0, 0, 0, 0],
        "sgd": [4038, 36496, 36496, 11106, 0, 0, 0, 0, 0, 0],
        "tau": [184, 1069, 1038, 1333, 54, 0, 0, 0, 40, 0],
        "p4g": [489, 4961, 5099, 0, 0, 0, 264, 264, 0, 0],
        "casino": [512, 2967, 2979, 0, 0, 0, 500, 500, 0, 512],
    }


def test_counts_of_every_conversation(warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]) -> None:
    found = by_conversation(
        warehouse,
        "user_message_count, agent_message_count, tool_call_count, tool_error_count, fallback_count, conversion_count",
    )
    expected = {
        key: (
            *(len(of_types(events, name)) for name in ("message_sent", "agent_response", "tool_called")),
            sum(event.properties.get("is_error") is True for event in of_types(events, "tool_called")),
            *(len(of_types(events, name)) for name in ("fallback_triggered", "conversion")),
        )
        for key, events in conversations.items()
    }
    assert_same(found, expected)


def turns_of(events: Conversation) -> Iterator[tuple[str, int]]:
    """Yield each message and the number of customer messages up to it."""
    turn = 0
    for event in of_types(events, *MESSAGES):
        turn += event.event_type == "message_sent"
        yield event.event_id, turn


def test_every_message_has_its_turn_role_and_text(
    warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]
) -> None:
    roles = {"message_sent": "customer", "agent_response": "agent"}
    texts = {
        event.event_id: (roles[event.event_type], event.properties["content"])
        for events in conversations.values()
        for event in of_types(events, *MESSAGES)
    }
    turns = {event_id: turn for events in conversations.values() for event_id, turn in turns_of(events)}
    found = warehouse.rows("select event_id, turn_number, sender_role, content from marts.fct_messages")
    assert_same(
        {event_id: tuple(others) for event_id, *others in found},
        {event_id: (turn, *texts[event_id]) for event_id, turn in turns.items()},
    )


def durations_of(events: Conversation) -> tuple[Any, ...]:
    """Return start, last interaction, session and handle time (ms), and time to the first answer (ms) or None."""
    interactions, messages = of_types(events, *INTERACTIONS), of_types(events, *MESSAGES)
    started_at = of_types(events, "session_start", *INTERACTIONS)[0].at
    asked = next((place for place, event in enumerate(messages) if event.event_type == "message_sent"), None)
    answers = [] if asked is None else of_types(messages[asked:], "agent_response")
    return (
        started_at,
        interactions[-1].at if interactions else None,
        milliseconds(interactions[0].at, interactions[-1].at) if interactions else None,
        milliseconds(messages[0].at, messages[-1].at) if messages else None,
        milliseconds(messages[asked].at, answers[0].at) if asked is not None and answers else None,
    )


def test_durations_and_first_responses(warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]) -> None:
    found = by_conversation(
        warehouse,
        "started_at, last_interaction_at, cast(round(session_seconds * 1000) as bigint), "
        "cast(round(handle_seconds * 1000) as bigint), first_response_ms",
    )
    assert_same(found, {key: durations_of(events) for key, events in conversations.items()})


def standing_end(events: Conversation) -> RealEvent | None:
    """Return the first session_end that no interaction comes after."""
    places = [place for place, event in enumerate(events) if event.event_type in INTERACTIONS]
    after_last = events[places[-1] + 1 :] if places else events
    return next(iter(of_types(after_last, "session_end")), None)


def is_engaged(events: Conversation) -> bool:
    """Tell whether the customer wrote or pressed a button."""
    return any(
        event.event_type == "message_sent"
        or (event.event_type == "button_clicked" and event.properties.get("actor") != "agent")
        for event in events
    )


def outcome_of(events: Conversation, watermark: datetime) -> tuple[str, str]:
    """Return outcome and reason by the document's table; nothing in these sets claims or denies a solution."""
    end = standing_end(events)
    activities = of_types(events, "session_start", *INTERACTIONS)
    if end is None and activities[-1].at + IDLE > watermark:
        return "in_progress", "not_closed"
    if not is_engaged(events):
        return "not_engaged", "no_engagement"
    if of_types(events, "handoff_requested"):
        return "escalated", "handoff_requested"
    if of_types(events, "conversion"):
        return "resolved_confirmed", "goal_conversion"
    return ("abandoned", "idle_timeout") if end is None else ("ended_unresolved", "explicit_end")


def newest(conversations: dict[str, Conversation]) -> datetime:
    """Return the moment of the newest event: up to it the one namespace is complete."""
    return max(event.at for events in conversations.values() for event in events)


def test_outcomes(warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]) -> None:
    watermark = newest(conversations)
    expected = {key: outcome_of(events, watermark) for key, events in conversations.items()}
    assert_same(by_conversation(warehouse, "outcome, outcome_reason"), expected)
    # Every class these sets can show occurs, so that the comparison above covers each.
    assert {outcome for outcome, _ in expected.values()} >= {
        "escalated",
        "resolved_confirmed",
        "abandoned",
        "ended_unresolved",
    }


def test_ends(warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]) -> None:
    watermark = newest(conversations)

    def end_of(events: Conversation) -> tuple[datetime | None, bool]:
        end, interactions = standing_end(events), of_types(events, *INTERACTIONS)
        is_closed = outcome_of(events, watermark)[0] != "in_progress"
        last_interaction_at = interactions[-1].at if interactions else None
        return (end.at if end else last_interaction_at if is_closed else None), is_closed

    expected = {key: end_of(events) for key, events in conversations.items()}
    assert_same(by_conversation(warehouse, "ended_at, is_closed"), expected)


def test_ratings(warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]) -> None:
    def rating_of(events: Sequence[RealEvent]) -> tuple[float | None, float | None]:
        answers = of_types(list(events), "feedback_received")
        if not answers:
            return None, None
        number = float(answers[-1].properties["rating"])
        is_stars = answers[-1].properties["rating_type"] == "stars_1_5"
        return ((number - 1) / 4, number) if is_stars else (number, None)

    expected = {key: rating_of(events) for key, events in conversations.items()}
    assert_same(by_conversation(warehouse, "rating, csat"), expected)
    assert {csat for _, csat in expected.values()} == {None, 1.0, 2.0, 3.0, 4.0, 5.0}


def test_sales_and_support_are_told_apart(warehouse: WarehouseUnderTest) -> None:
    rows = warehouse.rows("select purpose, count(*) from marts.fct_conversations group by purpose order by purpose")
    assert rows == [("sales", 489 + 512), ("support", 2164 + 4038 + 184)]


def test_days_add_up_to_the_conversations(
    warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]
) -> None:
    per_day: dict[Any, int] = defaultdict(int)
    for events in conversations.values():
        per_day[durations_of(events)[0].date()] += 1
    rows = warehouse.rows(
        "select date, value from marts.metrics_daily "
        "where metric_name = 'total_conversations' and segment = 'all' and value > 0"
    )
    assert dict(rows) == per_day


def read_truth(name: str) -> dict[str, dict[str, Any]]:
    """Read what a set states of each of its conversations in addition to the events."""
    with gzip.open(SHARED_DATA / name / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        return {truth["conversation_id"]: truth for truth in map(json.loads, lines)}


def of_all_days(warehouse: WarehouseUnderTest, metric: str, agents: str) -> tuple[float, float]:
    """Return numerator and denominator of a metric, added over all days and the agents whose names are like this."""
    query = (
        "select cast(sum(numerator) as double), cast(sum(denominator) as double) from marts.metrics_daily "
        f"where metric_name = '{metric}' and segment like 'agent={agents}'"
    )
    return warehouse.rows(query)[0]


def test_negotiators_are_as_satisfied_as_they_said(warehouse: WarehouseUnderTest) -> None:
    said = {key: truth["satisfaction"] for key, truth in read_truth("casino").items()}
    found = by_conversation(warehouse, "csat")
    assert {key: found[key] for key in said} == {key: (stars,) for key, stars in said.items()}
    assert of_all_days(warehouse, "avg_csat", "human_negotiator") == (sum(said.values()), 512)
    # No other set has stars.
    assert of_all_days(warehouse, "avg_csat", "%") == (sum(said.values()), 512)


def test_more_than_half_of_the_persuaded_donate(warehouse: WarehouseUnderTest) -> None:
    donated = {key for key, truth in read_truth("p4g").items() if truth["donation_usd"] > 0}
    found = by_conversation(warehouse, "conversion_count > 0")
    assert {key for key, (has_converted,) in found.items() if has_converted and key.startswith("p4g")} == donated
    for metric in ("conversion_rate", "overall_conversion_rate"):
        assert of_all_days(warehouse, metric, "human_persuader") == (264, 489)
    days = warehouse.rows(
        "select cast(numerator as int), cast(denominator as int), value, ci_low, ci_high from marts.metrics_daily "
        "where metric_name = 'conversion_rate' and segment = 'agent=human_persuader'"
    )
    assert len(days) > 20
    for converted, closed, *measured in days:
        interval = stats.binomtest(converted, closed).proportion_ci(method="wilson")
        assert measured == pytest.approx([converted / closed, interval.low, interval.high])


def test_feedback_is_counted_where_there_was_something_to_judge(
    warehouse: WarehouseUnderTest, real_sets: dict[str, dict[str, Conversation]]
) -> None:
    asked = [
        events for events in real_sets["star"].values() if is_engaged(events) and len(of_types(events, *MESSAGES)) > 3
    ]
    answered = [events for events in asked if of_types(events, "feedback_received")]
    found = of_all_days(warehouse, "feedback_response_rate", "star%")
    assert found == (len(answered), len(asked))
    assert 0 < len(answered) < len(asked)


def test_who_leaves_is_who_left(warehouse: WarehouseUnderTest, conversations: dict[str, Conversation]) -> None:
    """A side that disconnects ends nothing, but for one conversation that was closed all the same."""
    left = {key for key, truth in read_truth("star").items() if truth["outcome"] == "abandoned"}
    outcomes = {key: outcome for key, (outcome,) in by_conversation(warehouse, "outcome").items() if key in left}
    assert Counter(outcomes.values()) == {"abandoned": 129, "not_engaged": 130, "ended_unresolved": 1}
    everybody = by_conversation(warehouse, "outcome")
    abandoned = {key for key, (outcome,) in everybody.items() if outcome == "abandoned" and key.startswith("star-")}
    assert abandoned <= left
    closed = [key for key in everybody if key.startswith("star-") and is_engaged(conversations[key])]
    assert of_all_days(warehouse, "abandonment_rate", "star%") == (len(abandoned), len(closed))


def test_stages_of_support_are_those_that_events_can_show(warehouse: WarehouseUnderTest) -> None:
    """No source sends the other stages, and no text is labelled here: they are unknown, not 0."""
    shown = {"initiated", "greeted"}
    expected = {key: shown.intersection(truth["stages_reached"]) for key, truth in read_truth("star").items()}
    reached: dict[str, set[str]] = defaultdict(set)
    for key, stage in warehouse.rows(
        "select replace(conversation_key, 'events:', ''), stage from marts.fct_conversation_stages "
        "where funnel = 'support' and is_reached and conversation_key like 'events:star-%'"
    ):
        reached[key].add(stage)
    assert reached == expected
    rows = warehouse.rows(
        "select stage, sum(entered)::bigint, sum(reached)::bigint, bool_or(is_measured) from marts.funnel_stages "
        "where funnel = 'support' and segment like 'agent=star%' group by stage, stage_order order by stage_order"
    )
    unknown = [("problem_identified", 2164, None, False), ("solution_proposed", 2164, None, False)]
    assert rows[:4] == [("initiated", 2164, 2164, True), ("greeted", 2164, 1959, True), *unknown]
