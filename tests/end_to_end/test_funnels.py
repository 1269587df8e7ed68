"""Thousands of random conversations through ten funnels in one build, row by row against an exhaustive search."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.funnel_reference import (
    Event,
    Funnel,
    Passage,
    Signal,
    Stage,
    assemble,
    is_measured,
    loss_reason,
    pass_through,
    stage_counts,
    watermarks,
)
from tests.support.warehouse import WarehouseUnderTest

TIMEZONE = "America/New_York"  # its clocks go back on the second of November, amid the conversations
NEWEST = datetime(2025, 11, 6, 12, tzinfo=UTC)
NEWEST_OF_SOURCE = {"events": NEWEST, "chat_events": NEWEST - timedelta(hours=30)}
CONVERSATION_COUNT = 3200

PURPOSES = {("events", "gamma"): "sales", ("chat_events", ""): "sales", ("chat_events", "alpha"): "support"}

# Steps on a grid, so that ties and windows met to the second are common.
PAUSES = [
    *[timedelta(0)] * 5,
    *[timedelta(seconds=20)] * 4,
    *[timedelta(seconds=61.5)] * 2,
    *[timedelta(minutes=30)] * 4,
    *[timedelta(hours=1)] * 3,
    *[timedelta(hours=23)] * 2,
    timedelta(hours=24),
]
EVENT_WEIGHTS = {
    **dict.fromkeys(["step_a", "step_b", "step_c"], 8),
    **dict.fromkeys(["step_d", "step_e", "step_f"], 5),
    **dict.fromkeys(["user_message", "agent_message"], 10),
    **dict.fromkeys(["conversation_started", "interaction_initialized"], 2),
    **dict.fromkeys(["experiment_exposure", "button_clicked", "feedback_received", "fallback_triggered"], 1),
    **dict.fromkeys(["conversation_abandoned", "conversation_ended"], 1),
    **dict.fromkeys(["handoff_requested", "handoff_connected"], 0.4),
    "tool_called": 3,
}


def funnel(name: str, stages: Iterable[tuple[str, int | None]], **filters: str) -> Funnel:
    """Build a funnel of stages (signals, within_hours): `|` between signals, `@` before a fact, `>=` for its least."""

    def signal(text: str) -> Signal:
        fact, _, minimum = text.removeprefix("@").partition(">=")
        return Signal("fact" if text[0] == "@" else "event", fact, float(minimum) if minimum else None)

    return Funnel(
        name,
        tuple(
            Stage(order, f"stage_{order}", tuple(signal(text) for text in signals.split("|")), within_hours)
            for order, (signals, within_hours) in enumerate(stages, 1)
        ),
        {dimension: tuple(values.split("|")) for dimension, values in filters.items()},
    )


FUNNELS = [
    funnel("pair", [("step_a", None), ("step_b", None)]),
    funnel("windows", [("step_a", None), ("step_b", 1), ("step_c", 2)]),
    funnel(
        "six",
        [
            ("step_a", None),
            ("step_b|step_c", 24),
            ("step_c", None),
            ("step_d", 48),
            ("step_e|step_f", 30),
            ("@engaged_at|step_f", 72),
        ],
    ),
    funnel("again", [("step_a|step_b", None), ("step_a|step_c", 1), ("step_b|step_d", 24), ("step_b", 24)]),
    funnel(
        "facts",
        [
            ("@started_at", None),
            ("@first_user_message_at", 1),
            ("@first_agent_message_at|step_c", None),
            ("@qualification_score>=0.6|step_d", 24),
            ("step_e", 48),
        ],
    ),
    funnel("agents", [("@first_user_message_at", None), ("@first_agent_message_at", None)], agent="alpha|beta"),
    funnel(
        "weeks",
        [("@started_at", None), ("step_a", 24), ("step_b", 2160), ("step_c", 48)],
        purpose="sales",
        channel="web|voice",
    ),
    funnel(
        "chat",
        [("step_a", 1), ("only_chat", 48), ("never_sent", None)],
        source="chat_events",
        purpose="sales|support",
    ),
    funnel(
        "unseen",
        [("step_a", None), ("only_chat", None), ("step_b", 48), ("never_sent|never_heard", 96)],
        source="events|chat_events",
    ),
    funnel("engagement", [("@initialised_at", None), ("@engaged_at", None)]),
]


def seed_files() -> dict[str, str]:
    """Write the configuration down as the seed files that take the place of the shipped ones."""
    funnels = ["funnel,purpose,source,agent,channel,description"]
    stages = ["funnel,stage_order,stage,signal_kind,signal,minimum_value,within_hours,description"]
    for one in FUNNELS:
        filters = ["|".join(one.filters.get(name, ())) for name in ("purpose", "source", "agent", "channel")]
        funnels.append(",".join([one.name, *filters, "a funnel"]))
        for stage in one.stages:
            window = "" if stage.within_hours is None else stage.within_hours
            for signal in stage.signals:
                least = "" if signal.minimum is None else signal.minimum
                row = [one.name, stage.order, stage.name, signal.kind, signal.name, least, window, "a stage"]
                stages.append(",".join(map(str, row)))
    purposes = ["source,agent,purpose", *(f"{source},{agent},{to}" for (source, agent), to in PURPOSES.items())]
    return {
        name: "\n".join(lines) + "\n"
        for name, lines in (("funnels.csv", funnels), ("funnel_stages.csv", stages), ("purposes.csv", purposes))
    }


def properties_of(chance: random.Random, event_id: str, event_type: str) -> dict[str, Any]:
    if event_type == "user_message":
        scored = {"qualification_score": chance.choice([0.3, 0.59, 0.6, 0.9])} if chance.random() < 0.4 else {}
        return {"role": "user", "content": f"question {event_id}", **scored}
    properties: dict[str, dict[str, Any]] = {
        "agent_message": {"role": "agent", "content": "answer"},
        "tool_called": {"tool_name": "look_up", "is_error": chance.random() < 0.2},
        "experiment_exposure": {"experiment_id": "colour", "variant": "red"},
        "feedback_received": {"rating": 5},
    }
    return properties.get(event_type, {})


def random_events(chance: random.Random, source: str) -> list[Event]:
    """Draw one conversation, in the order of its timestamps, which need not be that of its seq or event ids."""
    weights = EVENT_WEIGHTS | ({"only_chat": 8} if source == "chat_events" else {})
    numbering = chance.choice(["none", "all", "some"])
    environment = "development" if chance.random() < 0.04 else None
    newest = NEWEST_OF_SOURCE[source]
    at = newest - timedelta(minutes=30) * chance.randint(0, 2 * 24 * 6)
    events = []
    for number in range(chance.choice([1, 4, 6, 7, 8, 9, 10, 11])):
        at = at if number == 0 else min(at + chance.choice(PAUSES), newest)
        event_id = f"{chance.getrandbits(64):016x}"
        event_type = chance.choices(list(weights), list(weights.values()))[0]
        is_numbered = numbering == "all" or (numbering == "some" and chance.random() < 0.5)
        dimensions = {
            "agent": chance.choice(["alpha", "beta", "gamma", None, None]),
            "channel": chance.choice(["web", "sms", "voice", None]),
            "environment": environment,
        }
        seq = chance.randint(0, 9) if is_numbered else None
        events.append(Event(event_id, event_type, at, seq, dimensions, properties_of(chance, event_id, event_type)))
    return events


def landed_line(source: str, conversation_id: str, event: Event) -> dict[str, Any]:
    line = {
        "event_id": event.event_id,
        "session_id" if source == "chat_events" else "conversation_id": conversation_id,
        "event_type": event.event_type,
        "timestamp": event.at.isoformat(),
        "properties": dict(event.properties) | ({} if event.seq is None else {"seq": event.seq}),
    }
    return line | {name: value for name, value in event.dimensions.items() if value}


@dataclass(frozen=True)
class Built:
    """The warehouse, and the result of the exhaustive search over the same conversations."""

    warehouse: WarehouseUnderTest
    passages: tuple[Passage, ...]
    signals_sent: Mapping[str, frozenset[str]]

    def segments(self, passage: Passage) -> list[str]:
        dimensions = passage.conversation.dimensions
        return ["all", *(f"{name}={dimensions[name] or '(none)'}" for name in ("channel", "agent", "source"))]

    def entry_date(self, passage: Passage) -> date:
        return passage.entered_at.astimezone(ZoneInfo(TIMEZONE)).date()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    chance = random.Random(20251106)  # noqa: S311
    warehouse = WarehouseUnderTest(tmp_path_factory.mktemp("funnels"), seed_files(), timezone=TIMEZONE)
    conversations = []
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number in range(CONVERSATION_COUNT):
        source = "chat_events" if number % 5 == 0 else "events"
        events = random_events(chance, source)
        if number < 2:
            events.append(
                Event(f"newest-{number}", "step_a", NEWEST_OF_SOURCE[source], dimensions=events[0].dimensions)
            )
        conversations.append(assemble(source, f"c{number}", events, PURPOSES))
        lines[source] += [landed_line(source, f"c{number}", event) for event in events]
    for source, landed in lines.items():
        warehouse.write_events(landed, source)
    assert warehouse.land().rejected == 0
    warehouse.build()
    up_to = watermarks(NEWEST_OF_SOURCE)
    sent: dict[str, set[str]] = defaultdict(set)
    for one in conversations:
        for event in one.events:
            sent[str(one.dimensions["source"])] |= {event.event_type, *event.properties}
    passed = (
        pass_through(funnel, one, up_to[str(one.dimensions["source"])])
        for one in conversations
        if one.dimensions["environment"] == "production"
        for funnel in FUNNELS
    )
    return Built(
        warehouse,
        tuple(passage for passage in passed if passage is not None),
        {source: frozenset(types) for source, types in sent.items()},
    )


def assert_same_rows(found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> None:
    """Fail with the first rows that differ: two whole large dicts would be unreadable."""
    differing = sorted((key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)), key=str)
    shown = [f"{key}: found {found.get(key)}, expected {expected.get(key)}" for key in differing[:5]]
    assert not differing, f"{len(differing)} of {len(expected)} rows differ:\n" + "\n".join(shown)


def test_the_conversations_are_worth_the_search(built: Built) -> None:
    kinds = {
        "in progress": sum(passage.is_in_progress for passage in built.passages),
        "lost": sum(passage.is_lost for passage in built.passages),
        "complete": sum(passage.is_last_reached for passage in built.passages),
        "skipped": sum(len(passage.reached) < passage.furthest for passage in built.passages),
        "not in order": sum(set(passage.reached) > set(passage.in_order) for passage in built.passages),
        "in order too late": sum(not set(passage.in_order) <= set(passage.reached) for passage in built.passages),
        "re-entered": sum(
            len(passage.in_order) > 1 and passage.in_order[2].event.at > passage.entered_at + timedelta(days=1)
            for passage in built.passages
        ),
    }
    assert min(kinds.values()) >= 100, kinds


def test_entries_are_placed_as_the_search_places_them(built: Built) -> None:
    found = built.warehouse.rows(
        "select conversation_key, funnel, entered_at, entry_date, furthest_stage_order, is_last_reached, "
        "is_in_progress from intermediate.int_funnel_entries_placed"
    )
    expected = {
        (passage.conversation.key, passage.funnel.name): (
            passage.entered_at.replace(tzinfo=None),
            built.entry_date(passage),
            passage.furthest,
            passage.is_last_reached,
            passage.is_in_progress,
        )
        for passage in built.passages
    }
    assert len(found) == len(expected)
    assert_same_rows({row[:2]: row[2:] for row in found}, expected)


def test_stages_are_reached_as_the_search_reaches_them(built: Built) -> None:
    found = built.warehouse.rows(
        "select conversation_key, funnel, stage_order, is_reached, is_in_order, reached_at, evidence_event_id, "
        "evidence_kind, stage from marts.fct_conversation_stages"
    )
    expected = {}
    for passage in built.passages:
        for order in passage.reached.keys() | passage.in_order.keys():
            shown_by = passage.reached.get(order) or passage.in_order[order]
            expected[passage.conversation.key, passage.funnel.name, order] = (
                order in passage.reached,
                order in passage.in_order,
                shown_by.event.at.replace(tzinfo=None),
                shown_by.event.event_id,
                shown_by.kind,
                f"stage_{order}",
            )
    assert len(found) == len(expected)
    assert_same_rows({row[:3]: row[3:] for row in found}, expected)


def counted_stages(built: Built) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Yield each row of funnel_stages as (key, counts), from the passages."""
    groups: dict[tuple[date, str, str], list[Passage]] = defaultdict(list)
    for passage in built.passages:
        for segment in built.segments(passage):
            groups[built.entry_date(passage), passage.funnel.name, segment].append(passage)
    for key, passages in groups.items():
        for stage in passages[0].funnel.stages:
            yield (*key, stage.order), stage_counts(stage, passages, built.signals_sent)


