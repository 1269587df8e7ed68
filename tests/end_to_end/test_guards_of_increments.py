"""Hand-made cases for the guards of incremental runs: each goes red when its guard is taken out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.building.project import dbt_flags
from orchestration.building.state import begin_build, configuration_hash
from tests.support.warehouse import WarehouseUnderTest


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
    # Nobody enters a funnel: its own deadlines and days would restate the same conversations.
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
