"""Queries over the published version: what they print, what they never do."""

import os
import subprocess
from pathlib import Path

import duckdb
import pytest

from orchestration.__main__ import main
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.home import Home


def publish_rows(home: Home, text: str) -> None:
    home.published.mkdir(parents=True)
    with duckdb.connect(str(home.published / "colloquy.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.words as select ? as word from range(3)", [text])


def test_the_rows_of_a_query_are_shown(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    publish_rows(home, "bell\x1b[31m")
    assert main(["show", "select word, count(*) as times from marts.words group by word"]) == 0
    printed = capsys.readouterr().out
    assert "bell" in printed
    assert "\x1b" not in printed
    assert " 3 " in printed


def test_the_demo_is_shown_where_nothing_else_is_published(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "select 1"]) == 2
    assert "make demo" in capsys.readouterr().out
    publish_rows(Home(home.root / "demo"), "simulated")
    assert main(["show", "select * from marts.words"]) == 0
    told = capsys.readouterr()
    assert "simulated" in told.out
    assert str(home.root / "demo") in told.err


@pytest.mark.parametrize(
    ("sql", "cause"),
    [
        ("selec 1", "syntax error"),
        ("select * from marts.sentences", "sentences"),
        ("set threads = 1", "no query"),
        ("delete from marts.words", "no query"),
        ("select 1; select 2", "one statement"),
        ("copy (select 1) to '/dev/null'", "no query"),
        ("attach '/dev/null' as r", "no query"),
        ("select * from read_text('/etc/hostname')", "disabled"),
        ("select * from '/etc/hostname.csv'", "disabled"),
    ],
)
def test_what_cannot_be_shown_is_said(home: Home, capsys: pytest.CaptureFixture[str], sql: str, cause: str) -> None:
    publish_rows(home, "word")
    assert main(["show", sql]) == 1
    assert cause in capsys.readouterr().out
    assert main(["show", "select count(*) from marts.words"]) == 0
    assert " 3 " in capsys.readouterr().out


@pytest.mark.parametrize("text", ["$HOME", "$(shell touch {marker})", "`touch {marker}`", "$$", '"; touch {marker}; "'])
def test_make_hands_on_what_was_written(home: Home, tmp_path: Path, text: str) -> None:
    publish_rows(home, "word")
    marker = tmp_path / "executed"
    written = text.format(marker=marker)
    environment = {**os.environ, "COLLOQUY_HOME": str(home.root)}
    run = subprocess.run(
        ["make", "show", f"SQL=select '{written}' as word"],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert written in run.stdout
    assert not marker.exists()
