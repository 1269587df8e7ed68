"""What keeps an erasure from its end: files that hold the person or cannot be read, raw that cannot be rewritten."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.privacy import erasure
from orchestration.privacy.erasure import (
    ErasureIncompleteError,
    begin_erasure,
    request_erasure,
)
from orchestration.privacy.intent import pending_erasure
from orchestration.privacy.pending import describe_pending
from orchestration.privacy.scanning import Scan, scan
from orchestration.privacy.search_terms import SearchTerms
from orchestration.privacy.withheld_version import withhold_published
from orchestration.publishing import publish, read_manifest
from tests.support.erasures import conclude, erase, found_in_raw, message, raw
from tests.support.planted_person import (
    CONVERSATIONS,
    SAID,
    STRINGS,
    USER,
)
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest


def _copy_of_raw(home: Path) -> None:
    with duckdb.connect(str(home / "backup.duckdb")) as connection:
        connection.execute(f"create table notes as select '{SAID} and more' as note")


def _parquet(home: Path) -> None:
    (home / "published" / "v000001").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select 'chat_events:sess-bravo' as conversation_key) to '{home}/published/v000001/a.parquet'"
        )


def _log(home: Path) -> None:
    (home / "dagster" / "run.log").write_text(f"row of talk-alpha failed: {CONVERSATIONS[0]}")


@pytest.mark.parametrize(
    ("leave", "name"),
    [(_copy_of_raw, "backup.duckdb: main.notes.note"), (_parquet, "a.parquet: conversation_key"), (_log, "run.log")],
)
def test_a_file_that_still_holds_the_person_is_named(
    warehouse: WarehouseUnderTest, leave: Callable[[Path], None], name: str
) -> None:
    leave(warehouse.home.root)
    with pytest.raises(ErasureIncompleteError, match=name) as raised:
        erase(warehouse)
    assert not any(one in str(raised.value) for one in STRINGS)
    assert pending_erasure(warehouse.home) is not None
    for path in ("backup.duckdb", "published", "dagster/run.log"):
        target = warehouse.home.root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    assert conclude(warehouse) is not None


def test_a_linked_folder_and_a_home_below_the_landing_folder_are_searched(tmp_path: Path) -> None:
    search_terms = SearchTerms(("cust_90817263",), (), ())
    home, elsewhere = tmp_path / "landing" / "home", tmp_path / "elsewhere"
    (home / "kept").mkdir(parents=True)
    elsewhere.mkdir()
    (home / "published").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(home)
    (elsewhere / "export.csv").write_text("evt_cust_90817263_chat_a_0")
    (home / "log.txt").write_text("cust_90817263")
    (home / "kept" / "before.txt").write_text("cust_90817263")
    found = scan(home, search_terms, without=[tmp_path / "landing", home / "kept"])
    assert {hit.file.name for hit in found.hits} == {"export.csv", "log.txt"}
    assert (len(found.files), found.size_bytes) == (2, len("evt_cust_90817263_chat_a_0") + len("cust_90817263"))


@pytest.mark.parametrize(
    ("name", "content"),
    [("half.jsonl.gz", b"\x1f\x8b\x08" + b"\0" * 20), ("export.bin", b"PAR1 and no more"), ("x", b"\0" * 8 + b"DUCK")],
)
def test_a_file_that_cannot_be_read_keeps_an_erasure_from_its_end_and_nothing_else(
    warehouse: WarehouseUnderTest, name: str, content: bytes
) -> None:
    (warehouse.home.root / name).write_bytes(content)
    with pytest.raises(ErasureIncompleteError, match=rf"{name}: cannot be read"):
        erase(warehouse)
    (warehouse.home.root / name).unlink()
    # Of the landing folder: its writer may not have finished it.
    landed = warehouse.settings.landing / "events" / "half.jsonl.gz"
    landed.write_bytes(b"\x1f\x8b\x08" + b"\0" * 20)
    report = conclude(warehouse)
    assert report is not None
    assert "events/half.jsonl.gz" in report.landing_files


def test_a_search_that_looked_at_nothing_proves_nothing(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "scan", lambda *_, **__: Scan((), frozenset(), 0))
    with pytest.raises(ErasureIncompleteError, match=r"not proven: .*raw.duckdb was not looked at"):
        erase(warehouse)
    assert pending_erasure(warehouse.home) is not None


def test_an_erasure_that_cannot_be_done_withholds_the_texts(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others land and are published; the next run finishes it, and looks for the texts that were withheld."""
    texts = f"select count(*) from raw.message_texts where contains(content, '{SAID}')"
    [(count,)] = raw(warehouse, texts)
    assert count > 0
    with monkeypatch.context() as patched:
        patched.setattr(erasure, "rewrite_without", _no_room)
        request_erasure(warehouse.home, [("user", None, USER)], HASH_KEY)
        done = begin_erasure(warehouse.home, HASH_KEY)
        assert done is not None
        assert "No space left on device" in done
        assert conclude(warehouse) is None
        assert "the texts are withheld" in str(describe_pending(warehouse.home))
        assert raw(warehouse, texts) == [(0,)]
        assert raw(warehouse, texts.replace("raw.", "withheld.")) == [(count,)]
        assert begin_erasure(warehouse.home, HASH_KEY) is not None
    copy = warehouse.home.root / "notes.txt"
    copy.write_text(f"They wrote: {SAID}")
    begin_erasure(warehouse.home, HASH_KEY)
    with pytest.raises(ErasureIncompleteError, match=r"notes.txt"):
        conclude(warehouse)
    assert "notes.txt" in str(describe_pending(warehouse.home))
    copy.unlink()
    assert conclude(warehouse) is not None
    assert describe_pending(warehouse.home) is None
    assert found_in_raw(warehouse) == set()
    assert raw(warehouse, "select count(*) from duckdb_schemas() where schema_name = 'withheld'") == [(0,)]


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_second_request_before_the_end_of_the_first_looks_for_both(warehouse: WarehouseUnderTest) -> None:
    """What has landed in between is not in the first copy of raw."""
    left = warehouse.home.root / "left.txt"
    left.write_text(USER)
    with pytest.raises(ErasureIncompleteError):
        erase(warehouse)
    warehouse.write_events([message("late-1", "chat_latecomer", "cust_latecomer")], name="late.jsonl")
    warehouse.land()
    left.write_text("cust_latecomer")
    with pytest.raises(ErasureIncompleteError, match=r"left.txt"):
        erase(warehouse, clear_id="cust_latecomer")
    left.write_text(USER)
    with pytest.raises(ErasureIncompleteError, match=r"left.txt"):
        conclude(warehouse)
    left.unlink()
    assert conclude(warehouse) is not None
    assert sorted(path.name for path in warehouse.home.private.iterdir()) == []


