"""What `make run` prints when files or the disk fail; readers notice nothing, the next run makes up for it.

The command itself, in forked processes. A home that already holds a loaded file and a published version stands for a
warehouse that has run for long; what is damaged there ends a run before dbt starts, which keeps the test short.
"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.landing import load_landing
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.home import Home
from tests.support import small_disk
from tests.support.forked import Finished, Forks
from tests.support.published_samples import make_build, publish_sample, query
from tests.support.published_versions import assert_versions_are_whole

MAIN = "orchestration.__main__:main"
DISK = "tests.support.small_disk"
FAILED = "The run failed; readers keep the last good version."
SAFE = "nothing is lost, the next run takes up where this one stopped"
DISK_MEGABYTES = 192
LARGE_FILE_EVENTS = 2000
FULL_FROM = (
    "starting the run",
    "landing files",
    "building the events",
    "building the marts",
    "publishing",
)


def event(name: str, content: str = "hello") -> str:
    fields = {
        "event_id": name,
        "conversation_id": name,
        "event_type": "user_message",
        "timestamp": "2026-02-01T10:00:00Z",
        "properties": {"content": content},
    }
    return json.dumps(fields) + "\n"


class Warehouse:
    """A warehouse in a folder and the command that runs it."""

    def __init__(self, home: Path, landing: Path, forks: Forks) -> None:
        self.home = Home(home)
        self.landing = landing
        self._forks = forks
        (landing / "events").mkdir(parents=True)
        self.land("a.jsonl", event("a1") + event("a2"))

    def land(self, name: str, text: str) -> None:
        (self.landing / "events" / name).write_text(text)

    def command(self, *arguments: str) -> Finished:
        return self._forks.run(MAIN, {"arguments": list(arguments)})

    def run(self) -> Finished:
        return self.command("run", "--landing", str(self.landing))

    def failure(self) -> str:
        """Run, expect a failure, and return the one line that states what happened and what to do."""
        finished = self.run()
        assert finished.code == 1, finished.output
        assert "Traceback" not in finished.output, finished.output
        told = finished.output.partition(f"{FAILED}\n")[2].splitlines()
        assert told, finished.output
        return told[0]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp("faults")
    with Forks(folder, {"COLLOQUY_HOME": str(folder / "home")}) as forks:
        warehouse = Warehouse(folder / "home", folder / "landing", forks)
        home = warehouse.home
        home.create()
        load_landing(
            home.raw_database,
            warehouse.landing,
            seeds=PROJECT_DIR / "seeds",
            hash_key=b"key",
            stable_after=timedelta(0),
            now=datetime(2026, 3, 1, tzinfo=UTC),
        )
        publish_sample(make_build(home.root), home.published)
        yield warehouse
    shutil.rmtree(folder)


def assert_readers_see_the_sample(home: Home) -> None:
    assert assert_versions_are_whole(home.published) == ["000001"]
    assert query(home.published / "colloquy.duckdb", "select count(*) from marts.fct_conversations") == [(4,)]


@pytest.mark.full
def test_a_damaged_raw_database_is_named_and_left_alone(prepared: Warehouse) -> None:
    raw = prepared.home.raw_database
    whole = raw.read_bytes()
    raw.write_bytes(whole[:4096] + b"\7" * 8192 + whole[12288:])
    damaged = raw.read_bytes()
    line = prepared.failure()
    assert line.startswith("  landed_files: IO Error: Corrupt database file: ")
    advice = f"; put a backup of {raw} in its place, or move it away: the next run loads everything"
    assert advice in line
    assert raw.read_bytes() == damaged
    status = prepared.command("status")
    assert status.code == 0, status.output
    assert advice in status.output
    assert_readers_see_the_sample(prepared.home)
    raw.write_bytes(whole)


@pytest.mark.full
def test_a_damaged_build_database_may_be_deleted(prepared: Warehouse) -> None:
    build = prepared.home.build_database
    whole = build.read_bytes()
    build.write_bytes(b"no database at all\n" * 2000)
    line = prepared.failure()
    assert line.startswith(f"  canonical_events: {build} cannot be read: IO Error: ")
    assert line.endswith(" Everything in it is derived: make rebuild")
    assert_readers_see_the_sample(prepared.home)
    build.write_bytes(whole)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Warehouse, Forks]]:
    """Run a warehouse once, on a small disk that only the forked processes see."""
    if not small_disk.is_possible():
        pytest.skip("needs unshare and a kernel that lets this user mount a disk for himself")
    disk = tmp_path / "disk"
    disk.mkdir()
    # Buffered, as Python is by default: what waits to be written when the disk is full must not get lost or in the way.
    environment = {"COLLOQUY_HOME": str(disk / "home"), "PYTHONUNBUFFERED": ""}
    with Forks(tmp_path, environment, small_disk.NAMESPACE) as forks:
        assert forks.run(f"{DISK}:mount", {"folder": str(disk), "megabytes": DISK_MEGABYTES}).code == 0
        warehouse = Warehouse(disk / "home", tmp_path / "landing", forks)
        first = warehouse.run()
        assert first.code == 0, first.output
        yield warehouse, forks


def readers_see(small: tuple[Warehouse, Forks]) -> tuple[list[str], int]:
    """Return the versions, whole ones, and the conversations in the newest."""
    warehouse, forks = small
    told = forks.run(f"{DISK}:print_published", {"published": str(warehouse.home.published)})
    assert told.code == 0, told.output
    seen = json.loads(told.output)
    return seen["versions"], seen["conversations"]


@pytest.mark.full
def test_a_full_disk_or_a_read_only_folder_costs_a_run_and_nothing_else(small: tuple[Warehouse, Forks]) -> None:
    warehouse, forks = small
    disk = str(warehouse.home.root.parent)
    # Text that does not get smaller: more than the second disk below has room for.
    warehouse.land(
        "b.jsonl", "".join(event(f"b{number}", os.urandom(1000).hex()) for number in range(LARGE_FILE_EVENTS))
    )
    # Before the first step, in landing, and while dbt builds.
    for free_kilobytes in (100, 3000, 9000):
        assert forks.run(f"{DISK}:fill", {"folder": disk, "free_kilobytes": free_kilobytes}).code == 0
        line = warehouse.failure()
        assert line.endswith(SAFE), (free_kilobytes, line)
        assert f"{warehouse.home.root}" in line
        assert readers_see(small) == (["000001"], 2)
    forks.run(f"{DISK}:make_room", {"folder": disk})

    published = {"folder": str(warehouse.home.published)}
    assert forks.run(f"{DISK}:make_read_only", published).code == 0
    line = warehouse.failure()
    assert line.startswith("  published__version: [Errno 30] Read-only file system: ")
    assert line.endswith(
        f"make it writable for the user of this run (make doctor looks at the folders), then run again; {SAFE}"
    )
    assert readers_see(small) == (["000001"], 2)
    assert forks.run(f"{DISK}:make_writable", published).code == 0

    last = warehouse.run()
    assert last.code == 0, last.output
    assert readers_see(small) == (["000001", "000002"], 2 + LARGE_FILE_EVENTS)


@pytest.mark.full
def test_a_disk_that_gets_full_in_any_phase(small: tuple[Warehouse, Forks]) -> None:
    warehouse, forks = small
    disk = str(warehouse.home.root.parent)
    warehouse.land(
        "b.jsonl", "".join(event(f"b{number}", os.urandom(300).hex()) for number in range(LARGE_FILE_EVENTS))
    )
    call = {
        "arguments": ["run", "--landing", str(warehouse.landing)],
        "environment": {},
        "folder": disk,
    }
    for phase in FULL_FROM:
        finished = forks.run("tests.support.limited:run_on_full_disk", {**call, "phase": phase})
        assert finished.code == 1, (phase, finished.output)
        assert "Traceback" not in finished.output, (phase, finished.output)
        line = finished.output.partition(f"{FAILED}\n")[2].splitlines()[0]
        assert line.endswith(SAFE), (phase, line)
        assert str(warehouse.home.root) in line
        assert readers_see(small) == (["000001"], 2)
        forks.run(f"{DISK}:make_room", {"folder": disk})
    last = warehouse.run()
    assert last.code == 0, last.output
    assert readers_see(small) == (["000001", "000002"], 2 + LARGE_FILE_EVENTS)
