"""What `erase` shows before it erases, when it asks, and what it refuses."""

import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.__main__ import main
from orchestration.commands import erase
from orchestration.landing import load_landing, read_hash_key
from orchestration.landing.suppression import Suppressions
from orchestration.privacy.intent import pending_erasure
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def event(number: int, conversation: str, user: str) -> dict[str, object]:
    ids = {"event_id": f"e{number}", "conversation_id": conversation, "user_id": user}
    return {**ids, "event_type": "user_message", "timestamp": "2026-02-01T10:00:00Z"}


@pytest.fixture(autouse=True)
def erased(home: Home, landing: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Land some events, and put what counts the jobs in the place of the job."""
    lines = [
        event(1, "one", "user$1234"), event(2, "one", "user$1234"), event(3, "two", "user$1234"),
        event(4, "three", "user234"), event(5, "four", "-dash"),
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"user_id": "refused-one"}\n'
    (landing / "events" / "a.jsonl").write_text(text)
    home.create()
    load_landing(
        home.raw_database,
        landing,
        seeds=PROJECT_DIR / "seeds",
        hash_key=read_hash_key(home.private, None),
        stable_after=timedelta(0),
        now=NOW,
    )
    jobs: list[Path] = []

    def job(settings: Settings) -> int:
        jobs.append(settings.landing)
        return 1

    monkeypatch.setattr(erase, "run_warehouse", job)
    yield jobs


def requested(home: Home, *names: tuple[str, str]) -> bool:
    """Whether exactly these (scope, id) are in the pending erasure."""
    intent = pending_erasure(home)
    if intent is None:
        return not names
    people = Suppressions(read_hash_key(home.private, None), intent.entries, {})
    wanted = [people.is_listed("user" if scope == "user" else "conversation", None, one) for scope, one in names]
    return all(wanted) and len(intent.entries) == len(names)


def test_what_will_be_erased_is_shown_and_nothing_happens_without_a_yes(
    home: Home, erased: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["erase", "--user-id=user$1234"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "user 'user$1234': 2 conversations, 3 events",
        "nothing was erased: give YES=1 (or --yes) to do it without a question",
    ]
    assert requested(home)
    assert erased == []


@pytest.mark.parametrize(("answer", "is_erased"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_terminal_is_asked(
    home: Home, erased: list[Path], monkeypatch: pytest.MonkeyPatch, answer: str, is_erased: bool
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert main(["erase", "--conversation-id=three"]) == (1 if is_erased else 2)
    assert len(erased) == is_erased
    assert requested(home, *([("conversation", "three")] if is_erased else []))


def test_an_unknown_id_is_an_error_and_nothing_is_erased(
    home: Home, erased: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase", "--user-id=user$1234", "--user-id=user$12345", "--yes"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "user 'user$12345': unknown, no event has this id",
        "user 'user$1234': 2 conversations, 3 events",
        "nothing was erased: 1 of 2 ids are unknown; check their spelling",
    ]
    assert (requested(home), erased) == (True, [])


def test_an_id_of_another_namespace_is_unknown(erased: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erase", "--user-id=user234", "--namespace=chat_events", "--yes"]) == 2
    assert "unknown" in capsys.readouterr().out
    assert main(["erase", "--user-id=user234", "--namespace=nowhere", "--yes"]) == 2
    assert "NAMESPACE=nowhere is none of sources.csv" in capsys.readouterr().out
    assert erased == []


def test_an_id_that_begins_with_a_dash_is_an_id(home: Home, erased: list[Path]) -> None:
    assert main(["erase", "--user-id=-dash", "--yes"]) == 1
    assert requested(home, ("user", "-dash"))
    assert len(erased) == 1


def test_who_is_only_in_a_refused_line_is_known(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erase", "--user-id=refused-one", "--yes"]) == 1
    assert "user 'refused-one': 0 conversations, 0 events, 1 refused lines\n" in capsys.readouterr().out
    assert requested(home, ("user", "refused-one"))


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_ids_are_read_from_a_list(
    home: Home, erased: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    listed = "user$1234\n\n-dash\r\n"
    file = tmp_path / "ids.txt"
    file.write_bytes(listed.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed.encode())))
    name = str(file) if source == "file" else "-"
    assert main(["erase", f"--user-ids-from={name}", "--yes"]) == 1
    assert requested(home, ("user", "user$1234"), ("user", "-dash"))
    assert len(erased) == 1


def test_an_erasure_that_has_begun_goes_on_without_a_question(home: Home, erased: list[Path]) -> None:
    assert main(["erase", "--user-id=user234", "--yes"]) == 1
    assert main(["erase", "--user-id=user234"]) == 1
    assert requested(home, ("user", "user234"))
    assert len(erased) == 2


def test_an_erasure_that_is_not_finished_is_shown_with_what_to_do(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status"]) == 0
    assert "\nerasure " not in capsys.readouterr().out
    assert main(["erase", "--user-id=user234", "--user-id=-dash", "--yes"]) == 1
    capsys.readouterr()
    told = "the erasure of 2 ids has begun and is not finished"
    todo = "make run tries again to finish it"
    assert main(["status"]) == 0
    assert f"erasure     {told}; {todo}\n" in capsys.readouterr().out
    main(["doctor"])
    assert f"FIX {told}\n      {todo}\n" in capsys.readouterr().out
    (home.private / "erasure.json").write_text("{")
    assert main(["status"]) == 0
    assert "erasure.json cannot be read" in capsys.readouterr().out
