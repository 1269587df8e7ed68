"""Incremental equals full refresh, in any order of arrival, after a build that broke off, and with a changed seed."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.building.project import build_command
from orchestration.building.state import begin_build, configuration_hash
from orchestration.publishing import PublishSummary, publish
from tests.support.comparison import KEPT_INTERMEDIATE, differences
from tests.support.random_conversations import SEEDS, Fields, random_arrival
from tests.support.warehouse import WarehouseUnderTest

# A build costs dbt's fixed price, whatever the data: `make test` takes one arriving partly late, one newest first.
SEED_COUNT = 20
QUICK_SEEDS = (1, 3)
# Record what happened on the way (which load brought what, what was late then), not what is in the events.
HISTORIES = ("data_quality",)
ALL_BATCHES = 99


def land_files(warehouse: WarehouseUnderTest, files: Mapping[str, Sequence[Fields]]) -> None:
    """Land one batch: a new file for each source."""
    for source, lines in files.items():
        warehouse.write_events(lines, source)
    warehouse.land()


class Bench:
    """A warehouse that starts anew as often as needed without parsing the dbt project again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = WarehouseUnderTest(folder / "warehouse", SEEDS)

    def clear(self) -> None:
        """Drop everything landed and built; the parsed project stays."""
        shutil.rmtree(self.warehouse.settings.landing, ignore_errors=True)
        for database in (self.warehouse.home.raw_database, self.warehouse.home.build_database):
            database.unlink(missing_ok=True)
        self.warehouse.loads = 0

    def land(self, files: Mapping[str, Sequence[Fields]]) -> None:
        """Land one batch: a new file for each source."""
        land_files(self.warehouse, files)

    def keep(self, name: str) -> Path:
        """Keep the build as it is now and return the copy; raw is kept beside it."""
        for database in (self.warehouse.home.build_database, self.warehouse.home.raw_database):
            shutil.copyfile(database, self.folder / f"{name}-{database.name}")
        return self.folder / f"{name}-build.duckdb"

    def restore(self, name: str) -> None:
        """Go back to what `keep` kept."""
        for database in (self.warehouse.home.build_database, self.warehouse.home.raw_database):
            shutil.copyfile(self.folder / f"{name}-{database.name}", database)

    def interrupted_build(self, models: Sequence[str]) -> None:
        """Build some models as a run would that is killed after them: nobody records that it is complete."""
        warehouse = self.warehouse
        build = begin_build(warehouse.home, configuration_hash(warehouse.settings, warehouse.home.dbt_project))
        command = build_command(warehouse.settings, is_full_refresh=build.is_full_refresh)
        warehouse.dbt([*command, "--exclude-resource-type", "test", "--select", *models])

    def models_in_build_order(self) -> list[str]:
        """Return the models of the project in an order in which dbt may build them, seeds apart."""
        manifest = json.loads((self.warehouse.home.dbt_target / "manifest.json").read_text())
        parents = {
            key: [parent for parent in node["depends_on"]["nodes"] if parent.startswith("model.")]
            for key, node in manifest["nodes"].items()
            if node["resource_type"] == "model"
        }
        order: list[str] = []
        while len(order) < len(parents):
            order += sorted(key for key in parents if key not in order and set(parents[key]) <= set(order))
        return [key.rpartition(".")[2] for key in order]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("increments")
    yield Bench(folder)
    shutil.rmtree(folder)


def build_differences(left: Path, right: Path, without: Sequence[str] = ()) -> list[str]:
    """Compare all marts and the intermediate tables that outlive a run."""
    found = differences(left, right, without=without)
    return found + differences(left, right, schema="intermediate", only=KEPT_INTERMEDIATE)


def assert_none(found: Sequence[str]) -> None:
    """Fail with the differing rows."""
    assert not found, "\n".join(found)


def land_in_batches(bench: Bench, seed: int, until: int = ALL_BATCHES) -> None:
    """Land the batches of a seed one after the other and build after each."""
    arrival = random_arrival(seed)
    for batch in range(min(until, len(arrival.batches))):
        bench.land(arrival.files(batch))
        bench.warehouse.build()


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed in QUICK_SEEDS else pytest.mark.full) for seed in range(SEED_COUNT)]
)
def test_increments_equal_a_full_refresh_and_another_order_of_arrival(bench: Bench, seed: int) -> None:
    bench.clear()
    land_in_batches(bench, seed)
    increments = bench.keep("increments")
    bench.warehouse.build(full_refresh=True)
    found = build_differences(increments, bench.warehouse.home.build_database)

    bench.clear()
    bench.land(random_arrival(seed).at_once(seed))
    bench.warehouse.build()
    # The load that brought an event differs by design; everything that the marts say of it does not.
    found += differences(increments, bench.warehouse.home.build_database, without=HISTORIES)
    assert_none(found)


