"""What expires, what stays, and that files read again bring nothing back and refuse nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.defs.ingest import _expire
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG
from orchestration.privacy.fresh_copy import replace_raw
from orchestration.privacy.redacting import redact_new_messages
from orchestration.privacy.retention import Expired, expire
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.recovery import recover_files
from tests.support.warehouse import WarehouseUnderTest

# 90 days before the 30th of August is the 1st of June, 12:00.
NOW = datetime(2025, 8, 30, 12, tzinfo=UTC)
DAYS_90 = timedelta(days=90)
SEEDS = {
    "segment_dimensions.csv": "dimension,column_name,property,top_n,is_hourly\nplan,,plan,,false\n",
    "success_signals.csv": "source,event_type,property,value,strength\n",
}


def message(event_id: str, timestamp: str, **properties: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "conversation_id": "c1",
        "user_id": "u1",
        "event_type": "user_message",
        "timestamp": timestamp,
        "properties": {"content": f"said in {event_id}, a@b.example", "mood": "sunny"} | properties,
    }


OLD = message(
    "old", "2025-06-01T11:59:59Z", plan="gold", page_url="https://shop.test/a?q=1", reason="typed", rating="5"
)
EDGE = message("edge", "2025-06-01T12:00:00Z")


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseUnderTest:
    one = WarehouseUnderTest(tmp_path, SEEDS)
    path = one.write_events([OLD, EDGE], name="a.jsonl")
    path.write_text(path.read_text() + "refused and secret\n")
    one.land(now=datetime(2025, 6, 2, tzinfo=UTC))
    return one


def run(warehouse: WarehouseUnderTest, **changes: Any) -> Expired:
    arguments = {"texts_after": DAYS_90, "rejected_after": None, "now": NOW} | changes
    return expire(warehouse.home.raw_database, warehouse.home.seeds, **arguments)


def raw(warehouse: WarehouseUnderTest, query: str) -> list[tuple[Any, ...]]:
    with open_raw(warehouse.home.raw_database) as connection:
        return connection.execute(query).fetchall()


def test_old_texts_and_free_properties_go_and_facts_stay(warehouse: WarehouseUnderTest) -> None:
    counted = (
        "select event_id, conversation_id, user_id, event_type, timestamp, rating, _line from raw.events order by 1"
    )
    before = raw(warehouse, counted)
    assert run(warehouse) == Expired(1, 1, 0)
    assert raw(warehouse, counted) == before
    assert raw(warehouse, "select event_id from raw.message_texts") == [("edge",)]
    assert raw(warehouse, "select event_id from raw.message_redactions") == [("edge",)]
    assert raw(warehouse, "select event_id, page_url, reason, properties from raw.events order by event_id") == [
        ("edge", None, None, '{"mood":"sunny"}'),
        ("old", "/a", None, '{"plan":"gold"}'),
    ]
    assert raw(warehouse, "select operation, detail from raw.operations") == [
        ("retention", '{"events": 1, "rejected": 0, "texts": 1}')
    ]


def test_no_byte_of_what_expired_stays(warehouse: WarehouseUnderTest) -> None:
    path = warehouse.home.raw_database
    assert b"said in old" in path.read_bytes()
    run(warehouse)
    assert b"said in old" not in path.read_bytes()
    assert b"said in edge" in path.read_bytes()


def test_refused_lines_go_by_their_load(warehouse: WarehouseUnderTest) -> None:
    kept = "select reason, line_bytes, line_sha256, _line from raw.rejected_events"
    before = raw(warehouse, kept)
    assert run(warehouse, texts_after=None, rejected_after=timedelta(days=90)) == Expired(0, 0, 0)
    assert run(warehouse, texts_after=None, rejected_after=timedelta(days=89)) == Expired(0, 0, 1)
    assert raw(warehouse, "select line from raw.rejected_events") == [(None,)]
    assert raw(warehouse, kept) == before
    assert b"refused and secret" not in warehouse.home.raw_database.read_bytes()


def test_nothing_is_written_when_nothing_is_due(warehouse: WarehouseUnderTest) -> None:
    file = warehouse.home.raw_database
    for changes in ({"texts_after": None}, {"now": NOW - timedelta(days=10)}):
        before = file.stat().st_ino
        assert run(warehouse, **changes) == Expired(0, 0, 0)
        assert file.stat().st_ino == before
    run(warehouse)
    before = file.stat().st_ino
    assert run(warehouse) == Expired(0, 0, 0)
    assert file.stat().st_ino == before


def test_a_file_read_again_brings_nothing_back(warehouse: WarehouseUnderTest) -> None:
    run(warehouse, rejected_after=timedelta(days=1))
    path = warehouse.settings.landing / "events" / "a.jsonl"
    path.write_text(path.read_text() + "\n")
    warehouse.write_events([OLD], name="copy.jsonl")
    warehouse.write_events([EDGE | {"event_type": "agent_message"}], name="other.jsonl")
    summary = warehouse.land(now=NOW)
    redact_new_messages(warehouse.home.raw_database)
    # The grown file and the copy are duplicates; what still has its content can be contradicted.
    assert (summary.accepted, summary.duplicates, summary.reread) == (0, 4, 3)
    assert [(one.file, one.reason) for one in summary.rejections] == [("events/other.jsonl", "conflicting_duplicate")]
    assert raw(warehouse, "select event_id from raw.message_texts") == [("edge",)]


def test_a_kill_before_the_switch_leaves_raw_as_it_was(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.privacy.retention.replace_raw", kill)
        with pytest.raises(KeyboardInterrupt):
            run(warehouse)
    assert raw(warehouse, "select count(*) from raw.message_texts") == [(2,)]
    assert run(warehouse) == Expired(1, 1, 0)


def test_a_kill_right_after_the_switch_leaves_no_build_with_what_expired(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run finds nothing due in raw, so it would never discard the build."""
    home = warehouse.home
    home.build_database.write_bytes(b"said in old")
    settings = warehouse.settings.model_copy(update={"retention_days_text": 90})
    run_of_two_oclock = SimpleNamespace(run=SimpleNamespace(tags={TRIGGER_TAG: NIGHTLY}))
    resource = SimpleNamespace(settings=settings, home=home, now=lambda: NOW)

    def kill(raw_database: Path) -> None:
        replace_raw(raw_database)
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.privacy.retention.replace_raw", kill)
    with pytest.raises(KeyboardInterrupt):
        _expire(run_of_two_oclock, resource)  # type: ignore[arg-type]
    assert b"said in old" not in home.raw_database.read_bytes()
    assert not home.build_database.exists()


def test_a_copy_that_was_not_put_in_place_goes_with_the_next_run(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds texts that expire later, and no later retention looks into it."""

    def kill(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.privacy.retention.replace_raw", kill)
        with pytest.raises(KeyboardInterrupt):
            run(warehouse)
    fresh = warehouse.home.fresh_raw_database
    assert b"said in edge" in fresh.read_bytes()
    spill = fresh.with_name("raw-fresh.duckdb.tmp")
    spill.mkdir()
    told: list[str] = []
    recover_files(warehouse.home, told.append)
    assert not fresh.exists()
    assert not spill.exists()
    assert [line.partition(": ")[2].split(" ", 1)[0] for line in told] == ["removing", "removing"]
    assert raw(warehouse, "select count(*) from raw.message_texts") == [(2,)]
