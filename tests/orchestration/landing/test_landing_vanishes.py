"""A file that goes away between the look at the folder and the reading of it."""

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import loader
from orchestration.landing.landed_files import LandedFile, UnreadFile, find_files

GONE = "cannot be read: No such file or directory"


def parquet(path: Path) -> bytes:
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as event_id) to '{path}' (format parquet)")
    return path.read_bytes()


NAMES = ("b.jsonl", "b.jsonl.gz", "b.parquet")


@pytest.fixture(params=NAMES)
def vanishing(request: pytest.FixtureRequest, warehouse: Any, make_event: Any, make_jsonl: Any) -> tuple[str, Any]:
    """Return a file's name and its content."""
    text = make_jsonl(make_event(2), make_event(4))
    contents = (text, gzip.compress(text.encode()), parquet(warehouse.root / "x.parquet"))
    return request.param, dict(zip(NAMES, contents, strict=True))[request.param]


@pytest.mark.parametrize("was_known", [False, True])
def test_the_others_are_loaded_and_the_vanished_one_is_named(
    warehouse: Any, make_event: Any, make_jsonl: Any, vanishing: tuple[str, Any], was_known: bool
) -> None:
    name, content = vanishing
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    path = warehouse.landing / "events" / name
    if was_known:
        warehouse.write(f"events/{name}", make_jsonl(make_event(9)))
        warehouse.load()
    warehouse.write(f"events/{name}", content)
    warehouse.write("events/c.jsonl", make_jsonl(make_event(3)))
    before = warehouse.rows("select * from raw.loaded_files") if was_known else []

    def look_and_lose(landing: Path) -> list[LandedFile | UnreadFile]:
        found = find_files(landing)
        path.unlink()
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loader, "find_files", look_and_lose)
        summary = warehouse.load()
    reports = {one.path: (one.state, one.note) for one in summary.files}
    assert reports[f"events/{name}"] == ("unread", GONE)
    assert reports["events/c.jsonl"] == ("loaded", "")
    assert reports["events/a.jsonl"] == ("unchanged" if was_known else "loaded", "")
    assert f"Not read:\n  events/{name}: {GONE}" in summary.as_text()
    # What an earlier version of it had brought stays.
    assert set(before) <= set(warehouse.rows("select * from raw.loaded_files"))
    # When it comes back, it is loaded.
    warehouse.write(f"events/{name}", content)
    assert {one.path: one.state for one in warehouse.load().files}[f"events/{name}"] == "loaded"
