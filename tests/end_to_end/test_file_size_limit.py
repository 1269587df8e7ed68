"""`ulimit -f` at any size and in any phase: a plain error that names the limit, and the next run is whole."""

import json
import math
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.landing import load_landing
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.home import Home
from tests.support.comparison import differences
from tests.support.crashes import assert_every_line_is_accounted_for
from tests.support.forked import HEAVY, Finished, Forks
from tests.support.published_samples import make_build, publish_sample, query
from tests.support.published_versions import assert_versions_are_whole
from tests.support.recorded_refresh import parsed_before

RUN = "tests.support.limited:run_command"
FAILED = "The run failed; readers keep the last good version."
SAFE = "lift that limit, then run again; nothing is lost, the next run takes up where this one stopped"
EVENTS = 2000
# What is printed goes to a file of the test, which has to fit; the build of this history has 21 MB.
SMALLEST, LARGEST = 16_384, 12_000_000
DRAWN = 10
PHASES = {
    "starting the run": 20_000,
    "landing files": 3_000_000,
    "building the events": 4_000_000,
    "labelling stages": 4_000_000,
    "building the marts": 4_000_000,
    "publishing": 4_000_000,
}


def event(name: str, content: str) -> str:
    fields = {
        "event_id": name,
        "conversation_id": name,
        "event_type": "user_message",
        "timestamp": "2026-02-01T10:00:00Z",
        "properties": {"content": content},
    }
    return json.dumps(fields) + "\n"


class Warehouse:
    """A warehouse with one version and a larger file that waits."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        self.home, self.events = Home(folder / "home"), folder / "landing" / "events"
        self._forks = forks
        self.events.mkdir(parents=True)
        (self.events / "a.jsonl").write_text(event("a1", "hello"))

    def run(self, **limits: object) -> Finished:
        environment = {"COLLOQUY_HOME": str(self.home.root), "COLLOQUY_LANDING": str(self.events.parent)}
        return self._forks.run(RUN, {"arguments": ["run"], "environment": environment, **limits})

    def assert_fails_plainly(self, finished: Finished, limit: int) -> None:
        assert finished.code == 1, (limit, finished.output)
        assert "Traceback" not in finished.output, (limit, finished.output)
        told = finished.output.partition(f"{FAILED}\n")[2].splitlines()
        assert told, finished.output
        assert f"no file may grow beyond {limit:,} bytes here (ulimit -f): {SAFE}" in told[0], told
        assert assert_versions_are_whole(self.home.published) == ["000001"]
        assert_every_line_is_accounted_for(self.home.raw_database)


def copy_home(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    link = target / "published" / "colloquy.duckdb"
    link.unlink()
    link.hardlink_to(max(target.glob("published/colloquy-*.duckdb")))


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    imports = (*HEAVY, "orchestration.definitions", "orchestration.commands.job")
    with Forks(tmp_path_factory.mktemp("forks"), imports=imports) as server:
        yield server


@pytest.mark.parametrize(("phase", "limit"), [("", SMALLEST), ("landing files", 200_000)])
def test_before_dbt_starts(tmp_path: Path, forks: Forks, phase: str, limit: int) -> None:
    """A loaded file and a published version stand for a warehouse that has run for long."""
    warehouse = Warehouse(tmp_path, forks)
    home = warehouse.home
    parsed_before(home)
    load_landing(
        home.raw_database,
        warehouse.events.parent,
        seeds=PROJECT_DIR / "seeds",
        hash_key=b"key",
        stable_after=timedelta(0),
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    publish_sample(make_build(home.root), home.published)
    (warehouse.events / "b.jsonl").write_text(event("b1", "x" * 500_000))
    warehouse.assert_fails_plainly(warehouse.run(limit=limit, phase=phase or None), limit)
    assert query(home.published / "colloquy.duckdb", "select count(*) from marts.fct_conversations") == [(4,)]


def test_an_output_that_cannot_be_written_ends_with_one_line(tmp_path: Path) -> None:
    """The command does its work, and its exit code reports that the output is not whole."""
    for command in ("status", "doctor"):
        with Path("/dev/full").open("wb") as full:
            finished = subprocess.run(
                [sys.executable, "-m", "orchestration", command],
                cwd=PROJECT_DIR,
                env=os.environ | {"COLLOQUY_HOME": str(tmp_path / "home"), "COLLOQUY_LANDING": str(tmp_path)},
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert finished.returncode == 1
        assert finished.stderr == (
            "Not all of the output could be written: No space left on device; the command went on.\n"
        )


def test_doctor_names_the_limit(tmp_path: Path, forks: Forks) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    environment = {"COLLOQUY_HOME": str(tmp_path / "home"), "COLLOQUY_LANDING": str(tmp_path)}
    call = {"arguments": ["doctor"], "environment": environment}
    assert "ok  files may grow without a limit\n" in forks.run(RUN, call).output
    limited = forks.run(RUN, {**call, "limit": 5_000_000})
    assert limited.code == 1
    assert "FIX files may grow to 5,000,000 bytes at most (ulimit -f)\n" in limited.output


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Iterator[tuple[Warehouse, Path]]:
    """Yield a warehouse with a version and a large file that waits, and copies of it before and after a run."""
    folder = tmp_path_factory.mktemp("limited")
    warehouse = Warehouse(folder, forks)
    parsed_before(warehouse.home)
    first = warehouse.run()
    assert first.code == 0, first.output
    copy_home(warehouse.home.root, folder / "before")
    chance = random.Random(7)  # noqa: S311
    texts = (chance.randbytes(300).hex() for _ in range(EVENTS))
    (warehouse.events / "b.jsonl").write_text("".join(event(f"b{n}", text) for n, text in enumerate(texts)))
    second = warehouse.run()
    assert second.code == 0, second.output
    copy_home(warehouse.home.root, folder / "undisturbed")
    yield warehouse, folder
    shutil.rmtree(folder)


def assert_next_run_is_whole(warehouse: Warehouse, folder: Path) -> None:
    last = warehouse.run()
    assert last.code == 0, last.output
    published = Path("published") / "colloquy.duckdb"
    assert differences(folder / "undisturbed" / published, warehouse.home.root / published) == []


@pytest.mark.full
@pytest.mark.parametrize("phase", list(PHASES))
def test_in_every_phase(kept: tuple[Warehouse, Path], phase: str) -> None:
    warehouse, folder = kept
    copy_home(folder / "before", warehouse.home.root)
    limit = PHASES[phase]
    warehouse.assert_fails_plainly(warehouse.run(limit=limit, phase=phase), limit)
    assert_next_run_is_whole(warehouse, folder)


@pytest.mark.full
def test_at_drawn_sizes(kept: tuple[Warehouse, Path]) -> None:
    warehouse, folder = kept
    chance = random.Random("sizes")  # noqa: S311
    copy_home(folder / "before", warehouse.home.root)
    for _ in range(DRAWN):
        limit = round(math.exp(chance.uniform(math.log(SMALLEST), math.log(LARGEST // 2))))
        finished = warehouse.run(limit=limit)
        warehouse.assert_fails_plainly(finished, limit)
    assert_next_run_is_whole(warehouse, folder)
