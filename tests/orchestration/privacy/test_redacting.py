"""Which messages go through the redactor, and that each goes once."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.privacy.redacting import RedactionSummary, redact_new_messages
from orchestration.redaction.redactor import REDACTOR_VERSION, Redacted, redact
from orchestration.warehouse.raw_tables import open_raw


def add(raw: Path, load_id: int, **texts: str) -> None:
    with open_raw(raw) as connection:
        for event_id, content in texts.items():
            connection.execute(
                "insert into raw.message_texts values ('events', ?, ?, '2026-01-01', ?)", [event_id, content, load_id]
            )


def stored(raw: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(raw), read_only=True) as connection:
        return connection.execute(
            """select event_id, content, redaction_count, redactor_version, _load_id
            from raw.raw.message_redactions order by event_id"""
        ).fetchall()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "raw.duckdb"
    add(path, 1, a="a@b.example and 192.0.2.7", b="hello")
    return path


def test_only_messages_that_change_are_stored(raw: Path) -> None:
    assert redact_new_messages(raw) == RedactionSummary(2, 1, {"email": 1, "ip": 1})
    assert stored(raw) == [("a", "[email] and [ip]", 2, REDACTOR_VERSION, 1)]


def test_only_new_messages_are_read(raw: Path) -> None:
    redact_new_messages(raw)
    seen: list[str] = []

    def watched(text: str) -> Redacted:
        seen.append(text)
        return redact(text)

    assert redact_new_messages(raw, redactor=watched) == RedactionSummary(0, 0, {})
    add(raw, 4, c="c@d.example")
    assert redact_new_messages(raw, redactor=watched).messages == 1
    assert seen == ["c@d.example"]
    assert [row[0] for row in stored(raw)] == ["a", "c"]


def test_a_new_redactor_redoes_all(raw: Path) -> None:
    redact_new_messages(raw)
    summary = redact_new_messages(raw, version=99, redactor=lambda text: Redacted(text.upper(), {"word": 1}))
    assert summary == RedactionSummary(2, 2, {"word": 2})
    assert stored(raw) == [("a", "A@B.EXAMPLE AND 192.0.2.7", 1, 99, 1), ("b", "HELLO", 1, 99, 1)]


def test_a_redactor_that_fails_leaves_everything_to_the_next_run(raw: Path) -> None:
    def broken(text: str) -> Redacted:
        if text == "hello":
            raise KeyError(text)
        return redact(text)

    with pytest.raises(KeyError):
        redact_new_messages(raw, redactor=broken)
    assert stored(raw) == []
    assert redact_new_messages(raw).messages == 2