def test_a_file_of_the_manifest_that_is_not_looked_at_proves_nothing(warehouse: WarehouseUnderTest) -> None:
    folder = warehouse.home.published
    folder.mkdir(exist_ok=True)
    tables = {"fct_messages": {"rows": 1, "fingerprint": "1", "months": None}}
    fields: dict[str, Any] = {
        "version": "000001",
        "run_id": "r",
        "tables": tables,
        "checks": {},
        "versions": ["000001"],
    }
    fields |= {"published_at": "2026-01-01T00:00:00+00:00", "last_checked_at": "2026-01-01T00:00:00+00:00"}
    fields |= {"data_until": None, "last_checked_run_id": "r", "built_from": {}}
    (folder / "manifest.json").write_text(json.dumps(fields))
    duckdb.connect(str(folder / "colloquy-000001.duckdb")).close()
    with pytest.raises(ErasureIncompleteError, match=r"v000001/fct_messages.parquet was not looked at"):
        erase(warehouse)


def _publish(warehouse: WarehouseUnderTest, note: str) -> None:
    """Publish who said what, and sums of it, as marts of a build."""
    events = "raw.raw.events left join raw.raw.message_texts using (event_id)"
    with duckdb.connect(str(warehouse.home.build_database)) as connection:
        connection.execute(f"attach '{warehouse.home.raw_database}' as raw (read_only)")
        connection.execute("create schema if not exists marts")
        connection.execute(
            f"""create or replace table marts.said as
            select event_id, 'events:' || conversation_id as conversation_key, content, [user_id] as users
            from {events}"""
        )
        connection.execute("comment on column marts.said.content is 'what was said'")
        connection.execute(
            f"create or replace table marts.sums as select count(*) as messages, '{note}' as note from {events}"
        )
    publish(
        warehouse.home.build_database,
        warehouse.home.published,
        tables=["said", "sums"],
        run_id="r",
        data_until=None,
        checks={},
        keep=3,
        now=LOADED_AT,
        on_progress=print,
    )


def test_when_no_new_version_can_be_published_the_last_one_is_without_the_person(warehouse: WarehouseUnderTest) -> None:
    """Rows of others and sums stay as they were; versions before it go; it is done once."""
    for note in ("first", "second"):
        _publish(warehouse, note)
    published = warehouse.home.published
    named = f"event_id in ('e2') or {' or '.join(f'contains(said::varchar, $${one}$$)' for one in STRINGS)}"
    with duckdb.connect(str(published / "colloquy.duckdb"), read_only=True) as connection:
        others = connection.execute(f"from marts.said where not ({named}) order by all").fetchall()
        sums = connection.execute("from marts.sums").fetchall()
    assert others
    request_erasure(warehouse.home, [("user", None, USER)], HASH_KEY)
    withhold_published(warehouse.home, HASH_KEY, now=LOADED_AT, on_progress=print)
    assert len(list(published.glob("colloquy-*.duckdb"))) == 2
    begin_erasure(warehouse.home, HASH_KEY)
    shown: list[str] = []
    withhold_published(warehouse.home, HASH_KEY, now=LOADED_AT, on_progress=shown.append)
    with duckdb.connect(str(published / "colloquy.duckdb"), read_only=True) as connection:
        assert connection.execute("from marts.said order by all").fetchall() == others
        assert connection.execute("from marts.sums").fetchall() == sums
        comments = connection.execute("select comment from duckdb_columns() where column_name = 'content'").fetchall()
        assert comments == [("what was said",)]
    assert len(list(published.glob("colloquy-*.duckdb"))) == 1
    assert "no version without the person could be published; " in str(describe_pending(warehouse.home))
    assert shown[-1] in str(describe_pending(warehouse.home))
    for path in published.rglob("*"):
        if path.is_file():
            assert not [one for one in STRINGS if one.encode() in path.read_bytes()], path
    version = read_manifest(published)
    withhold_published(warehouse.home, HASH_KEY, now=LOADED_AT, on_progress=shown.append)
    assert read_manifest(published) == version
    assert conclude(warehouse) is not None
    assert found_in_raw(warehouse) == set()
