"""A sample for people to judge is there whole or not at all: one that exists is never written over."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ledger.drawing import draw_sample


def make_databases(folder: Path) -> tuple[Path, Path]:
    raw, build = folder / "raw.duckdb", folder / "build.duckdb"
    with duckdb.connect(str(raw)) as connection:
        connection.execute("create schema ledger")
        connection.execute(
            "create table ledger.stage_labels as select 'events' as source, 'c1' as conversation_id, "
            "'resolved' as stage, 'hash' as content_hash, 1 as _load_id"
        )
    with duckdb.connect(str(build)) as connection:
        connection.execute("create schema seeds; create schema marts")
        connection.execute("create table seeds.sources as select 'events' as source, 'own' as id_namespace")
        connection.execute(
            "create table marts.fct_conversations as "
            "select 'own:c1' as conversation_key, 'support' as purpose, 'resolved' as outcome"
        )
        connection.execute("create table marts.fct_messages as select 'own:c1' as conversation_key, 'hi' as content")
    return raw, build


def test_a_draw_that_broke_off_can_be_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw, build = make_databases(tmp_path)
    sample = tmp_path / "sample.csv"

    class Broken:
        def writerow(self, _: Any) -> None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(csv, "writer", lambda _: Broken())
        with pytest.raises(KeyboardInterrupt):
            draw_sample(raw, build, sample, conversations=1, seed=1)
    assert draw_sample(raw, build, sample, conversations=1, seed=1) == 1
    with pytest.raises(FileExistsError):
        draw_sample(raw, build, sample, conversations=1, seed=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build.duckdb", "raw.duckdb", "sample.csv"]
