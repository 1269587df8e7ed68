"""What `reload`, `exclude` and `rebuild` print and do before the job: exit codes, the lock, what status shows."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.__main__ import main
from orchestration.commands import repair
from orchestration.landing import load_landing, repair_file
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.build_records import begin_build
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import lock_holder
from orchestration.warehouse.operations import record_rebuild

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Return a warehouse with one landed file, and let the job that would follow a repair do nothing."""
    monkeypatch.setenv("COLLOQUY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLLOQUY_LANDING", str(tmp_path / "landing"))
    monkeypatch.setattr(repair, "run_warehouse", lambda _: 0)
    one = Home(tmp_path / "home")
    one.create()
    folder = tmp_path / "landing" / "events"
    folder.mkdir(parents=True)
    line = {"event_id": "e", "conversation_id": "c", "event_type": "user_message", "timestamp": "2026-02-01T10:00:00Z"}
    (folder / "a.jsonl").write_text(json.dumps(line) + "\n")
    load_landing(
        one.raw_database,
        tmp_path / "landing",
        seeds=PROJECT_DIR / "seeds",
        hash_key=b"key",
        stable_after=timedelta(0),
        now=NOW,
    )
    yield one


def test_a_repair_holds_the_lock_of_the_writer_and_then_the_job_runs(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    order: list[str] = []

    def watched(*arguments: Any, **named: Any) -> Any:
        holder = lock_holder(home.lock)
        order.append(f"repair under the lock of {holder.purpose if holder else 'nobody'}")
        return repair_file(*arguments, **named)

    def job(settings: Settings) -> int:
        order.append(f"job, locked by {lock_holder(home.lock)}")
        return 1

    monkeypatch.setattr(repair, "repair_file", watched)
    monkeypatch.setattr(repair, "run_warehouse", job)
    assert main(["exclude", "events/a.jsonl"]) == 1
    assert order == ["repair under the lock of exclude", "job, locked by None"]
    assert "events/a.jsonl: 1 events and 0 refused lines taken out" in capsys.readouterr().out
    assert main(["status"]) == 0
    assert "excluded    events/a.jsonl at " in capsys.readouterr().out
    assert main(["reload", "events/a.jsonl"]) == 1
    main(["status"])
    assert "excluded " not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("", "name the file: make exclude FILE=landing/<source>/name.jsonl"),
        (
            "events/b.jsonl",
            "events/b.jsonl has never landed: name a file of the landing folder; did you mean events/a.jsonl?",
        ),
    ],
)
def test_a_file_that_cannot_be_dropped_is_said(
    home: Home, capsys: pytest.CaptureFixture[str], file: str, message: str
) -> None:
    assert main(["exclude", file]) == 2
    assert capsys.readouterr().out == message + "\n"


def test_nothing_is_repaired_when_the_job_could_not_run(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = home.raw_database.read_bytes()
    monkeypatch.setenv("COLLOQUY_SEEDS", str(tmp_path / "nowhere"))
    assert main(["reload", "events/a.jsonl"]) == 2
    assert "COLLOQUY_SEEDS" in capsys.readouterr().out
    monkeypatch.delenv("COLLOQUY_SEEDS")
    home.simulation_marker.write_text("{}")
    assert main(["reload", "events/a.jsonl"]) == 2
    assert "holds simulated conversations" in capsys.readouterr().out
    monkeypatch.setenv("COLLOQUY_LANDING", str(tmp_path / "elsewhere"))
    assert main(["rebuild"]) == 2
    assert "is not a folder" in capsys.readouterr().out
    assert home.raw_database.read_bytes() == before


def test_an_operation_without_a_load_counts_as_one(home: Home, tmp_path: Path) -> None:
    """What it changed must be newer than what the last build covered, and older than the next load."""
    record_rebuild(home.raw_database, NOW)
    assert begin_build(home, "configuration").through_load_id == 2
    (tmp_path / "landing" / "events" / "b.jsonl").write_text("[]\n")
    summary = load_landing(
        home.raw_database,
        tmp_path / "landing",
        seeds=PROJECT_DIR / "seeds",
        hash_key=b"key",
        stable_after=timedelta(0),
        now=NOW,
    )
    assert summary.load_id == 3