def test_stages_are_counted_as_the_passages_add_up(built: Built) -> None:
    found = built.warehouse.rows(
        "select date, funnel, segment, stage_order, entered, in_progress, lost, is_measured, reached, "
        "reached_in_order, reached_or_later, reached_with_previous, median_seconds_from_entry, "
        "median_seconds_from_previous from marts.funnel_stages "
        "where segment_type in ('all', 'channel', 'agent', 'source')"
    )
    expected = dict(counted_stages(built))
    assert len(found) == len(expected)
    assert_same_rows({row[:4]: row[4:] for row in found}, expected)


def test_lost_in_progress_and_complete_are_all_who_entered(built: Built) -> None:
    unequal = built.warehouse.rows(
        """
        select date, funnel, segment, min(entered), max(entered), sum(lost) + sum(in_progress) as stopped,
            coalesce(arg_max_null(reached, stage_order), 0) as complete
        from marts.funnel_stages
        group by date, funnel, segment
        having min(entered) <> max(entered) or stopped + complete <> min(entered)
        """
    )
    assert unequal == []


def test_rates_are_those_of_the_counts_and_never_zero_for_the_unseen(built: Built) -> None:
    rows = built.warehouse.rows(
        "select is_measured, reached, reached_or_later, reached_with_previous, previous_reached, entered_measured, "
        "entered, rate_of_entered, step_rate, reached_or_later_rate, conversion_rate from marts.funnel_stages"
    )
    assert {row[0] for row in rows} == {True, False}
    for seen, reached, later, stepped, previous, measured, entered, *rates in rows:
        if not seen:
            assert [reached, later, stepped, *rates] == [None] * 7
            continue
        expected = [reached / measured, stepped / previous if previous else None]
        expected += [later / entered, reached / previous if previous else None]
        assert rates == pytest.approx(expected)


