"""A disk that is full in the middle of a publish, and one that takes nothing: the last version stays, whole."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.reporting.remedies import passes
from tests.support import small_disk
from tests.support.forked import Finished, Forks
from tests.support.published_samples import change_build, make_build

pytestmark = pytest.mark.skipif(
    not small_disk.is_possible(), reason="needs unshare and a kernel that lets this user mount a disk for himself"
)
DISK = "tests.support.small_disk"


class Disk:
    """A small disk with one published version of the sample build, which has changed since."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        self._forks = forks
        self._folder = folder / "disk"
        self._published = self._folder / "published"
        self._build = make_build(folder)
        self._folder.mkdir()
        self.call("mount", folder=str(self._folder), megabytes=16)
        assert self.publish().code == 0
        change_build(self._build, "insert into marts.fct_conversations values ('s:5', '2026-02-02', 1, null)")

    def call(self, name: str, **arguments: object) -> Finished:
        return self._forks.run(f"{DISK}:{name}", arguments)

    def publish(self, full_at: str | None = None) -> Finished:
        return self.call(
            "publish",
            folder=str(self._folder),
            build=str(self._build),
            published=str(self._published),
            full_at=full_at,
        )

    def make_room(self) -> None:
        assert self.call("make_room", folder=str(self._folder)).code == 0

    def set_read_only(self, *, is_read_only: bool) -> None:
        name = "make_read_only" if is_read_only else "make_writable"
        assert self.call(name, folder=str(self._published)).code == 0

    def assert_readers_see(self, versions: list[str], conversations: int) -> None:
        """Only the disk's own processes see what is on it."""
        told = self.call("print_published", published=str(self._published))
        assert told.code == 0, told.output
        seen = json.loads(told.output)
        assert (seen["versions"], seen["conversations"]) == (versions, conversations)
        files = {name for version in versions for name in (f"colloquy-{version}.duckdb", f"v{version}")}
        assert set(seen["names"]) == files | {"colloquy.duckdb", "current", "manifest.json"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Forks(tmp_path, within=small_disk.NAMESPACE, imports=["pandas", "duckdb"]) as forks:
        yield Disk(tmp_path, forks)


@pytest.mark.parametrize("full_at", ["copying", "exporting", "switching"])
def test_a_disk_that_fills_up_while_a_version_is_written(disk: Disk, full_at: str) -> None:
    failed = disk.publish(full_at)
    assert failed.code == 1, failed.output
    assert "No space left on device" in failed.output
    assert not passes(failed.output)
    disk.assert_readers_see(["000001"], 4)
    disk.make_room()
    assert disk.publish().code == 0
    disk.assert_readers_see(["000001", "000002"], 5)


def test_a_published_folder_that_nobody_may_write(disk: Disk) -> None:
    disk.set_read_only(is_read_only=True)
    failed = disk.publish()
    assert failed.code == 1, failed.output
    assert "Read-only file system" in failed.output
    assert not passes(failed.output)
    disk.assert_readers_see(["000001"], 4)
    disk.set_read_only(is_read_only=False)
    assert disk.publish().code == 0
    disk.assert_readers_see(["000001", "000002"], 5)
