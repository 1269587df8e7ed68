"""The lock between real processes; pipes signal when to go on, nothing waits for time to pass."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.lock import Holder, hold_lock, lock_holder

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# Prints every message, then "held", then waits for one line of input.
HOLD = """
import sys
from datetime import datetime
from pathlib import Path
from orchestration.warehouse.lock import hold_lock
say = lambda text: print(text, flush=True)
with hold_lock(Path(sys.argv[1]), sys.argv[2], say, now=datetime.fromisoformat(sys.argv[3])):
    say("held")
    sys.stdin.readline()
say("released")
"""


@contextmanager
def holder(path: Path, purpose: str = "run") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path), purpose, NOON.isoformat()]
    process = subprocess.Popen(command, cwd=PROJECT_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_file_names_holder_while_held_and_is_empty_after(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    messages: list[str] = []
    east = NOON.astimezone(timezone(timedelta(hours=3)))
    with hold_lock(path, "rebuild", messages.append, now=east):
        content = json.loads(path.read_text())
    assert content == {
        "pid": os.getpid(),
        "host": os.uname().nodename,
        "purpose": "rebuild",
        "since": "2026-03-01T12:00:00+00:00",
    }
    assert path.read_text() == ""
    assert messages == []


def test_second_holder_waits_after_one_message_that_names_the_first(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path, "nightly run") as first:
        assert line(first) == "held"
        with holder(path) as second:
            waiting = line(second)
            assert f"held by nightly run, pid {first.pid} on " in waiting
            assert "since 2026-03-01T12:00:00+00:00" in waiting
            assert "waiting" in waiting
            go_on(first)
            assert line(second) == "held"
            assert line(first) == "released"


def test_killed_holder_frees_the_lock_and_the_next_says_so(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path) as first:
        assert line(first) == "held"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert json.loads(path.read_text())["pid"] == first.pid
    assert lock_holder(path) is None
    messages: list[str] = []
    with hold_lock(path, "run", messages.append, now=NOON):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert len(messages) == 1
    assert f"the last run, pid {first.pid} on " in messages[0]
    assert "did not finish" in messages[0]
    assert path.read_text() == ""


def test_waiter_gets_the_lock_when_the_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path) as first:
        assert line(first) == "held"
        with holder(path) as second:
            assert "waiting" in line(second)
            os.kill(first.pid, signal.SIGKILL)
            assert f"pid {first.pid} " in line(second)
            assert line(second) == "held"


def test_probe_names_the_holder_and_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert lock_holder(path) is None
    assert not path.exists()
    with holder(path, "publish") as first:
        assert line(first) == "held"
        content = path.read_text()
        assert lock_holder(path) == Holder(first.pid, os.uname().nodename, "publish", "2026-03-01T12:00:00+00:00")
        assert path.read_text() == content
        go_on(first)
        assert line(first) == "released"
    assert lock_holder(path) is None


def test_error_inside_the_block_releases_cleanly(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), hold_lock(path, now=NOON):
        raise ZeroDivisionError
    assert path.read_text() == ""
    assert lock_holder(path) is None


def test_unreadable_content_names_nobody_and_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text('{"pid": 1')
    messages: list[str] = []
    with hold_lock(path, "run", messages.append, now=NOON):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert len(messages) == 1
    assert "cut off" in messages[0]
    assert "did not finish" in messages[0]


def test_time_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"), hold_lock(tmp_path / "lock", now=datetime(2026, 3, 1)):  # noqa: DTZ001
        pass
