"""A final value that changes keeps being final, and what readers had seen stays on record."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.reporting import notes_on_build
from tests.support.warehouse import LOADED_AT, WarehouseUnderTest

FIRST_DAY = datetime(2025, 3, 1, 9, tzinfo=UTC)
LONG_AFTER = FIRST_DAY + timedelta(days=60)
RESTATED = "select metric_name, segment, old_value, new_value, reason, load_id from marts.metric_restatements"


def chat(number: int, at: datetime, channel: str = "web") -> list[Mapping[str, Any]]:
    """One question and one answer, after which the agent claims success."""
    types = ("user_message", "agent_message", "conversation_completed")
    return [
        {
            "event_id": f"{number}-{place}",
            "conversation_id": f"c{number}",
            "event_type": event_type,
            "timestamp": (at + timedelta(seconds=place)).isoformat(),
            "channel": channel,
        }
        for place, event_type in enumerate(types)
    ]


def published(warehouse: WarehouseUnderTest, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse.home.published / "colloquy.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[WarehouseUnderTest]:
    """Two chats on the first day, one long after: every value of the first day is published as final."""
    warehouse = WarehouseUnderTest(tmp_path / "warehouse")
    warehouse.write_events([*chat(1, FIRST_DAY), *chat(2, FIRST_DAY), *chat(3, LONG_AFTER)])
    warehouse.land()
    warehouse.build()
    warehouse.publish()
    yield warehouse


def test_late_data_restates_what_was_final(warehouse: WarehouseUnderTest) -> None:
    warehouse.write_events(chat(4, FIRST_DAY, channel="sms"))
    warehouse.land()
    # An unpublished build, for instance because a check failed, is no restatement of its own.
    warehouse.build()
    warehouse.build()
    warehouse.publish()
    counts = published(warehouse, f"{RESTATED} where metric_name = 'total_conversations' order by segment")
    assert counts == [
        ("total_conversations", "agent=(none)", 2.0, 3.0, "late_data", 2),
        ("total_conversations", "all", 2.0, 3.0, "late_data", 2),
        ("total_conversations", "channel=sms", None, 1.0, "late_data", 2),
        ("total_conversations", "device=(none)", 2.0, 3.0, "late_data", 2),
        ("total_conversations", "entry_page=(none)", 2.0, 3.0, "late_data", 2),
        ("total_conversations", "hour_of_day=09", 2.0, 3.0, "late_data", 2),
        ("total_conversations", "language=(none)", 2.0, 3.0, "late_data", 2),
        ("total_conversations", "model=(none)", 2.0, 3.0, "late_data", 2),
        ("total_conversations", "source=events", 2.0, 3.0, "late_data", 2),
    ]
    (note,) = notes_on_build(warehouse.home.build_database)
    assert note.endswith(
        " final values of 2025-03-01 changed (late_data); marts.metric_restatements has the old and the new ones"
    )
    # All three agents claimed success without a contradiction: a rate of 1 is still 1.
    assert published(warehouse, f"{RESTATED} where metric_name = 'resolution_rate' and segment = 'all'") == []
    assert published(
        warehouse,
        "select value, is_final from marts.metrics_daily where date = '2025-03-01' "
        "and metric_name = 'total_conversations' and segment = 'all'",
    ) == [(3.0, True)]
    assert published(warehouse, "select distinct date, restated_at from marts.metric_restatements") == [
        (FIRST_DAY.date(), (LOADED_AT + timedelta(minutes=2)).replace(tzinfo=None))
    ]


def test_a_day_that_was_not_final_is_not_restated(warehouse: WarehouseUnderTest) -> None:
    warehouse.write_events(chat(4, LONG_AFTER - timedelta(hours=1)))
    warehouse.land()
    warehouse.build()
    warehouse.publish()
    assert published(warehouse, "select distinct date from marts.metric_restatements") == []


@pytest.mark.full
def test_records_outlive_the_build_and_name_changed_definitions(warehouse: WarehouseUnderTest) -> None:
    warehouse.write_events(chat(4, FIRST_DAY))
    warehouse.land()
    warehouse.build()
    warehouse.publish()
    late = published(warehouse, f"{RESTATED} order by all")
    assert late

    warehouse.home.build_database.unlink()
    warehouse.land()
    warehouse.build()
    assert warehouse.publish().unchanged
    assert published(warehouse, f"{RESTATED} order by all") == late
    assert notes_on_build(warehouse.home.build_database) == []

    # In Honolulu the first day's chats took place at 23:00 of the day before.
    moved = WarehouseUnderTest(warehouse.folder, timezone="Pacific/Honolulu", loads=warehouse.loads)
    moved.build()
    moved.publish()
    moves = published(moved, f"{RESTATED} where reason = 'definition' and metric_name = 'total_conversations'")
    assert ("total_conversations", "all", 3.0, 0.0, "definition", 2) in moves
    assert published(moved, f"{RESTATED} where reason = 'late_data' order by all") == late


def test_a_version_published_just_before_a_crash_is_on_record(warehouse: WarehouseUnderTest) -> None:
    warehouse.write_events(chat(4, FIRST_DAY))
    warehouse.land()
    warehouse.build()
    warehouse.publish()
    # As if the machine had stopped between the switch and the record of it.
    with duckdb.connect(str(warehouse.home.raw_database)) as connection:
        connection.execute("delete from raw.history.metric_restatements")
    seen = published(warehouse, f"{RESTATED} order by all")
    warehouse.build()
    assert sorted(warehouse.rows(RESTATED), key=repr) == sorted(seen, key=repr)
    assert warehouse.publish().unchanged
