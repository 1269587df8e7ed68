"""An increment is tested by what it has made, a nightly run by whole tables: faults are planted in both."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import duckdb
import pytest
from dbt.contracts.graph.nodes import ModelNode

from orchestration.building.connection import open_build
from orchestration.building.data_tests import DataTest, failed_tests
from orchestration.settings import PROJECT_DIR
from orchestration.simulation.demo_seeds import write_demo_seeds
from orchestration.simulation.simulator import simulate
from tests.support.labellers import undecided_labeller
from tests.support.warehouse import WarehouseUnderTest

_END = date(2026, 1, 1)
_NEW_DAYS = ("2025-12-31",)


@pytest.fixture(scope="module")
def incremented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseUnderTest]:
    """Yield a warehouse of twenty days whose last build was the increment of the last of them."""
    folder = tmp_path_factory.mktemp("data_tests")
    write_demo_seeds(PROJECT_DIR / "seeds", folder / "demo-seeds", days=20, end=_END)
    simulate(folder / "landing", folder / "truth", days=20, conversations=300, end=_END)
    seeds = {path.name: path.read_text() for path in (folder / "demo-seeds").iterdir()}
    one = WarehouseUnderTest(folder, seeds, labeller=undecided_labeller(), labelled_at_once=5_000)
    later = [path for path in (folder / "landing").rglob("*.jsonl*") if path.name.startswith(_NEW_DAYS)]
    assert later
    for path in later:
        path.rename(folder / f"{path.parent.name} {path.name}")
    one.land(now=datetime.combine(_END, time(12), UTC))
    one.build()
    for path in later:
        (folder / f"{path.parent.name} {path.name}").rename(path)
    one.land(now=datetime.combine(_END, time(13), UTC))
    one.build()
    yield one
    shutil.rmtree(folder)


@pytest.fixture
def warehouse(incremented: WarehouseUnderTest, tmp_path: Path) -> WarehouseUnderTest:
    one = incremented.copy(tmp_path)
    shutil.copyfile(incremented.home.published_before, one.home.published_before)
    return one


def _failed(warehouse: WarehouseUnderTest, tests: list[DataTest], *, is_incremental: bool) -> set[str]:
    return {one.test.name for one in failed_tests(warehouse.home, tests, is_incremental=is_incremental)}


def test_a_right_increment_fails_no_test_either_way(warehouse: WarehouseUnderTest) -> None:
    tests = warehouse.data_tests()
    assert _failed(warehouse, tests, is_incremental=True) == _failed(warehouse, tests, is_incremental=False) == set()


def test_a_row_twice_is_found_at_once_where_the_increment_wrote_and_else_at_night(
    warehouse: WarehouseUnderTest,
) -> None:
    """In every model that an increment replaces rows of, and whose grain is tested."""
    models = {
        key: node
        for key, node in warehouse.parsed().nodes.items()
        if isinstance(node, ModelNode) and node.config.meta.get("replaces")
    }
    tests = [test for test in warehouse.data_tests() if test.name.startswith("unique") and test.node_id in models]
    for is_affected in (False, True):
        planted: set[str] = set()
        with open_build(warehouse.home, read_only=False) as connection:
            for key in {test.node_id for test in tests}:
                table, meta = models[key].relation_name, models[key].config.meta
                affected = f"(select {meta['by']} from intermediate.{meta['replaces']})"
                rows = connection.execute(
                    f"insert into {table} from {table} "
                    f"where {models[key].config.unique_key} {'in' if is_affected else 'not in'} {affected} limit 1"
                ).fetchall()
                planted |= {test.name for test in tests if rows == [(1,)] and test.node_id == key}
        assert len(planted) > 20
        assert _failed(warehouse, tests, is_incremental=True) == (planted if is_affected else set())
        assert _failed(warehouse, tests, is_incremental=False) >= planted


@pytest.mark.parametrize(
    ("name", "affected", "fault"),
    [
        (
            "assert_dropoffs_are_exactly_the_lost",
            "int_dates_affected",
            "delete from marts.funnel_dropoffs where entry_date = {date}",
        ),
        (
            "assert_event_ids_are_unique_within_their_source",
            "int_conversations_landed",
            "insert into intermediate.int_events from intermediate.int_events "
            "where conversation_key = {conversation} limit 1",
        ),
        (
            "assert_every_conversation_has_an_event",
            "int_conversations_recomputed",
            "delete from intermediate.int_events where conversation_key = {conversation}",
        ),
        (
            "assert_every_definition_is_measured_on_every_date",
            "int_dates_affected",
            "delete from marts.metrics_daily where date = {date} and metric_name = 'resolution_rate'",
        ),
        (
            "assert_every_metric_is_defined",
            "int_dates_affected",
            "update marts.metrics_daily set metric_name = 'new' "
            "where date = {date} and metric_name = 'resolution_rate'",
        ),
        (
            "assert_every_production_event_is_in_one_conversation",
            "int_conversations_recomputed",
            "delete from marts.fct_conversations where conversation_key = {conversation}",
        ),
        (
            "assert_exclusive_segments_add_up_to_all",
            "int_dates_affected",
            "update marts.metrics_daily set value = value + 1 "
            "where date = {date} and segment = 'all' and metric_name = 'total_conversations'",
        ),
        (
            "assert_funnel_entries_are_lost_in_progress_or_through",
            "int_dates_affected",
            "update marts.funnel_stages set lost = lost + 1 where date = {date}",
        ),
        (
            "assert_funnels_and_metrics_are_finite_numbers",
            "int_dates_affected",
            "update marts.metrics_daily set value = 'nan' where date = {date}",
        ),
        (
            "assert_handled_conversations_are_engaged_and_eligible",
            "int_conversations_recomputed",
            "update marts.fct_conversations set is_handled = true, is_engaged = false "
            "where conversation_key = {conversation}",
        ),
        (
            "assert_intervals_hold_their_value",
            "int_dates_affected",
            "update marts.metrics_daily set ci_low = value + 1, ci_high = value + 1 where date = {date}",
        ),
        (
            "assert_message_counts_equal_the_messages_held",
            "int_conversations_affected",
            "update marts.fct_conversations set user_message_count = 999 where conversation_key = {conversation}",
        ),
        (
            "assert_outcome_evidence_is_an_event_of_its_conversation",
            "int_conversations_recomputed",
            "update marts.fct_conversations set outcome_evidence_event_id = 'x' "
            "where conversation_key = {conversation}",
        ),
        (
            "assert_the_resolved_stage_is_the_outcome",
            "int_conversations_recomputed",
            "update marts.fct_conversations set is_resolved = not is_resolved where conversation_key = {conversation}",
        ),
    ],
)
def test_an_assertion_looks_at_what_the_increment_made(
    warehouse: WarehouseUnderTest, name: str, affected: str, fault: str
) -> None:
    tests = [test for test in warehouse.data_tests() if test.name == name]
    assert len(tests) == 1
    for is_affected in (False, True):
        with open_build(warehouse.home, read_only=False) as connection:
            values = _chosen(connection, affected, is_affected=is_affected)
            assert connection.execute(fault.format(**values)).fetchall()[0][0] > 0
        assert _failed(warehouse, tests, is_incremental=False) == {name}
        assert _failed(warehouse, tests, is_incremental=True) == ({name} if is_affected else set())


def _chosen(connection: duckdb.DuckDBPyConnection, affected: str, *, is_affected: bool) -> dict[str, str]:
    """Return a date with losses and a conversation, both affected by the increment or both not."""
    key = "date" if affected == "int_dates_affected" else "conversation_key"
    within = f"{'in' if is_affected else 'not in'} (select {key} from intermediate.{affected})"
    found = {
        "date": "select min(entry_date) from marts.funnel_dropoffs where entry_date ",
        "conversation_key": "select min(conversation_key) from marts.fct_conversations "
        "where purpose = 'support' and conversation_key ",
    }
    ((value,),) = connection.execute(found[key] + within).fetchall()
    assert value is not None
    return {"date" if key == "date" else "conversation": f"'{value}'"}


def test_an_event_of_a_wrong_clock_makes_no_thousand_days(tmp_path: Path) -> None:
    """One conversation in 2000, one in 2025: its day, the 92 after it, and the day of the other."""
    one = WarehouseUnderTest(tmp_path)
    one.write_events(
        [
            {
                "event_id": day,
                "conversation_id": day,
                "event_type": "user_message",
                "timestamp": f"{day}T10:00:00Z",
                "properties": {"content": "hello"},
            }
            for day in ("2000-01-01", "2025-03-02")
        ]
    )
    one.land()
    one.build(tests=True)
    assert one.rows("select count(distinct date)::int from marts.metrics_daily where segment = 'all'") == [(94,)]
