"""An alert in the whole job: it opens, it is delivered once, it closes, and the next alert is delivered again."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.support.commands import run_command
from tests.support.webhook import Hook

FIRST_HOUR = datetime(2025, 6, 1, 10)  # noqa: DTZ001 - written as UTC below


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.close()


def write_hours(landing: Path, first: int, conversations_fell_back: list[bool]) -> None:
    """Land 160 conversations of one question each, every hour from `first` on; in a bad hour every second falls back.

    One more question after the last hour lets them all close.
    """
    lines = []
    for hour, is_bad in enumerate(conversations_fell_back, start=first):
        for number in range(160):
            name = f"c-{hour}-{number}"
            kinds = ["user_message", "fallback_triggered" if is_bad and number % 2 else "agent_message"]
            for place, kind in enumerate(kinds):
                at = FIRST_HOUR + timedelta(hours=hour, seconds=10 * number + place)
                lines.append(event(f"{name}-{place}", name, kind, at))
    end = first + len(conversations_fell_back)
    lines.append(event(f"late-{end}", f"late-{end}", "user_message", FIRST_HOUR + timedelta(hours=end, minutes=45)))
    folder = landing / "events"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"from-{first}.jsonl").write_text("".join(line + "\n" for line in lines))


def event(event_id: str, name: str, kind: str, at: datetime) -> str:
    return json.dumps(
        {"event_id": event_id, "conversation_id": name, "event_type": kind, "timestamp": f"{at.isoformat()}Z"}
        | {"channel": "web", "properties": {"content": f"It is about {name}."}}
    )


@pytest.mark.full
def test_an_alert_is_told_when_it_opens_and_not_again_until_the_next(tmp_path: Path, hook: Hook) -> None:
    landing, home = tmp_path / "landing", tmp_path / "home"

    def alerts() -> list[tuple[object, ...]]:
        with duckdb.connect(str(home / "published" / "colloquy.duckdb"), read_only=True) as connection:
            query = "select rule, opened_at, closed_at, value from marts.alerts order by opened_at"
            return connection.execute(query).fetchall()

    def run() -> str:
        return run_command(home, landing, "run", COLLOQUY_ALERT_WEBHOOK_URL=hook.url)

    def told() -> list[object]:
        return [body["alert"]["opened_at"] for _, body in hook.posted]

    write_hours(landing, 0, [True])
    printed = run()
    # 80 of 160 turns fell back in the hour from 10:00.
    assert alerts() == [("agent_does_not_understand", FIRST_HOUR + timedelta(hours=1), None, 0.5)]
    assert told() == ["2025-06-01T11:00:00Z"]
    ((_, body),) = hook.posted
    assert body["text"].startswith("[medium] fallback_rate (all) is above 20.0 %: 50.0 %")
    assert "of 160 conversations" in body["text"]
    assert "[medium] fallback_rate (all) is above 20.0 %: 50.0 %" in printed

    # Four good hours later the bad one is out of the window.
    write_hours(landing, 2, [False] * 4)
    run()
    ((_, opened_at, closed_at, _),) = alerts()
    assert opened_at == FIRST_HOUR + timedelta(hours=1)
    assert closed_at is not None
    assert len(told()) == 1

    # Two days later, when the cooldown is over.
    write_hours(landing, 48, [True])
    run()
    assert told() == ["2025-06-01T11:00:00Z", "2025-06-03T11:00:00Z"]
    assert len({key for key, _ in hook.posted}) == 2
