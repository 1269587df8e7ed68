"""Hand-made cases for the guards of incremental runs: each goes red when its guard is taken out."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestration.building.configuration_hash import configuration_hash
from orchestration.building.project import dbt_flags
from orchestration.landing import repair_file
from orchestration.warehouse.build_records import begin_build
from tests.support.bench import Bench, assert_none, bench_in_memory
from tests.support.random_conversations import Line
from tests.support.random_histories import NEAR_FUTURE
from tests.support.warehouse import HASH_KEY, LOAD_INTERVAL, LOADED_AT, WarehouseUnderTest


def _message(event_id: str, conversation: str, timestamp: str) -> dict[str, object]:
    return {
        "event_id": event_id,
        "conversation_id": conversation,
        "event_type": "user_message",
        "timestamp": timestamp,
        "properties": {"content": "hello"},
    }


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[WarehouseUnderTest]:
    # No conversation enters a funnel: the deadlines and days of funnels would recompute the same conversations.
    funnels = (
        "funnel,purpose,source,agent,channel,description\n"
        "support,,,nobody,,Empty\nsales,,,nobody,,Empty\nengagement,,,nobody,,Empty\n"
    )
    one = WarehouseUnderTest(tmp_path, {"funnels.csv": funnels})
    one.write_events(
        [
            _message("1", "moves", "2025-03-10T09:00:00Z"),
            _message("2", "waits", "2025-03-12T10:00:00Z"),
            _message("3", "other", "2025-03-12T10:10:00Z"),
        ]
    )
    one.land()
    one.build()
    yield one


def _conversations_by_day(warehouse: WarehouseUnderTest) -> list[tuple[str, float]]:
    return warehouse.rows(
        "select cast(date as varchar), value from marts.metrics_daily "
        "where metric_name = 'total_conversations' and segment = 'all' order by date"
    )


def test_a_conversation_that_nothing_came_for_closes_when_the_watermark_passes(warehouse: WarehouseUnderTest) -> None:
    outcome = "select outcome from marts.fct_conversations where conversation_id = 'waits'"
    assert warehouse.rows(outcome) == [("in_progress",)]
    warehouse.write_events([_message("4", "other", "2025-03-12T10:30:00Z")])
    warehouse.land()
    warehouse.build()
    # Thirty minutes after its last word, to the second.
    assert warehouse.rows(outcome) == [("abandoned",)]
    assert warehouse.rows(
        "select numerator, denominator from marts.metrics_daily "
        "where metric_name = 'abandonment_rate' and segment = 'all' and date = '2025-03-12'"
    ) == [(1.0, 1.0)]


def test_the_old_day_of_a_moved_conversation_survives_an_interrupted_build(warehouse: WarehouseUnderTest) -> None:
    assert _conversations_by_day(warehouse) == [("2025-03-10", 1.0), ("2025-03-11", 0.0), ("2025-03-12", 2.0)]
    warehouse.write_events([_message("5", "moves", "2025-03-09T09:00:00Z")])
    warehouse.land()
    begin_build(warehouse.home, configuration_hash(warehouse.settings, warehouse.home.dbt_project))
    warehouse.dbt(["run", "--select", "+fct_conversations", *dbt_flags(warehouse.settings)])
    warehouse.build()
    assert _conversations_by_day(warehouse) == [
        ("2025-03-09", 1.0),
        ("2025-03-10", 0.0),
        ("2025-03-11", 0.0),
        ("2025-03-12", 2.0),
    ]


def test_a_stage_shown_for_the_first_time_is_next_for_those_lost_before(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path)
    next_stages = (
        "select conversation_id, last_stage, next_stage from marts.funnel_dropoffs "
        "inner join marts.fct_conversations using (conversation_key) order by conversation_id"
    )
    warehouse.write_events(
        [
            _message("1", "early", "2025-03-10T09:00:00Z"),
            _message("2", "early", "2025-03-10T09:01:00Z") | {"event_type": "agent_message"},
            _message("3", "later", "2025-03-11T09:00:00Z"),
        ]
    )
    warehouse.land()
    warehouse.build()
    # No event shows an identified problem, a proposed or an accepted solution; every conversation is asked for proof.
    assert warehouse.rows(next_stages) == [("early", "greeted", "resolved")]
    warehouse.write_events([_message("4", "later", "2025-03-11T09:01:00Z") | {"event_type": "solution_proposed"}])
    warehouse.land()
    warehouse.build()
    # The early one has no new event, and yet its next stage is now the proposal.
    assert warehouse.rows(next_stages) == [("early", "greeted", "solution_proposed")]


def _exclude(warehouse: WarehouseUnderTest, file: Path) -> None:
    warehouse.loads += 1
    repair_file(
        "exclude",
        warehouse.home.raw_database,
        warehouse.settings.landing,
        file,
        seeds=warehouse.home.seeds,
        hash_key=HASH_KEY,
        stable_after=timedelta(0),
        now=LOADED_AT + warehouse.loads * LOAD_INTERVAL,
        on_progress=lambda _: None,
    )


def test_what_an_operation_takes_out_is_an_example_no_more(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path)
    warehouse.write_events(
        [
            _message("1", "lost", "2025-03-10T09:00:00Z"),
            _message("2", "lost", "2025-03-10T09:01:00Z") | {"event_type": "agent_message"},
            _message("3", "newest", "2025-03-12T09:00:00Z"),
        ]
    )
    files = []
    for name in ("one", "two"):
        proposed = _message(f"{name} 2", name, "2025-03-11T09:01:00Z") | {"event_type": "solution_proposed"}
        files.append(warehouse.write_events([_message(f"{name} 1", name, "2025-03-11T09:00:00Z"), proposed]))
        warehouse.land()
    warehouse.build()
    found = []
    for file in files:
        found += warehouse.rows("select next_stage from marts.funnel_dropoffs where last_stage = 'greeted'")
        _exclude(warehouse, file)
        warehouse.build()
    found += warehouse.rows("select next_stage from marts.funnel_dropoffs where last_stage = 'greeted'")
    # The second conversation is an example as good as the first; without either, no source shows a proposal.
    assert found == [("solution_proposed",), ("solution_proposed",), ("resolved",)]


def test_what_an_operation_takes_out_of_an_earlier_load_is_counted_no_more(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path)
    late = "select measure_value from marts.data_quality where measure_name = 'late_events'"
    warehouse.write_events([_message("0", "newest", "2025-03-12T09:00:00Z")])
    warehouse.land()
    file = warehouse.write_events([_message(number, "a", "2025-03-10T09:00:00Z") for number in ("1", "2")])
    warehouse.write_events([_message("3", "b", "2025-03-10T09:00:00Z")])
    warehouse.land()
    warehouse.build()
    assert warehouse.rows(late) == [(3,)]
    _exclude(warehouse, file)
    warehouse.build()
    assert warehouse.rows(late) == [(1,)]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with bench_in_memory() as one:
        yield one


def _line(source: str, conversation: str, moment: str | datetime, **fields: object) -> Line:
    """Write a line; its id is derived from its content, and only sources that have ids keep it."""
    at = datetime.fromisoformat(f"{moment}+00:00") if isinstance(moment, str) else moment
    identity = f"{conversation} {at.isoformat()} {fields.get('event_type')}"
    names = {"agent_events": ("id", "conversation_id"), "chat_events": ("event_id", "session_id")}
    id_name, key_name = names.get(source, ("event_id", "conversation_id"))
    ids = {} if source == "agentsight_interactions" else {id_name: identity}
    return Line(source, at, {key_name: conversation, "timestamp": at.isoformat(), **ids, **fields})


def _said(source: str, conversation: str, moment: str | datetime, event_type: str, **fields: object) -> Line:
    return _line(source, conversation, moment, event_type=event_type, **fields)


def _shown(conversation: str, moment: str, page: str) -> Line:
    return _line("agentsight_interactions", conversation, moment, metadata={"page_url": f"https://shop.test/{page}"})


Landings = Sequence[Sequence[Line]]
# The last stage of the shipped sales funnel may be reached for 2160 hours.
_WINDOW_ENDS_AT_SECOND_LOAD = LOADED_AT + 2 * LOAD_INTERVAL - timedelta(hours=2160)
RESTATING: dict[str, Landings] = {
    "a source that comes in behind the others opens final days": (
        [
            _said("events", "one", "2025-06-01T10:00", "user_message"),
            _said("events", "two", "2025-06-02T10:00", "user_message"),
            _said("events", "three", "2025-06-03T12:00", "user_message"),
        ],
        [_said("chat_events", "behind", "2025-05-30T10:00", "message_sent")],
    ),
    "a new top page of a day names segments of the day before": (
        [
            _shown("midnight", "2025-06-01T23:58", "a"),
            _line("agentsight_interactions", "midnight", "2025-06-02T00:05", role="user", content="hello"),
            _shown("later", "2025-06-03T00:05", "a"),
        ],
        [_shown(f"another{number}", f"2025-06-02T10:0{number}", "b") for number in range(3)],
    ),
    "a window ends before an explicit end that is dated ahead": (
        [
            _said("events", "ended", _WINDOW_ENDS_AT_SECOND_LOAD, "user_message", agent="sales_bot"),
            _said("events", "ended", NEAR_FUTURE, "conversation_ended"),
            _said("events", "other", "2025-11-01T10:00", "user_message", agent="sales_bot"),
        ],
        [_said("events", "new", "2025-11-01T11:00", "user_message", agent="sales_bot")],
    ),
    "the only conversation that showed a stage turns out to be another source's": (
        [
            _said("agent_events", "shared", "2025-06-01T10:00", "started"),
            _said("agent_events", "shared", "2025-06-01T10:01", "solution_proposed"),
            _said("agent_events", "alone", "2025-06-05T10:00", "started"),
            _said("events", "measured", "2025-06-20T10:00", "user_message"),
            _said("events", "measured", "2025-06-20T10:01", "solution_proposed"),
        ],
        [_said("events", "shared", "2025-06-01T09:00", "user_message")],
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("case", RESTATING)
def test_days_without_a_changed_conversation_are_stated_again(bench: Bench, case: str) -> None:
    first, second = RESTATING[case]
    bench.clear()
    bench.land(first, random.Random(0))  # noqa: S311 - reproducible, not secret
    bench.build()
    before = bench.full_refresh().rename(bench.folder / "before.duckdb")
    bench.land(second, random.Random(0))  # noqa: S311 - reproducible, not secret
    bench.build()
    after = bench.full_refresh()
    assert bench.differences(before, after), "the case changes nothing: it proves nothing"
    assert_none(bench.differences(bench.warehouse.home.build_database, after), case)
