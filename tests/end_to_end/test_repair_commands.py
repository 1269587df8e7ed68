"""The commands that repair a warehouse, each in a process of its own, up to the published version."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.commands import run_command

pytestmark = pytest.mark.full


def write(folder: Path, name: str, *conversations: str) -> None:
    path = folder / "landing" / "events" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "event_id": f"{conversation}-{place}",
            "conversation_id": conversation,
            "event_type": event_type,
            "timestamp": f"2026-02-0{day}T10:0{place}:00Z",
        }
        for day, conversation in enumerate(conversations, start=1)
        for place, event_type in enumerate(("user_message", "agent_message"))
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def published(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "home" / "published" / "colloquy.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def conversations(folder: Path) -> list[str]:
    rows = published(folder, "select conversation_id from marts.fct_conversations order by 1")
    held = [row[0] for row in rows]
    in_metrics = (
        "select sum(value) from marts.metrics_daily where metric_name = 'total_conversations' and segment = 'all'"
    )
    assert published(folder, in_metrics) == [(len(held),)]
    return held


def operations(folder: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(folder / "home" / "raw.duckdb"), read_only=True) as connection:
        return connection.execute("select operation, load_id from raw.raw.operations order by load_id").fetchall()


def test_a_warehouse_is_corrected_and_rebuilt_by_commands(tmp_path: Path) -> None:
    home, landing = tmp_path / "home", tmp_path / "landing"
    write(tmp_path, "a.jsonl", "kept", "wrong")
    write(tmp_path, "b.jsonl", "bad", "kept")
    run_command(home, landing, "run")
    assert conversations(tmp_path) == ["bad", "kept", "wrong"]

    write(tmp_path, "a.jsonl", "kept", "right")
    told = run_command(home, landing, "reload", str(tmp_path / "landing/events/a.jsonl"))
    assert "events/a.jsonl: 4 events and 0 refused lines taken out" in told
    assert conversations(tmp_path) == ["bad", "kept", "right"]

    told = run_command(home, landing, "exclude", "events/b.jsonl")
    assert "(the configuration is that of the last complete build)" in told
    assert conversations(tmp_path) == ["kept", "right"]
    run_command(home, landing, "run")
    assert conversations(tmp_path) == ["kept", "right"]
    assert "excluded    events/b.jsonl at " in run_command(home, landing, "status")

    # Raw is enough to build damaged derived tables again; a reader keeps the version that it opened.
    reader = duckdb.connect(str(tmp_path / "home" / "published" / "colloquy.duckdb"), read_only=True)
    before = reader.execute("select count(*) from marts.fct_messages").fetchall()
    build = tmp_path / "home" / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute("update marts.fct_conversations set conversation_id = 'spoilt'")
        connection.execute("create table marts.leftover as select 1 as one")
    told = run_command(home, landing, "rebuild")
    assert "full refresh (a rebuild was asked for)" in told
    assert conversations(tmp_path) == ["kept", "right"]
    assert reader.execute("select count(*) from marts.fct_messages").fetchall() == before
    reader.close()
    with duckdb.connect(str(build), read_only=True) as connection:
        assert connection.execute("select 1 from duckdb_tables() where table_name = 'leftover'").fetchall() == []
    build.write_bytes(b"damaged")
    run_command(home, landing, "rebuild")
    assert conversations(tmp_path) == ["kept", "right"]
    # Labellings share the numbers: 2 follows the first landing, 4 the correction; an exclusion leaves nothing to label.
    assert operations(tmp_path) == [("reload", 3), ("exclude", 5), ("rebuild", 6), ("rebuild", 7)]
