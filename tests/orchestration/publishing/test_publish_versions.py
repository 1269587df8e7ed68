"""When a new version is made, what it shares with the one before, and what readers of the old one see."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.publishing import ManifestError, read_manifest
from tests.support.published_samples import NOON, change_build, make_build, names, parquet_rows, publish_sample, query

# Opens the database, answers one count for each line of input.
READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for _ in sys.stdin:
    print(connection.execute("select count(*) from marts.fct_conversations").fetchone()[0], flush=True)
"""


def inodes(published: Path, version: str) -> dict[str, int]:
    folder = published / f"v{version}"
    return {name: (folder / name).stat().st_ino for name in names(folder) if name.endswith(".parquet")}


def test_reader_keeps_the_old_version_and_the_next_reader_gets_the_new(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published, keep=1)
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(published / "colloquy.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def count() -> int:
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.write("\n")
            reader.stdin.flush()
            return int(reader.stdout.readline())

        assert count() == 4
        change_build(build, "insert into marts.fct_conversations values ('s:5', '2026-02-02', 1, null)")
        assert publish_sample(build, published, keep=1).removed_versions == ("000001",)
        assert count() == 4
        assert query(published / "colloquy.duckdb", "select count(*) from marts.fct_conversations") == [(5,)]
        reader.stdin.close()


def test_bytes_of_a_published_file_never_change(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    with (published / "colloquy.duckdb").open("rb") as opened:
        before = opened.read()
        change_build(build, "delete from marts.fct_conversations")
        publish_sample(build, published)
        opened.seek(0)
        assert opened.read() == before
    assert (published / "colloquy-000001.duckdb").read_bytes() == before
    assert (published / "colloquy.duckdb").read_bytes() != before


def test_unchanged_build_is_not_published_but_confirmed(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    before = names(published)
    first_inode = (published / "colloquy.duckdb").stat().st_ino
    # The same rows in another order and a rebuilt file are no change.
    change_build(
        build, "create or replace table marts.fallback_topics as select * from marts.fallback_topics order by share"
    )
    later = NOON + timedelta(hours=1)
    summary = publish_sample(build, published, run_id="run-2", now=later, data_until=later, checks={"passed": 13})
    assert summary.unchanged
    assert summary.version == "000001"
    assert (summary.parquet_written, summary.parquet_linked) == (0, 0)
    assert names(published) == before
    assert (published / "colloquy.duckdb").stat().st_ino == first_inode
    manifest = read_manifest(published)
    assert manifest is not None
    assert (manifest.run_id, manifest.published_at) == ("run-1", NOON)
    assert (manifest.last_checked_run_id, manifest.last_checked_at) == ("run-2", later)
    assert (manifest.data_until, manifest.checks) == (later, {"passed": 13})


def test_a_manifest_of_an_earlier_release_is_read_and_written_anew(tmp_path: Path) -> None:
    """What it does not say is taken from what it does: checked when published, no checks, no other versions."""
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    path = published / "manifest.json"
    fields = json.loads(path.read_text())
    whole = dict(fields)
    for name in ("data_until", "checks", "versions", "last_checked_at", "last_checked_run_id"):
        del fields[name]
    path.write_text(json.dumps(fields | {"of_another_release": 1}))
    manifest = read_manifest(published)
    assert manifest is not None
    assert (manifest.data_until, manifest.checks, manifest.versions) == (None, {}, ("000001",))
    assert (manifest.last_checked_at, manifest.last_checked_run_id) == (NOON, "run-1")
    assert publish_sample(build, published).unchanged
    assert json.loads(path.read_text()) == whole


def test_a_manifest_that_says_too_little_is_replaced(tmp_path: Path) -> None:
    """Both the one of the folder and that of the version: the next publish writes a version of its own."""
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    for path in (published / "manifest.json", published / "v000001" / "manifest.json"):
        path.write_text(json.dumps({"release": 0}))
    with pytest.raises(ManifestError, match="KeyError: 'version'; the next run that publishes writes it again"):
        read_manifest(published)
    told: list[str] = []
    assert publish_sample(build, published, on_progress=told.append).version == "000002"
    assert any("is no manifest" in line for line in told)
    manifest = read_manifest(published)
    assert manifest is not None
    assert manifest.version == "000002"


def test_manifest_opened_before_a_publish_reads_whole_and_old(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    with (published / "manifest.json").open() as opened:
        publish_sample(build, published, run_id="run-2")
        assert json.load(opened)["last_checked_run_id"] == "run-1"
    assert json.loads((published / "manifest.json").read_text())["last_checked_run_id"] == "run-2"


def test_only_the_changed_month_is_written_again(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    change_build(build, "update marts.fct_conversations set turns = 8 where conversation_key = 's:3'")
    summary = publish_sample(build, published)
    before, after = inodes(published, "000001"), inodes(published, "000002")
    assert before.keys() == after.keys()
    assert {name for name in after if after[name] != before[name]} == {"fct_conversations/2026-02.parquet"}
    assert (summary.parquet_written, summary.parquet_linked) == (1, 5)
    assert parquet_rows(published / "v000002/fct_conversations/2026-02.parquet", "turns") == [(8,)]
    assert parquet_rows(published / "v000001/fct_conversations/2026-02.parquet", "turns") == [(7,)]


def test_table_that_gets_its_first_rows_loses_the_empty_file(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    change_build(build, "insert into marts.alerts values ('2026-03-01', 'resolution')")
    publish_sample(build, published)
    assert names(published / "v000002/alerts") == {"2026-03.parquet"}


@pytest.mark.parametrize(
    "change",
    [
        "update marts.fct_conversations set tags = null where conversation_key = 's:2'",
        "update marts.fct_conversations set tags = [null] where conversation_key = 's:2'",
        "update marts.fct_conversations set conversation_key = '' where conversation_key = 's:2'",
        "insert into marts.fct_conversations select * from marts.fct_conversations where turns = 0",
        "update marts.fct_conversations set turns = case turns when 3 then 7 when 7 then 3 else turns end",
        "delete from marts.metrics_daily",
        "alter table marts.fallback_topics rename topic to subject",
        "alter table marts.fct_conversations alter turns type bigint",
        "comment on column marts.fct_conversations.turns is 'Messages of the customer.'",
        "comment on table marts.alerts is 'One row per alert.'",
    ],
)
def test_each_of_these_is_a_change(tmp_path: Path, change: str) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    change_build(build, change)
    assert not publish_sample(build, published).unchanged


def test_table_taken_off_the_list_makes_a_version_without_it(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    assert publish_sample(build, published, tables=("alerts",)).version == "000002"
    assert query(published / "colloquy.duckdb", "select table_name from duckdb_tables()") == [("alerts",)]


def test_the_last_versions_stay(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    for day in range(1, 6):
        change_build(build, f"insert into marts.alerts values ('2026-03-0{day}', 'r')")
        publish_sample(build, published, keep=2)
    kept = {"colloquy-000004.duckdb", "v000004", "colloquy-000005.duckdb", "v000005"}
    assert {path.name for path in published.iterdir()} == kept | {"colloquy.duckdb", "current", "manifest.json"}
    manifest = read_manifest(published)
    assert manifest is not None
    assert manifest.versions == ("000004", "000005")
    # A linked month outlives the version that wrote it.
    assert parquet_rows(published / "current/alerts/2026-03.parquet", "count(*)") == [(5,)]
    assert parquet_rows(published / "current/fallback_topics.parquet", "topic") == [("billing",), ("delivery",)]
    # A smaller number takes effect although nothing changed.
    assert publish_sample(build, published, keep=1).removed_versions == ("000004",)


def test_versions_go_on_when_the_clock_goes_back(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    publish_sample(build, published)
    for day, version in ((1, "000002"), (2, "000003")):
        change_build(build, f"insert into marts.fallback_topics values ('day {day}', 0.25)")
        assert publish_sample(build, published, now=NOON - timedelta(days=day), keep=2).version == version
    manifest = read_manifest(published)
    assert manifest is not None
    assert (manifest.version, manifest.versions) == ("000003", ("000002", "000003"))
    assert manifest.published_at == NOON - timedelta(days=2)
    assert query(published / "colloquy.duckdb", "select count(*) from marts.fallback_topics") == [(4,)]


def test_foreign_files_stay_and_numbers_are_not_used_twice(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    published.mkdir()
    (published / "notes.txt").write_text("mine")
    (published / "v000041").mkdir()
    assert publish_sample(build, published).version == "000042"
    assert (published / "notes.txt").read_text() == "mine"
    assert not (published / "v000041").exists()
