"""Incremental equals full refresh, in any order of arrival, after a build that broke off, and with changed seeds."""

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from orchestration.ledger.labellers import rules_labeller
from tests.support.bench import PUBLICATION_RECORDS, Bench, assert_none, bench_in_memory
from tests.support.comparison import differences
from tests.support.labellers import breaking, breaking_on_messages, doubting_labeller, doubting_messages
from tests.support.random_conversations import Line
from tests.support.random_histories import LATE_HISTORY, History, Labels, histories, in_another_order

# Record what happened on the way (which load brought what, what was late then), not what is in the events.
BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)
HISTORIES = ("data_quality", *PUBLICATION_RECORDS)
# One test of many builds would keep one worker busy long after the other has run out of tests.
PARTS = 8


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with bench_in_memory(rules_labeller()) as one:
        yield one


def check_history(bench: Bench, history: History) -> None:
    """Run a history and compare: after each run with a full refresh, at the end with another order of arrival."""
    bench.clear()
    chance = random.Random(history.seed)  # noqa: S311 - reproducible, not secret
    landings = history.landings()
    labeller, of_messages = rules_labeller(), bench.message_labeller
    for number, (step, lines) in enumerate(zip(history.steps, landings, strict=True), start=1):
        if step.labels == Labels.AGAIN:
            labeller, of_messages = doubting_labeller(), doubting_messages(bench.message_labeller)
        if step.labels == Labels.BROKEN:
            broken = breaking(labeller, after_batches=2), breaking_on_messages(of_messages, after_messages=17)
            bench.configure(step.changed, number - 1, *broken)
        else:
            bench.configure(step.changed, number - 1, labeller, of_messages)
        bench.land(lines, chance)
        bench.build(BEFORE_ALL if step.labels == Labels.AGAIN else None)
        found = bench.differences(bench.warehouse.home.build_database, bench.full_refresh())
        assert_none(found, f"run {number} (left) is not a full refresh (right)")
    last_load = max(number for number, lines in enumerate(landings, start=1) if lines)
    raw = bench.raw_of(in_another_order(landings, history.seed), last_load, chance)
    # The load of an event differs by design; everything that the marts show of the event does not.
    found = differences(bench.warehouse.home.build_database, bench.full_refresh(raw), without=HISTORIES)
    assert_none(found, "the last run (left) is not what another order of arrival gives (right)")


def sequences(max_examples: int) -> settings:
    return settings(
        max_examples=max_examples,
        derandomize=True,
        deadline=None,
        database=None,
        # A smaller case costs builds by the hundred: ask for it by adding Phase.shrink.
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        report_multiple_bugs=False,
        print_blob=False,
    )


@sequences(2)
@given(history=histories(max_steps=3))
def test_increments_equal_a_full_refresh_and_another_order_of_arrival(bench: Bench, history: History) -> None:
    check_history(bench, history)


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_many_more_increments_equal_a_full_refresh(bench: Bench, part: int) -> None:
    @seed(part)
    @sequences(5)
    @given(history=histories(max_steps=4))
    def check(history: History) -> None:
        check_history(bench, history)

    check()


def land_in_batches(bench: Bench, history: History, until: int) -> None:
    """Land the first batches of a history one after the other and build after each."""
    bench.clear()
    for number, lines in enumerate(history.landings()[:until], start=1):
        bench.land(lines, random.Random(number))  # noqa: S311 - reproducible, not secret
        bench.build()


def test_a_second_run_changes_no_row_and_publishes_nothing(bench: Bench) -> None:
    land_in_batches(bench, LATE_HISTORY, until=2)
    first, before = bench.warehouse.publish(), bench.keep("first")
    bench.warehouse.land()
    bench.build()
    assert_none(bench.differences(before, bench.warehouse.home.build_database), "a run over nothing new")
    second = bench.warehouse.publish()
    assert (first.unchanged, second.unchanged) == (False, True)
    assert second.version == first.version


class Interruptions:
    """One history for every place at which a build can break off: two batches built, a third and a fourth landing."""

    def __init__(self, bench: Bench, history: History) -> None:
        self.bench = bench
        self.landings = history.landings()
        land_in_batches(bench, history, until=2)
        bench.keep("before")
        # Labellings are counted with the loads: one between two batches gives the second another number.
        self._expected: dict[bool, Path] = {}

    def expected(self, *, is_labelled_between: bool) -> Path:
        """Return a full refresh of all that landed, the third batch labelled before the fourth came or with it."""
        if is_labelled_between not in self._expected:
            self.bench.restore("before")
            shutil.rmtree(self.bench.warehouse.settings.landing)
            for place, lines in enumerate(self.landings[2:], start=1):
                self._land(lines)
                if is_labelled_between or place == len(self.landings[2:]):
                    self.bench.build()
            path = self.bench.folder / f"expected-{is_labelled_between}.duckdb"
            self._expected[is_labelled_between] = self.bench.full_refresh().rename(path)
        return self._expected[is_labelled_between]

    def _land(self, lines: Sequence[Line]) -> None:
        self.bench.land(lines, random.Random(0))  # noqa: S311 - reproducible, not secret

    def break_off_after(self, models: Sequence[str]) -> None:
        """Break off the build of the third batch after some models, land the rest, run to the end and compare."""
        expected = self.expected(is_labelled_between=self.bench.is_labelled_after(models))
        self.bench.restore("before")
        shutil.rmtree(self.bench.warehouse.settings.landing)
        self._land(self.landings[2])
        self.bench.interrupted_build(models)
        for lines in self.landings[3:]:
            self._land(lines)
        self.bench.build()
        found = self.bench.differences(expected, self.bench.warehouse.home.build_database, without=HISTORIES)
        assert_none(found, f"a full refresh (left) is not what a build gives that broke off after {models[-1]} (right)")


@pytest.mark.full
def test_a_run_after_an_interrupted_one_loses_nothing(bench: Bench) -> None:
    """Models are built in an order that has everything the last one needs, and nothing after it."""
    order = bench.models_in_build_order()
    Interruptions(bench, LATE_HISTORY).break_off_after(order[: order.index("int_funnel_entries_placed") + 1])


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_a_build_may_break_off_after_any_table(bench: Bench, part: int) -> None:
    """A view holds nothing: to break off after one is to break off after the table before it."""
    order, views = bench.models_in_build_order(), bench.views()
    tables = [count for count in range(1, len(order)) if order[count - 1] not in views]
    assert len(tables) > 50
    interruptions = Interruptions(bench, replace(LATE_HISTORY, seed=5))
    for count in tables[part::PARTS]:
        interruptions.break_off_after(order[:count])