def publish_build(bench: Bench, hour: int) -> PublishSummary:
    home = bench.warehouse.home
    tables = [
        row[0] for row in bench.warehouse.rows("select table_name from duckdb_tables() where schema_name = 'marts'")
    ]
    return publish(
        home.build_database,
        home.published,
        tables=sorted(tables),
        run_id=f"run at {hour}",
        data_until=None,
        checks={},
        keep=3,
        now=datetime(2026, 1, 2, hour, tzinfo=UTC),
        on_progress=lambda _: None,
    )


def test_a_second_run_changes_no_row_and_publishes_nothing(bench: Bench) -> None:
    bench.clear()
    land_in_batches(bench, seed=1, until=2)
    first, before = publish_build(bench, hour=1), bench.keep("first")
    bench.warehouse.land()
    bench.warehouse.build()
    assert_none(build_differences(before, bench.warehouse.home.build_database))
    second = publish_build(bench, hour=2)
    assert (first.unchanged, second.unchanged) == (False, True)
    assert second.version == first.version


class Interruptions:
    """One history for every place at which a build can break off: two batches built, a third and a fourth landing."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.arrival = random_arrival(seed)
        bench.clear()
        land_in_batches(bench, seed, until=2)
        bench.keep("before")
        for batch in range(2, len(self.arrival.batches)):
            bench.land(self.arrival.files(batch))
        bench.warehouse.build(full_refresh=True)
        self.expected = bench.keep("expected")

    def break_off_after(self, models: Sequence[str]) -> None:
        """Break off the build of the third batch after some models, land the rest, run to the end and compare."""
        self.bench.restore("before")
        shutil.rmtree(self.bench.warehouse.settings.landing)
        self.bench.land(self.arrival.files(2))
        self.bench.interrupted_build(models)
        for batch in range(3, len(self.arrival.batches)):
            self.bench.land(self.arrival.files(batch))
        self.bench.warehouse.build()
        assert_none(build_differences(self.expected, self.bench.warehouse.home.build_database, without=HISTORIES))


@pytest.fixture(scope="module")
def interruptions(bench: Bench) -> Interruptions:
    return Interruptions(bench, seed=1)


@pytest.mark.parametrize("last_model", ["fct_conversations", "int_funnel_entries_placed"])
def test_a_run_after_an_interrupted_one_loses_nothing(interruptions: Interruptions, last_model: str) -> None:
    """Models are built in an order that has everything the last one needs, and nothing after it."""
    order = interruptions.bench.models_in_build_order()
    interruptions.break_off_after(order[: order.index(last_model) + 1])


@pytest.mark.full
def test_a_build_may_break_off_after_any_model(bench: Bench) -> None:
    interruptions = Interruptions(bench, seed=5)
    order = bench.models_in_build_order()
    for count in range(1, len(order)):
        interruptions.break_off_after(order[:count])


@pytest.mark.full
def test_a_changed_configuration_rebuilds_what_it_decides(bench: Bench, tmp_path: Path) -> None:
    stages = (bench.warehouse.home.seeds / "funnel_stages.csv").read_text()
    changed = stages.replace("support,2,greeted,fact,first_agent_message_at", "support,2,greeted,event,tool_called")
    assert changed != stages
    arrival = random_arrival(3)

    moving = WarehouseUnderTest(tmp_path / "moving", SEEDS)
    land_files(moving, arrival.files(0))
    moving.build()
    # The same folders with another seed and another time zone: what a user does between two runs.
    moved = WarehouseUnderTest(
        tmp_path / "moving", SEEDS | {"funnel_stages.csv": changed}, "America/New_York", loads=moving.loads
    )
    land_files(moved, arrival.files(1))
    moved.build()

    fresh = WarehouseUnderTest(tmp_path / "fresh", SEEDS | {"funnel_stages.csv": changed}, "America/New_York")
    for batch in (0, 1):
        land_files(fresh, arrival.files(batch))
    fresh.build()
    assert_none(build_differences(moved.home.build_database, fresh.home.build_database))