def test_the_bar_of_the_lost_is_the_list_behind_it(built: Built) -> None:
    found = built.warehouse.rows(
        "select conversation_key, funnel, entry_date, last_stage, next_stage, last_turn_number, last_customer_message, "
        "reason from marts.funnel_dropoffs"
    )
    expected = {}
    for passage in built.passages:
        if passage.is_lost:
            asked = [event for event in passage.conversation.events if event.event_type == "user_message"]
            expected[passage.conversation.key, passage.funnel.name] = (
                built.entry_date(passage),
                f"stage_{passage.furthest}",
                next_stage(passage, built.signals_sent),
                len(asked),
                asked[-1].properties["content"] if asked else None,
                loss_reason(passage.conversation),
            )
    assert {row[5] for row in expected.values()} == {
        "handoff", "tool_error", "fallback", "no_answer", "slow_response", "unknown",
    }  # fmt: skip
    # Some stages are skipped because no source can show them, and some conversations have none left.
    assert {(row[1], row[2]) for row in expected.values()} >= {("stage_1", "stage_3"), ("stage_2", None)}
    assert len(found) == len(expected)
    assert_same_rows({row[:2]: row[2:] for row in found}, expected)


def next_stage(passage: Passage, signals_sent: Mapping[str, frozenset[str]]) -> str | None:
    """Return the next stage that the source of a conversation can show at all, null when there is none."""
    sent = signals_sent[str(passage.conversation.dimensions["source"])]
    later = [stage for stage in passage.funnel.stages if stage.order > passage.furthest]
    return next((stage.name for stage in later if is_measured(stage, sent)), None)


