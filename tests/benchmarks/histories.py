"""A warehouse with a history of generated events, and the tasks that are measured on it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.building.data_tests import compile_tests, failed_tests
from orchestration.publishing import PublishSummary, publish
from orchestration.warehouse.build_records import built_from, data_until, discard_build
from tests.benchmarks.generator import Population, land_days
from tests.benchmarks.measuring import Clock, Cost
from tests.benchmarks.statements import StatementCosts, accounted
from tests.support.comparison import differences
from tests.support.warehouse import WarehouseUnderTest

# What was published when: no outcome of the raw events.
PUBLICATION_RECORDS = ("metric_restatements", "ab_test_registrations", "ab_test_verdict_changes")


class OneThreadedWarehouse(WarehouseUnderTest):
    """Builds with one thread of dbt, so that statements can be timed; DuckDB uses all cores for each of them."""

    def dbt(self, command: Sequence[str]) -> None:
        """Run one dbt command."""
        super().dbt([*command, "--threads", "1"] if command[0] == "build" else command)

    def check_data_measured(self) -> Cost:
        """Run every data test and return what its SQL costs; to compile the tests is dbt's cost, once a project."""
        tests = compile_tests(self.parsed(), self.settings)
        clock = Clock.now()
        failed = [one.test.name for one in failed_tests(self.home, tests) if not one.test.is_warning]
        cost = clock.cost()
        if failed:
            raise AssertionError(f"data tests fail on generated events: {', '.join(failed)}")
        return cost


def warehouse_in(folder: Path) -> OneThreadedWarehouse:
    """Return the warehouse of a folder, with everything dbt builds; nothing in it is labelled."""
    warehouse = OneThreadedWarehouse(folder, experiments=True, is_replayed=False)
    warehouse.settings.landing.mkdir(exist_ok=True)
    return warehouse


def generate(
    folder: Path, populations: Sequence[Population], first_day: int, last_day: int, load_id: int
) -> dict[str, Any]:
    """Add what arrives on some days to raw.duckdb as one load."""
    raw = warehouse_in(folder).home.raw_database
    events = land_days(raw, populations, first_day, last_day, load_id=load_id)
    return {"events": events, "raw_bytes": raw.stat().st_size}


def build(folder: Path, *, full_refresh: bool, tests: bool = False, memory_limit: str | None = None) -> dict[str, Any]:
    """Build what has landed, from nothing when a full refresh is asked for, and return the cost of its statements."""
    warehouse = warehouse_in(folder)
    warehouse.parsed()
    if full_refresh:
        discard_build(warehouse.home)
    clock = Clock.now()
    with accounted(memory_limit) as costs:
        warehouse.build()
    whole = clock.cost()
    return {
        **summary_of(costs),
        "tests_cpu_seconds": warehouse.check_data_measured().cpu_seconds if tests else None,
        "dbt_cpu_seconds": whole.cpu_seconds,
        "dbt_wall_seconds": whole.wall_seconds,
        "build_bytes": warehouse.home.build_database.stat().st_size,
    }


def summary_of(costs: StatementCosts) -> dict[str, Any]:
    """Return the sums over models and seeds, and each node."""
    return {
        "sql_cpu_seconds": sum(costs.cpu_seconds.values()),
        "sql_wall_seconds": sum(costs.wall_seconds.values()),
        "nodes": {node: round(seconds, 4) for node, seconds in costs.cpu_seconds.items()},
    }


def increments(
    folder: Path, populations: Sequence[Population], first_day: int, count: int, first_load: int
) -> Iterator[dict[str, Any]]:
    """Land and build day after day in one process, as a resident one would, and yield the cost of each day's build."""
    warehouse = warehouse_in(folder)
    warehouse.parsed()
    for place in range(count):
        day, load_id = first_day + place, first_load + place
        events = land_days(warehouse.home.raw_database, populations, day, day + 1, load_id=load_id)
        clock = Clock.now()
        with accounted() as costs:
            warehouse.build()
        whole = clock.cost()
        yield {
            **summary_of(costs),
            "events": events,
            "dbt_cpu_seconds": whole.cpu_seconds,
            "dbt_wall_seconds": whole.wall_seconds,
            "build_bytes": warehouse.home.build_database.stat().st_size,
        }


def compacted_bytes(database: Path) -> int:
    """Return the size of a fresh file that holds the same tables."""
    copy = database.with_name("compacted.duckdb")
    copy.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as source (read_only)")
        connection.execute(f"attach '{copy}' as target (storage_version 'latest')")
        connection.execute("copy from database source to target")
    size = copy.stat().st_size
    copy.unlink()
    return size


def differences_from_full_refresh(folder: Path) -> list[str]:
    """Build the raw events of a warehouse again from nothing and return the marts in which the two builds differ."""
    warehouse = warehouse_in(folder)
    other = warehouse_in(folder / "full-refresh")
    other.home.raw_database.unlink(missing_ok=True)
    os.link(warehouse.home.raw_database, other.home.raw_database)
    other.parse()
    other.build(full_refresh=True)
    return differences(warehouse.home.build_database, other.home.build_database, without=PUBLICATION_RECORDS)


def publish_marts(folder: Path) -> dict[str, Any]:
    """Publish all marts into an empty folder, then once more: the second time nothing has changed."""
    home = warehouse_in(folder).home
    target = home.root / "measured"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    with duckdb.connect(str(home.build_database), read_only=True) as connection:
        rows = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()

    def once() -> tuple[PublishSummary, Cost]:
        clock = Clock.now()
        summary = publish(
            home.build_database,
            target,
            tables=sorted(str(name) for (name,) in rows),
            run_id="benchmark",
            data_until=data_until(home.build_database),
            checks={},
            keep=1,
            now=datetime.now(UTC),
            built_from=built_from(home.build_database),
            on_progress=lambda _: None,
        )
        return summary, clock.cost()

    first, cost = once()
    again, cost_again = once()
    if not again.unchanged:
        raise AssertionError("published again, although nothing had changed")
    shutil.rmtree(target)
    return {
        "bytes": first.file_bytes,
        "cpu_seconds": cost.cpu_seconds,
        "wall_seconds": cost.wall_seconds,
        "unchanged_wall_seconds": cost_again.wall_seconds,
    }
