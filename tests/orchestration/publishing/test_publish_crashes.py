"""A publish that dies anywhere: readers see a whole version, the next publish mends the rest.

A process of its own forks one child per step; each child publishes the second version into its own copy of the folder
and is killed (SIGKILL) right before its n-th change on disk.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.publishing import MissingTableError, read_manifest
from orchestration.settings import PROJECT_DIR
from tests.support.published_samples import TWO_TABLES, change_build, make_build, names, publish_sample, query

COUNT = "select count(*) from marts.fct_conversations"

SWEEP = """
import os, shutil, signal, sys
from pathlib import Path
import pandas  # what DuckDB would import again in every child
from tests.support.published_samples import TWO_TABLES, publish_sample
work = Path(sys.argv[1])
calls = 0

def killing_before(name, n):
    original = getattr(os, name)
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    setattr(os, name, call)

for n in range(1, 1000):
    folder = work / f"{n:03}"
    folder.mkdir()
    shutil.copytree(work / "published", folder / "published", symlinks=True)
    link = folder / "published/colloquy.duckdb"
    if link.exists():
        link.unlink()
        os.link(folder / "published/colloquy-000001.duckdb", link)
    child = os.fork()
    if child == 0:
        for name in ("replace", "link", "symlink", "unlink", "rmdir", "write"):
            killing_before(name, n)
        # Each message is a step too: between the copy and the export DuckDB itself writes.
        publish_sample(work / "build.duckdb", folder / "published", keep=1, tables=TWO_TABLES,
                       on_progress=lambda text: os.write(2, text.encode()))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        sys.exit(os.WEXITSTATUS(status))