@pytest.mark.parametrize("segment", ["all", "channel=web"])
def test_drop_off_by_turn_counts_everyone_who_got_there(built: Built, segment: str) -> None:
    rows = built.warehouse.rows(
        "select conversation_date, channel, user_message_count, outcome = 'abandoned' from marts.fct_conversations "
        "where is_engaged and is_closed"
    )
    ended = [row for row in rows if segment == "all" or row[1] == "web"]
    expected = {}
    for day in {row[0] for row in ended}:
        of_day = [(turns, is_abandoned) for date_, _, turns, is_abandoned in ended if date_ == day]
        for turn in range(max(turns for turns, _ in of_day) + 1):
            reached = sum(turns >= turn for turns, _ in of_day)
            abandoned = sum(is_abandoned for turns, is_abandoned in of_day if turns == turn)
            expected[day, turn] = (reached, abandoned, abandoned / reached)
    found = built.warehouse.rows(
        f"select date, turn, reached, abandoned, hazard from marts.dropoff_by_turn where segment = '{segment}'"
    )
    assert len(found) == len(expected)
    assert_same_rows({row[:2]: row[2:] for row in found}, expected)


def test_what_an_llm_may_be_asked_about_is_closed_as_the_marts_close_it(built: Built) -> None:
    """The rule is written twice: int_conversations needs labels, the candidates of the LLM are known before them."""
    closed_by_the_marts = """
        select conversation_key from marts.fct_conversations
        where is_closed and purpose = 'support' and conversation_key in (
            select conversation_key from intermediate.int_events where is_interaction
        ) and conversation_key not in (
            select conversation_key from intermediate.int_events
            where event_type = 'conversion'
                or (event_type = 'feedback_received' and feedback_question_kind = 'solved' and rating is not null)
        ) order by 1"""
    askable = built.warehouse.rows(
        "select conversation_key from intermediate.int_conversations_undetermined order by 1"
    )
    assert askable == built.warehouse.rows(closed_by_the_marts)
    everybody = built.warehouse.rows("select count(*) from marts.fct_conversations where purpose = 'support'")[0][0]
    # Some are open, some are sales, and enough are neither.
    assert 100 < len(askable) < everybody
