"""A landing folder and a warehouse for the loader's tests."""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import LandingSummary, load_landing
from orchestration.settings import PROJECT_DIR

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HASH_KEY = b"a key for tests"
DATA = PROJECT_DIR.parent / "shared" / "data"


@dataclass
class Warehouse:
    """A home on disk; every file is written as if long ago unless `age` says otherwise."""

    root: Path
    now: datetime = NOW
    messages: list[str] = field(default_factory=list)

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def database(self) -> Path:
        return self.root / "raw.duckdb"

    def write(self, name: str, content: bytes | str, age: timedelta = timedelta(days=1)) -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        modified = (self.now - age).timestamp()
        os.utime(path, (modified, modified))
        return path

    def load(self, on_progress: Callable[[str], None] | None = None) -> LandingSummary:
        summary = load_landing(
            self.database,
            self.landing,
            seeds=PROJECT_DIR / "seeds",
            hash_key=HASH_KEY,
            settle=timedelta(hours=1),
            now=self.now,
            on_progress=on_progress or self.messages.append,
        )
        self.check_sums()
        return summary

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.database}' as store (read_only)")
            connection.execute("use store")
            return connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def check_sums(self) -> None:
        """Rule 2, against the tables themselves: every line of every load is accounted for."""
        rows = self.rows("select lines, accepted, rejected, duplicates, reread, file, load_id from raw.loaded_files")
        for lines, accepted, rejected, duplicates, reread, file, load_id in rows:
            assert lines == accepted + rejected + duplicates
            assert reread <= duplicates
            stored = 0
            for source in (
                "events",
                "agent_events",
                "chat_events",
                "ab_test_exposures",
                "sales_events",
                "agentsight_interactions",
            ):
                stored += self.rows_of(source, file, load_id)
            assert stored == accepted
            assert self.rows_of("rejected_events", file, load_id) == rejected

    def rows_of(self, table: str, file: str, load_id: int) -> int:
        quoted = file.replace("'", "''")
        return int(self.value(f"select count(*) from raw.{table} where _file = '{quoted}' and _load_id = {load_id}"))

    def reasons(self) -> list[tuple[int, str]]:
        """(line, reason) of every kept refusal."""
        return self.rows("select _line, reason from raw.rejected_events order by _file, _load_id, _line")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    (tmp_path / "landing").mkdir()
    return Warehouse(tmp_path)


def event(number: int, **changes: Any) -> dict[str, Any]:
    """Make a valid event of the default source."""
    base: dict[str, Any] = {
        "event_id": f"e{number}",
        "conversation_id": f"c{number // 10}",
        "user_id": "u1",
        "event_type": "conversation_started",
        "timestamp": f"2026-03-01T10:{number % 60:02d}:00Z",
        "properties": {"seq": number},
    }
    return base | changes


def jsonl(*events: dict[str, Any]) -> str:
    """One line each, with a newline at the end."""
    return "".join(json.dumps(one) + "\n" for one in events)


@pytest.fixture
def make_event() -> Callable[..., dict[str, Any]]:
    return event


@pytest.fixture
def make_jsonl() -> Callable[..., str]:
    return jsonl


@pytest.fixture
def make_gzip() -> Callable[[str], bytes]:
    return lambda text: gzip.compress(text.encode(), mtime=0)


@pytest.fixture
def data_folder() -> Path:
    """Find the real sets; they live beside the checkout and never in it."""
    if not DATA.is_dir():
        pytest.skip(f"the real data sets are not at {DATA}")
    return DATA
