"""Killed anywhere between landing and publish, a few times in a row; the next run ends as if nothing had happened."""

import json
import random
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from orchestration.warehouse.home import Home
from tests.support.bench import PUBLICATION_RECORDS
from tests.support.comparison import differences
from tests.support.crashes import (
    PHASES,
    CrashWarehouse,
    assert_every_line_is_accounted_for,
    assert_nothing_left_behind,
    labels_held,
    raw_lines,
)
from tests.support.forked import Finished, Forks
from tests.support.published_versions import assert_versions_are_whole

RUN = "tests.support.crashes:run_once"
# The first run builds from nothing; the second finds two more batches on top of it.
HOURS = {"first": 1, "second": 2}
CHAINS = 5
KILLED = (-signal.SIGKILL, -signal.SIGXFSZ)
# Somewhere inside the files a run writes: the log of raw.duckdb, dbt's artefacts, build.duckdb, the published file.
TORN_BYTES = (1, 4096, 200_000, 1_500_000, 4_000_000)


class Crashes:
    """Two runs undisturbed, to start from and to compare with, and how many moments each of them has."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        self._forks = forks
        self.warehouse = CrashWarehouse(folder / "warehouse")
        self.moments: dict[str, dict[str, int]] = {}
        self.warehouse.land_batches(0)
        self._undisturbed("first")
        self.warehouse.land_batches(1, 2)
        self._undisturbed("second")

    def _undisturbed(self, history: str) -> None:
        self.warehouse.keep(f"{history}-start")
        # The first time, dbt may be asked for what no test has had it write, which takes more moments than ever again.
        for _ in range(2):
            self.warehouse.restore(f"{history}-start")
            finished = self.run(history)
            assert finished.code == 0, finished.output
        self.moments[history] = json.loads((self.warehouse.folder / "moments.json").read_text())
        self.warehouse.keep(f"{history}-end")

    def run(self, history: str, **death: Sequence[object]) -> Finished:
        """Run the whole job in a process of its own, `kill` or `tear` saying how it dies."""
        arguments = {"folder": str(self.warehouse.folder), "hour": HOURS[history], **death}
        return self._forks.run(RUN, arguments)

    def survive(self, history: str, deaths: Sequence[dict[str, Sequence[object]]]) -> str:
        """Die in each of these ways, one run after the other, then run to the end and find nothing different.

        Returns the output of the last run.
        """
        warehouse = self.warehouse
        warehouse.restore(f"{history}-start")
        before = assert_versions_are_whole(warehouse.home.published)
        for place, death in enumerate(deaths):
            finished = self.run(history, **death)
            assert finished.code in KILLED, (death, finished.output)
            assert ("did not finish; this run takes over" in finished.output) == (place > 0), finished.output
            assert set(before) <= set(assert_versions_are_whole(warehouse.home.published)), death
            assert_every_line_is_accounted_for(warehouse.home.raw_database)
        self.leave_litter()
        finished = self.run(history)
        assert finished.code == 0, finished.output
        assert "did not finish; this run takes over" in finished.output
        self._assert_as_undisturbed(warehouse.kept(f"{history}-end"))
        return finished.output

    def leave_litter(self) -> None:
        """Leave what no chosen moment leaves for sure: files DuckDB spilled to disk, half a parse state of dbt."""
        home = self.warehouse.home
        for database in (home.raw_database, home.build_database):
            spill = database.with_name(f"{database.name}.tmp")
            spill.mkdir(exist_ok=True)
            (spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"spilled")
        parsed = home.dbt_target / "partial_parse.msgpack"
        parsed.write_bytes(parsed.read_bytes()[:1000] if parsed.exists() else b"")

    def _assert_as_undisturbed(self, undisturbed: Home) -> None:
        home = self.warehouse.home
        assert raw_lines(home.raw_database) == raw_lines(undisturbed.raw_database)
        # What was committed before a death was not labelled again after it.
        assert labels_held(home.raw_database) == labels_held(undisturbed.raw_database)
        assert_every_line_is_accounted_for(home.raw_database)
        # Loads that were killed have used up numbers, and versions between may have been published: a record of that.
        found = differences(undisturbed.build_database, home.build_database, without=PUBLICATION_RECORDS)
        found += differences(
            undisturbed.published / "colloquy.duckdb",
            home.published / "colloquy.duckdb",
            without=PUBLICATION_RECORDS,
        )
        assert not found, "\n".join(found)
        assert_nothing_left_behind(home)


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    folder = tmp_path_factory.mktemp("crashes")
    with Forks(folder) as forks:
        yield Crashes(folder, forks)
    shutil.rmtree(folder)


@pytest.mark.full
def test_killed_while_landing_building_and_publishing(crashes: Crashes) -> None:
    moments = crashes.moments["second"]
    said = crashes.survive("second", [{"kill": (phase, moments[phase] // 2)} for phase in PHASES])
    home = crashes.warehouse.home
    for leftover in ("raw.duckdb.tmp", "build.duckdb.tmp", "published/.publishing"):
        assert f"{home.root / leftover}: removing what " in said


@pytest.mark.full
@pytest.mark.parametrize("history", list(HOURS))
@pytest.mark.parametrize("chain", range(CHAINS))
def test_killed_at_random_moments(crashes: Crashes, history: str, chain: int) -> None:
    chance = random.Random(f"{history} {chain}")  # noqa: S311
    moments = crashes.moments[history]
    crashes.survive(history, [{"kill": (phase, chance.randint(1, moments[phase]))} for phase in PHASES])


@pytest.mark.full
@pytest.mark.parametrize("history", list(HOURS))
def test_killed_in_the_middle_of_a_write(crashes: Crashes, history: str) -> None:
    tears = [("landing", TORN_BYTES[0]), ("landing", TORN_BYTES[1])]
    tears += [("dbt", bytes_) for bytes_ in TORN_BYTES[1:]]
    crashes.survive(history, [{"tear": tear} for tear in tears])
