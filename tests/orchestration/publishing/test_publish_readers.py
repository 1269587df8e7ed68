"""Readers while versions are published one after the other: no error, no torn read, nothing goes back in time.

Each version carries its number in every row of two tables. A reader receives the next number before it is published and
reads until it sees it: it reads all the while, and each of its sessions meets at most one switch, however slow the
machine is.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.published_samples import change_build, publish_sample, query

KEPT = 2
TABLES = ("fct_conversations", "metrics_daily")

# Three months, so that Parquet has several files a table; every row of both tables carries the token.
BUILD = """
create schema marts;
create table marts.fct_conversations as
select 0 as token, date '2026-01-01' + cast(range % 80 as integer) as conversation_date, range as payload
from range(3000);
create table marts.metrics_daily as
select 0 as token, date '2026-01-01' + cast(range % 80 as integer) as date from range(800);
"""

# For each token read from input: sessions until one sees it. A session opens once and reads each table twice.
READER = """
import json, os, sys
import duckdb
kind, published = sys.argv[1:]
tables = ("fct_conversations", "metrics_daily")

def session():
    if kind == "open":
        connection, prefix = duckdb.connect(published + "/colloquy.duckdb", read_only=True), "marts.{}"
    else:
        connection = duckdb.connect()
        if kind == "attach":
            connection.execute(f"attach '{published}/colloquy.duckdb' as warehouse (read_only)")
            prefix = "warehouse.marts.{}"
        else:
            # Resolved once per session, as docs/operations.md states.
            prefix = "'" + os.path.realpath(published + "/current") + "/{}/*.parquet'"
    with connection:
        return [
            connection.execute("select distinct token from " + prefix.format(table)).fetchall()
            for table in tables * 2
        ]

for token in map(int, sys.stdin):
    seen = []
    while not seen or isinstance(seen[-1], list) and seen[-1][-1] != [(token,)]:
        try:
            seen.append(session())
        except (duckdb.Error, OSError) as error:
            seen.append(str(error))
    print(json.dumps(seen), flush=True)
"""

# Opens the warehouse and reads one table; for a line of input it reads the other, which it has not looked at before.
HOLDER = """
import sys
import duckdb
kind, file = sys.argv[1:]
connection = duckdb.connect(file, read_only=True) if kind == "open" else duckdb.connect()
if kind == "attach":
    connection.execute(f"attach '{file}' as warehouse (read_only)")
    connection.execute("use warehouse")
for table in ("fct_conversations", "metrics_daily"):
    print(connection.execute(f"select distinct token from marts.{table}").fetchall(), flush=True)
    sys.stdin.readline()
"""


@contextmanager
def started(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start Python with the code; it ends with the block."""
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def tell(process: subprocess.Popen[str], text: str = "") -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def publish_token(build: Path, published: Path, token: int) -> None:
    change_build(build, "; ".join(f"update marts.{table} set token = {token}" for table in TABLES))
    assert publish_sample(build, published, tables=TABLES, keep=KEPT).version == f"{token:06}"


def make_first_version(folder: Path) -> tuple[Path, Path]:
    build, published = folder / "build.duckdb", folder / "published"
    change_build(build, BUILD)
    publish_token(build, published, 1)
    return build, published


def tokens_of(session: Any) -> set[int]:
    """Return the tokens a session met; an error is a text and fails here."""
    assert isinstance(session, list), session
    return {row[0] for rows in session for row in rows}


@pytest.mark.parametrize(
    ("kinds", "versions"),
    [
        (("open", "attach", "parquet"), 12),
        # About a minute on two cores.
        pytest.param(("open", "attach", "parquet", "parquet") * 2, 60, marks=pytest.mark.full),
    ],
)
def test_readers_see_whole_versions_in_order(tmp_path: Path, kinds: tuple[str, ...], versions: int) -> None:
    build, published = make_first_version(tmp_path)
    with ExitStack() as stack:
        readers = [stack.enter_context(started(READER, kind, str(published))) for kind in kinds]
        for token in range(2, versions + 1):
            for reader in readers:
                tell(reader, str(token))
            publish_token(build, published, token)
            assert sorted(path.name for path in published.glob("colloquy-*")) == [
                f"colloquy-{kept:06}.duckdb" for kept in range(token - KEPT + 1, token + 1)
            ]
            for kind, reader in zip(kinds, readers, strict=True):
                sessions = [tokens_of(session) for session in json.loads(answer(reader))]
                # The old version some times, then the new one once: never both in a session, never the old one again.
                assert sessions[:-1] == [{token - 1}] * (len(sessions) - 1), (kind, sessions)
                assert sessions[-1] == {token}, (kind, sessions)


@pytest.mark.parametrize("kind", ["open", "attach"])
@pytest.mark.parametrize("name", ["colloquy.duckdb", "colloquy-000001.duckdb"])
def test_a_file_held_open_survives_its_collection(tmp_path: Path, kind: str, name: str) -> None:
    build, published = make_first_version(tmp_path)
    with started(HOLDER, kind, str(published / name)) as holder:
        assert answer(holder) == "[(1,)]\n"
        for token in (2, 3, 4):
            publish_token(build, published, token)
        assert not (published / "colloquy-000001.duckdb").exists()
        # Read for the first time, from a file that has no name any more.
        tell(holder)
        assert answer(holder) == "[(1,)]\n"
        tell(holder)
    assert query(published / "colloquy.duckdb", "select distinct token from marts.metrics_daily") == [(4,)]
