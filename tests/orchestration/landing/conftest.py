"""A landing folder and a warehouse for the loader's tests."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import LandingSummary, load_landing
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.raw_tables import open_raw

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HASH_KEY = b"a key for tests"
SOURCES = (
    *("events", "agent_events", "chat_events", "ab_test_exposures", "sales_events"),
    "agentsight_interactions",
)
DATA = PROJECT_DIR.parent / "shared" / "data"

# To open DuckDB takes longer than most of what is asked here.
_READER = duckdb.connect()


@dataclass
class Warehouse:
    """A home on disk; every file is written as if long ago unless `age` states otherwise."""

    root: Path
    now: datetime = NOW
    messages: list[str] = field(default_factory=list)
    seeds: Path = PROJECT_DIR / "seeds"

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

    def load(self, on_progress: Callable[[str], None] | None = None, *, reads_all: bool = False) -> LandingSummary:
        summary = load_landing(
            self.database,
            self.landing,
            seeds=self.seeds,
            hash_key=HASH_KEY,
            stable_after=timedelta(hours=1),
            now=self.now,
            on_progress=on_progress or self.messages.append,
            reads_all=reads_all,
        )
        self.check_sums()
        return summary

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        _READER.execute(f"attach '{self.database}' as store (read_only)")
        try:
            _READER.execute("use store")
            return _READER.execute(query).fetchall()
        finally:
            _READER.execute("use memory")
            _READER.execute("detach store")

    def value(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def check_sums(self) -> None:
        """Rule 2, against the tables themselves: every line of every load is accounted for."""
        stored = " union all ".join(f"select _file, _load_id from raw.{source}" for source in SOURCES)
        rows = self.rows(
            f"""with stored as ({stored})
            select lines, accepted, rejected, duplicates, reread,
                (select count(*) from stored where _file = file and _load_id = load_id),
                (select count(*) from raw.rejected_events where _file = file and _load_id = load_id)
            from raw.loaded_files"""
        )
        for lines, accepted, rejected, duplicates, reread, stored_events, stored_rejects in rows:
            assert lines == accepted + rejected + duplicates
            assert reread <= duplicates
            assert (stored_events, stored_rejects) == (accepted, rejected)

    def reasons(self) -> list[tuple[int, str]]:
        """(line, reason) of every kept refusal."""
        return self.rows("select _line, reason from raw.rejected_events order by _file, _load_id, _line")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tables once: copying a file is far cheaper than ten CREATE TABLE statements."""
    path = tmp_path_factory.mktemp("template") / "raw.duckdb"
    open_raw(path).close()
    return path


@pytest.fixture
def warehouse(tmp_path: Path, empty_database: Path) -> Warehouse:
    (tmp_path / "landing").mkdir()
    shutil.copyfile(empty_database, tmp_path / "raw.duckdb")
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
    """Find the real sets; they live next to the checkout and never in it."""
    if not DATA.is_dir():
        pytest.skip(f"the real data sets are not at {DATA}")
    return DATA
