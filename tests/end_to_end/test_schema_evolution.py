"""What changes outside (fields, event types, reasons) and what an earlier release left behind (raw, build)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.warehouse.build_records import BuildDatabaseError, begin_build
from orchestration.warehouse.migrations import RawVersionError
from orchestration.warehouse.source_contracts import SOURCES
from tests.support.comparison import differences
from tests.support.warehouse import WarehouseUnderTest

FUNNELS = "funnel,purpose,source,agent,channel,description\nrefunds,,,,,From the first word to a refund\n"
STAGES = (
    "funnel,stage_order,stage,signal_kind,signal,minimum_value,within_hours,description\n"
    "refunds,1,asked,fact,first_user_message_at,,,\n"
    "refunds,2,refunded,event,refund_issued,,,\n"
)
DIMENSIONS = "dimension,column_name,property,top_n,is_hourly\nplan,,plan,,false\nsource,source,,,false\n"
# What the first release did not have, except the record of layouts itself.
LATER_TABLES = (
    "operations",
    "repaired_conversations",
    "message_redactions",
    "redaction_progress",
    "suppressions",
    "schema_versions",
)


def event(number: int, conversation: str, day: int, event_type: str = "user_message", **fields: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "conversation_id": conversation,
        "event_type": event_type,
        "timestamp": f"2025-03-{day:02}T10:{number:02}:00Z",
    } | fields


def change_build(warehouse: WarehouseUnderTest, *statements: str) -> None:
    with duckdb.connect(str(warehouse.home.build_database)) as connection:
        for statement in statements:
            connection.execute(statement)


def change_raw(warehouse: WarehouseUnderTest, *statements: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse.home.raw_database}' as store")
        connection.execute("use store")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseUnderTest]:
    """Build a first file in the plain old words, then a second one with a new field and a new event type."""
    one = WarehouseUnderTest(
        tmp_path_factory.mktemp("evolution"),
        {"funnels.csv": FUNNELS, "funnel_stages.csv": STAGES, "segment_dimensions.csv": DIMENSIONS},
    )
    one.write_events([event(1, "old", 10), event(2, "new", 11)])
    one.land()
    one.build()
    one.write_events([event(3, "new", 11, plan="gold"), event(4, "new", 11, "refund_issued", plan="gold")])
    one.land()
    change_raw(
        one,
        "insert into raw.rejected_events by name select 'events' as source, 'events/file-000001.jsonl' as _file, "
        "9 as _line, 'reason_of_a_later_release' as reason, _load_id, _loaded_at from raw.events where event_id = 'e4'",
    )
    one.build()
    yield one


def test_a_new_field_lands_in_the_properties_and_cuts_metrics(warehouse: WarehouseUnderTest) -> None:
    assert warehouse.rows(
        "select event_id, json_extract_string(properties, 'plan') from raw.raw.events order by event_id"
    ) == [("e1", None), ("e2", None), ("e3", "gold"), ("e4", "gold")]
    assert warehouse.rows(
        "select cast(date as varchar), segment, value from marts.metrics_daily "
        "where metric_name = 'total_conversations' and value > 0 order by all"
    ) == [
        ("2025-03-10", "all", 1.0),
        ("2025-03-10", "plan=(none)", 1.0),
        ("2025-03-10", "source=events", 1.0),
        ("2025-03-11", "all", 1.0),
        ("2025-03-11", "plan=gold", 1.0),
        ("2025-03-11", "source=events", 1.0),
    ]


def test_a_new_event_type_passes_through_and_shows_a_stage(warehouse: WarehouseUnderTest) -> None:
    """It was unknown on the day before it was first seen; from now on it is 0 there."""
    assert warehouse.rows("select count(*) from intermediate.int_events where event_type = 'refund_issued'") == [(1,)]
    assert warehouse.rows(
        "select cast(date as varchar), stage, reached, is_measured from marts.funnel_stages "
        "where segment = 'all' order by date, stage_order"
    ) == [
        ("2025-03-10", "asked", 1, True),
        ("2025-03-10", "refunded", 0, True),
        ("2025-03-11", "asked", 1, True),
        ("2025-03-11", "refunded", 1, True),
    ]


def test_a_reason_this_release_does_not_know_is_counted_by_its_name(warehouse: WarehouseUnderTest) -> None:
    assert warehouse.rows(
        "select measure_name, measure_value from marts.data_quality where measure_name like 'rejected:%'"
    ) == [("rejected:reason_of_a_later_release", 1)]


def test_a_warehouse_of_an_earlier_release_is_upgraded_by_the_next_run(
    warehouse: WarehouseUnderTest, tmp_path: Path
) -> None:
    """Raw without the later tables, and a build whose tables, views and record of builds had other shapes."""
    with pytest.raises(RawVersionError, match=r"has layout 1, this release needs \d+\. Launch the whole job"):
        change_raw(
            warehouse,
            *(f"drop table raw.{name}" for name in LATER_TABLES),
            *(f"alter table raw.{name} drop column tokens_cached" for name in SOURCES),
            "drop schema ledger cascade",
        )
        begin_build(warehouse.home, "any")
    expected = tmp_path / "expected.duckdb"
    expected.write_bytes(warehouse.home.build_database.read_bytes())
    change_build(
        warehouse,
        "alter table marts.fct_conversations drop column is_mature",
        "alter table marts.fct_conversations add column mood varchar",
        "alter table marts.metrics_daily alter value type varchar",
        "alter table intermediate.int_events rename column turn_number to turn",
        "drop table intermediate.int_conversations_recomputed",
        "drop view intermediate.int_events_unioned cascade",
        "create table intermediate.int_events_unioned (conversation_key varchar)",
        "drop table marts.fct_tool_calls",
        "create view marts.fct_tool_calls as select 1 as tool_call",
        "create table marts.of_an_earlier_release as select 1 as one",
        "alter table state.builds drop column through_load_id",
    )
    warehouse.land()
    warehouse.build()
    change_build(warehouse, "drop table marts.of_an_earlier_release")
    built = warehouse.home.build_database
    assert differences(expected, built) == []
    assert differences(expected, built, schema="intermediate", only=("int_events", "int_conversations")) == []
    # And the one after it is an increment again.
    assert not begin_build(
        warehouse.home, warehouse.rows("select configuration_hash from state.builds")[0][0]
    ).is_full_refresh


@pytest.mark.parametrize("content", [b"", b"no database " * 1000], ids=["empty", "damaged"])
def test_a_build_that_cannot_be_opened_names_the_command(warehouse: WarehouseUnderTest, content: bytes) -> None:
    kept = warehouse.home.build_database.read_bytes()
    warehouse.home.build_database.write_bytes(content)
    try:
        with pytest.raises(BuildDatabaseError, match=r"build\.duckdb cannot be read: .* make rebuild"):
            begin_build(warehouse.home, "any")
    finally:
        warehouse.home.build_database.write_bytes(kept)
