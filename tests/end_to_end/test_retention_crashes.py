"""The run of 02:00 is killed while it removes what has expired; the next one leaves nothing of it in any file."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.warehouse.home import Home
from tests.support.forked import HEAVY, Forks
from tests.support.interrupted import moments_of
from tests.support.recorded_refresh import parsed_before

NIGHTLY = "tests.support.nightly:run_nightly"
OLD, NEW = "xylophone-of-last-year", "xylophone-of-today"
KILLS = 4


def land(landing: Path) -> None:
    today = datetime.now(UTC)
    lines = [
        {
            "event_id": name,
            "conversation_id": name,
            "event_type": "user_message",
            "timestamp": (today - age).isoformat(),
            "properties": {"content": f"hello {name}", "note": name},
        }
        for name, age in ((OLD, timedelta(days=300)), (NEW, timedelta(days=1)))
    ]
    # The words are in the text and in a free property; the ids are others.
    for number, line in enumerate(lines):
        line |= {"event_id": f"e-{number}", "conversation_id": f"c-{number}"}
    (landing / "events").mkdir(parents=True)
    (landing / "events" / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def files_with(root: Path, word: str) -> list[str]:
    """Return every file that holds a word: in its bytes, or, for what is packed, in any row."""
    found = []
    for path in sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink()):
        rows = b"".join(map(repr_bytes, rows_of(path)))
        if word.encode() in path.read_bytes() or word.encode() in rows:
            found.append(path.relative_to(root).as_posix())
    return found


def repr_bytes(row: tuple[Any, ...]) -> bytes:
    return repr(row).encode()


def rows_of(path: Path) -> Iterator[tuple[Any, ...]]:
    if path.suffix not in {".duckdb", ".parquet"}:
        return
    with duckdb.connect() as connection:
        if path.suffix == ".parquet":
            yield from connection.execute("from read_parquet(?)", [str(path)]).fetchall()
            return
        connection.execute(f"attach '{path}' as it (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'it'"
        ).fetchall()
        for schema, table in tables:
            yield from connection.execute(f'select * from it."{schema}"."{table}"').fetchall()


@pytest.mark.full
def test_killed_several_times_and_nothing_old_is_left(tmp_path: Path) -> None:
    home, landing = Home(tmp_path / "home"), tmp_path / "landing"
    land(landing)
    parsed_before(home)
    environment = {
        "COLLOQUY_HOME": str(home.root),
        "COLLOQUY_LANDING": str(landing),
        "COLLOQUY_PUBLISH_RAW_TEXT": "true",
        "COLLOQUY_PUBLISHED_VERSIONS": "1",
    }
    forgetting = environment | {"COLLOQUY_RETENTION_DAYS_TEXT": "90"}
    with Forks(tmp_path, imports=(*HEAVY, "orchestration.definitions")) as forks:
        first = forks.run(NIGHTLY, {"environment": environment})
        assert first.code == 0, first.output
        assert {"raw.duckdb", "build.duckdb", "published/colloquy.duckdb"} <= set(files_with(home.root, OLD))
        moments_of(home.root)
        chance = random.Random("retention")  # noqa: S311
        killed = 0
        # The most that removing takes; a kill that comes too late finds nothing to end.
        for moment in sorted(chance.sample(range(20, 120), KILLS)):
            killed += forks.run(NIGHTLY, {"environment": forgetting, "kill_at": moment}).was_killed
        assert killed >= 2
        last = forks.run(NIGHTLY, {"environment": forgetting})
        assert last.code == 0, last.output
    assert files_with(home.root, OLD) == []
    assert {"raw.duckdb", "build.duckdb", "published/colloquy.duckdb"} <= set(files_with(home.root, NEW))
    with duckdb.connect(str(home.published / "colloquy.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.fct_conversations").fetchall() == [(2,)]
        assert connection.execute("select count(*) from marts.fct_messages").fetchall() == [(2,)]
