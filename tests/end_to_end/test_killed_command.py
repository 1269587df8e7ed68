"""The real command, killed while dbt builds; two others start at once and come through, one after the other."""

import json
import signal
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.commands.instance import open_instance
from orchestration.warehouse.home import Home
from tests.support.commands import environment_of, start_command
from tests.support.crashes import assert_every_line_is_accounted_for, assert_nothing_left_behind
from tests.support.published_samples import query

CONVERSATIONS = 30


def kill_at(process: subprocess.Popen[str], message: str) -> str:
    """Read until a line holds the message, then kill -9 the process."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if message in line:
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "".join(lines)
    return "".join(lines)


@pytest.mark.full
def test_two_runs_at_once_after_one_that_was_killed(tmp_path: Path) -> None:
    home, landing = Home(tmp_path / "home"), tmp_path / "landing"
    (landing / "events").mkdir(parents=True)
    lines = [
        {
            "event_id": f"e{number}",
            "conversation_id": f"c{number}",
            "event_type": "user_message",
            "timestamp": f"2026-02-{1 + number % 28:02}T10:00:00Z",
            "properties": {"content": "hello"},
        }
        for number in range(CONVERSATIONS)
    ]
    (landing / "events" / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    kill_at(start_command(environment_of(home.root, landing), "run"), "tables and views built")
    assert not (home.published / "colloquy.duckdb").exists()
    both = [start_command(environment_of(home.root, landing), "run") for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(outputs)

    said = "\n".join(outputs)
    assert said.count("did not finish; this run takes over and does its unfinished work again") == 1, said
    assert said.count("is held by run, pid ") == 1, said
    assert said.count("version 000001 is published") == 1, said
    assert said.count("nothing changed since version 000001: nothing published") == 1, said
    assert query(home.published / "colloquy.duckdb", "select count(*) from marts.fct_conversations") == [
        (CONVERSATIONS,)
    ]
    assert_every_line_is_accounted_for(home.raw_database)
    assert_nothing_left_behind(home)
    with open_instance(home, now=datetime.now(UTC)) as instance:
        assert Counter(run.status.value for run in instance.get_runs()) == {"FAILURE": 1, "SUCCESS": 2}
