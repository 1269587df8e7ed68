"""After an operation that changed raw rows, the next build equals a full refresh: what lost its events vanishes."""

import random
from collections.abc import Iterator

import pytest

from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import mark_repaired, record_operation
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.source_contracts import SOURCES
from tests.end_to_end.test_increments import land_in_batches
from tests.support.bench import Bench, assert_none, bench_in_memory
from tests.support.random_histories import LATE_HISTORY
from tests.support.warehouse import LOADED_AT


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with bench_in_memory() as one:
        yield one


def remove_rows(bench: Bench, condition: str) -> int:
    """Take the rows of every source that fulfil a condition out of raw, as an operation has to, and count them.

    {conversation} in the condition stands for the column that names the conversation.
    """
    removed = 0
    with open_raw(bench.warehouse.home.raw_database) as connection:
        load_id, performed_at = next_load(connection, LOADED_AT.replace(tzinfo=None))
        for source, contract in SOURCES.items():
            own = condition.format(conversation=contract.conversation)
            mark_repaired(connection, "erase", source=source, load_id=load_id, condition=own, parameters={})
            row = connection.execute(f"delete from raw.{source} where {own}").fetchone()
            removed += row[0] if row else 0
        record_operation(connection, "erase", performed_at=performed_at, load_id=load_id, detail={"rows": removed})
    return removed


def remaining(bench: Bench) -> set[str]:
    return {row[0] for row in bench.warehouse.rows("select conversation_key from intermediate.int_conversations")}


def assert_equals_full_refresh(bench: Bench, when: str) -> None:
    assert_none(bench.differences(bench.warehouse.home.build_database, bench.full_refresh()), when)


@pytest.mark.full
def test_a_build_after_removed_rows_equals_a_full_refresh(bench: Bench) -> None:
    """Some conversations lose all their events, some a few, and the newest days go: the watermark goes back."""
    land_in_batches(bench, LATE_HISTORY, until=2)
    before = remaining(bench)
    newest = "timestamp >= (select max(timestamp) - interval 3 day from raw.events)"
    assert remove_rows(bench, f"hash({{conversation}}) % 5 = 0 or hash(event_id) % 7 = 0 or {newest}") > 0
    bench.build()
    assert remaining(bench) < before
    assert_equals_full_refresh(bench, "removed")


@pytest.mark.full
def test_a_build_that_broke_off_after_an_operation_loses_nothing(bench: Bench) -> None:
    """The interrupted build has replaced the conversations, and the next one brings new events of some of them."""
    land_in_batches(bench, LATE_HISTORY, until=2)
    remove_rows(bench, "hash({conversation}) % 2 = 0")
    order = bench.models_in_build_order()
    bench.interrupted_build(order[: order.index("int_conversations") + 1])
    bench.land(LATE_HISTORY.landings()[2], random.Random(2))  # noqa: S311 - reproducible, not secret
    bench.build()
    assert_equals_full_refresh(bench, "broken off")


@pytest.mark.full
def test_a_build_after_everything_was_removed_holds_nothing(bench: Bench) -> None:
    land_in_batches(bench, LATE_HISTORY, until=1)
    remove_rows(bench, "true")
    bench.build()
    filled = {name for name, rows in bench.warehouse.tables(("marts",)).items() if rows}
    # Lines have landed all the same, and a test was planned: without any exposure.
    planned = {"marts.ab_test_registrations", "marts.ab_test_results", "marts.ab_test_health"}
    assert filled == {"marts.data_quality", *planned}
    assert_equals_full_refresh(bench, "nothing")
