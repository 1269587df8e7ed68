"""The remedies that are printed for an error, by the words the libraries really use for it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration.reporting.remedies import passes, with_remedy
from orchestration.warehouse.home import Home
from orchestration.warehouse.recovery import HEADER_BYTES, recover_files

SAFE = "nothing is lost, the next run takes up where this one stopped"


def make_database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table numbers as select range as n from range(100000)")


def words_of(path: Path) -> str:
    """Return the error of DuckDB when it cannot open the file."""
    with pytest.raises(duckdb.IOException) as raised:
        duckdb.connect(str(path))
    return str(raised.value)


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all\n" * 2000)


def bad_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\7" * 8192)


def cut(path: Path) -> None:
    os.truncate(path, 20_000)


@pytest.mark.parametrize("damage", [garbage, bad_header, cut])
def test_a_damaged_database(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    home = Home(tmp_path)
    for database in (home.raw_database, home.build_database):
        make_database(database)
        damage(database)
    raw, build = words_of(home.raw_database), words_of(home.build_database)
    assert not passes(raw)
    told = with_remedy(raw, home, home.raw_database)
    assert told.startswith(raw.splitlines()[0] + "; ")
    assert f"put a backup of {home.raw_database} in its place, or move it away: the next run loads everything" in told
    assert f"{home.build_database} is derived: run make rebuild." in with_remedy(build, home, home.build_database)
    assert "\n" not in told


@contextmanager
def opened_elsewhere(path: Path) -> Iterator[None]:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield
        process.communicate("\n")


def test_a_database_that_somebody_holds_is_waited_for(tmp_path: Path) -> None:
    home = Home(tmp_path)
    make_database(home.raw_database)
    with opened_elsewhere(home.raw_database):
        words = words_of(home.raw_database)
    assert passes(words)
    assert with_remedy(words, home, home.raw_database).endswith(
        f"; close the program that holds the file, then run again; {SAFE}"
    )


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (str(OSError(28, "No space left on device")), "free space on the disk of {home}"),
        ("(sqlite3.OperationalError) database or disk is full\n[SQL: insert]", "free space on the disk of {home}"),
        (str(OSError(30, "Read-only file system", "/p/.publishing")), "make it writable for the user of this run"),
        (str(OSError(13, "Permission denied", "/p/.publishing")), "make it writable for the user of this run"),
    ],
)
def test_a_full_or_locked_disk_does_not_pass_by_itself(tmp_path: Path, words: str, advice: str) -> None:
    assert not passes(words)
    told = with_remedy(words, Home(tmp_path), Home(tmp_path).build_database)
    assert told.startswith(words.splitlines()[0] + "; " + advice.format(home=tmp_path))
    assert told.endswith(SAFE)


def test_unknown_words_are_told_as_they_are(tmp_path: Path) -> None:
    assert with_remedy("\nsomething new\nand more", Home(tmp_path), tmp_path / "raw.duckdb") == "something new"
    assert with_remedy("", Home(tmp_path), tmp_path / "raw.duckdb") == "an error without words"
    assert passes("something new")


@pytest.mark.parametrize("size", [0, 1, 4096, HEADER_BYTES - 1])
def test_what_a_killed_run_leaves_is_removed_with_a_message(tmp_path: Path, size: int) -> None:
    home = Home(tmp_path)
    home.create()
    make_database(home.build_database)
    whole = home.build_database.read_bytes()
    home.raw_database.write_bytes(whole[:size])
    spilled = tmp_path / "raw.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"spilled")
    draft = home.private / ".hash_key.0123"
    draft.write_text("draft")
    messages: list[str] = []
    recover_files(home, messages.append)
    assert [message.partition(": ")[0] for message in messages] == [
        str(spilled),
        str(home.raw_database),
        str(draft),
    ]
    assert all(": removing" in message for message in messages)
    assert not any(path.exists() for path in (spilled, home.raw_database, draft))
    assert home.build_database.read_bytes() == whole
    recover_files(home, messages.append)
    assert len(messages) == 3


def test_a_log_is_replayed_and_never_removed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    # A database whose only content is in its log: what a kill -9 after a commit leaves.
    code = """
import duckdb, os, signal, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("create table kept as select 7 as n")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(home.raw_database)], check=False)
    assert (tmp_path / "raw.duckdb.wal").stat().st_size > 0
    messages: list[str] = []
    recover_files(home, messages.append)
    assert messages == []
    with duckdb.connect(str(home.raw_database)) as connection:
        assert connection.execute("from kept").fetchall() == [(7,)]