"""


def sweep(work: Path) -> list[Path]:
    """Kill a publish at each step; return the published folders, that of the one which got through last."""
    command = [sys.executable, "-c", SWEEP, str(work)]
    paths = f"{PROJECT_DIR}:{Path(__file__).parent}"
    result = subprocess.run(
        command, cwd=PROJECT_DIR, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return sorted(path / "published" for path in work.iterdir() if path.name.isdigit())


def assert_whole(published: Path, version: str) -> None:
    """One version and nothing else, all links and the manifest leading to it."""
    assert {path.name for path in published.iterdir()} == {
        "colloquy.duckdb",
        "current",
        "manifest.json",
        f"colloquy-{version}.duckdb",
        f"v{version}",
    }
    manifest = read_manifest(published)
    assert manifest is not None
    assert (manifest.version, manifest.versions) == (version, (version,))
    assert (published / "colloquy.duckdb").samefile(published / f"colloquy-{version}.duckdb")
    assert str((published / "current").readlink()) == f"v{version}"
    expected = {name for table, record in manifest.tables.items() for name in record.parquet_files(table)}
    assert names(published / f"v{version}") == expected | {"manifest.json"}


def test_killed_before_any_step_of_the_second_version(tmp_path: Path) -> None:
    build = make_build(tmp_path)
    publish_sample(build, tmp_path / "published", keep=1, tables=TWO_TABLES)
    change_build(build, "insert into marts.fct_conversations values ('s:5', '2026-02-02', 1, null)")
    folders = sweep(tmp_path)
    assert len(folders) > 15
    seen = []
    for published in folders:
        # What a reader finds right after the crash: the old or the new version, whole.
        seen.append(query(published / "colloquy.duckdb", COUNT)[0][0])
        before = read_manifest(published)
        assert before is not None
        assert before.version in {"000001", "000002"}
        half = (published / "v000002").exists() and not (published / "colloquy-000002.duckdb").exists()
        publish_sample(build, published, keep=1, tables=TWO_TABLES)
        assert query(published / "colloquy.duckdb", COUNT) == [(5,)], published
        # A folder that had got its name without its file is dropped, its number is not used again.
        assert_whole(published, "000003" if half else "000002")
    assert seen == sorted(seen)
    assert set(seen) == {4, 5}


def test_killed_before_any_step_of_the_first_version(tmp_path: Path) -> None:
    build = make_build(tmp_path)
    (tmp_path / "published").mkdir()
    folders = sweep(tmp_path)
    for published in folders:
        if (published / "colloquy.duckdb").exists():
            assert query(published / "colloquy.duckdb", COUNT) == [(4,)]
        publish_sample(build, published, keep=1, tables=TWO_TABLES)
        manifest = read_manifest(published)
        assert manifest is not None
        assert_whole(published, manifest.version)


@pytest.mark.full
def test_crash_after_the_build_changed_again_publishes_the_newest(tmp_path: Path) -> None:
    build = make_build(tmp_path)
    publish_sample(build, tmp_path / "published", keep=1, tables=TWO_TABLES)
    change_build(build, "insert into marts.fct_conversations values ('s:5', '2026-02-02', 1, null)")
    folders = sweep(tmp_path)
    change_build(build, "insert into marts.fct_conversations values ('s:6', '2026-02-02', 1, null)")
    for published in folders:
        publish_sample(build, published, keep=1, tables=TWO_TABLES)
        assert query(published / "colloquy.duckdb", COUNT) == [(6,)]
        manifest = read_manifest(published)
        assert manifest is not None
        assert_whole(published, manifest.version)


def test_error_while_writing_leaves_the_last_version_and_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    change_build(build, "delete from marts.fct_conversations")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            publish_sample(build, published, keep=1)
    assert query(published / "colloquy.duckdb", COUNT) == [(4,)]
    assert_whole(published, "000001")


def test_version_that_was_half_removed_does_not_count_as_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    change_build(build, "delete from marts.metrics_daily")
    remove = shutil.rmtree

    def fail_on_versions(path: Path) -> None:
        if path.name.startswith("v"):
            raise OSError(5, "Input/output error")
        remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", fail_on_versions)
        with pytest.raises(OSError, match="Input/output error"):
            publish_sample(build, published, keep=1)
    assert publish_sample(build, published, keep=3).removed_versions == ("000001",)
    assert_whole(published, "000002")


def test_leftovers_are_removed_with_a_message(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    (published / ".publishing").mkdir()
    (published / ".publishing/colloquy-000002.duckdb").write_bytes(b"half a file")
    (published / "colloquy.duckdb.wal").write_bytes(b"of a connection that wrote")
    messages: list[str] = []
    assert publish_sample(build, published, keep=1, on_progress=messages.append).unchanged
    assert_whole(published, "000001")
    assert any(".publishing: removing" in message for message in messages)
    assert any("colloquy.duckdb.wal: removing" in message for message in messages)


@pytest.mark.parametrize("lost", ["manifest.json", "colloquy.duckdb", "current"])
def test_lost_parts_are_mended(tmp_path: Path, lost: str) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    (published / lost).unlink()
    assert publish_sample(build, published, keep=1).unchanged
    assert_whole(published, "000001")

    # Readers need the last version all the more when the next one cannot be written.
    (published / lost).unlink()
    with pytest.raises(MissingTableError):
        publish_sample(build, published, tables=("fct_flows",))
    assert_whole(published, "000001")


def test_broken_manifest_is_reported_and_written_anew(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    (published / "manifest.json").write_text("{")
    messages: list[str] = []
    assert publish_sample(build, published, keep=1, on_progress=messages.append).unchanged
    assert any("manifest.json is no manifest" in message for message in messages)
    assert_whole(published, "000001")


def test_lost_version_is_published_anew_under_the_next_number(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    (published / "colloquy-000001.duckdb").unlink()
    shutil.rmtree(published / "v000001")
    assert publish_sample(build, published, keep=1).version == "000002"
    assert_whole(published, "000002")


def test_parquet_file_somebody_removed_is_written_again(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    (published / "v000001/fallback_topics.parquet").unlink()
    change_build(build, "delete from marts.metrics_daily")
    publish_sample(build, published, keep=1)
    assert_whole(published, "000002")
    with duckdb.connect() as connection:
        path = published / "current/fallback_topics.parquet"
        assert connection.execute(f"select count(*) from '{path}'").fetchall() == [(2,)]
