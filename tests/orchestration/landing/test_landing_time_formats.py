"""Timestamps that are numbers since 1970, where the source says so."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import PROJECT_DIR


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """Return the shipped seeds, where `events` counts seconds and `chat_events` milliseconds."""
    folder = tmp_path / "seeds"
    shutil.copytree(PROJECT_DIR / "seeds", folder)
    header, *rows = (folder / "sources.csv").read_text().splitlines()
    assert header.endswith(",time_format")
    formats = {"events": "epoch_seconds", "chat_events": "epoch_milliseconds"}
    lines = [header, *(row + formats.get(row.partition(",")[0], "") for row in rows)]
    (folder / "sources.csv").write_text("\n".join(lines) + "\n")
    return folder


# 1772359200 is 2026-03-01 10:00:00 UTC: 56 years of which 14 are leap years, 31 + 28 days, 10 hours.
SECONDS: list[tuple[Any, str | None]] = [
    (1772359200, "2026-03-01 10:00:00"),
    ("1772359200", "2026-03-01 10:00:00"),
    (1772359200.25, "2026-03-01 10:00:00.250000"),
    ("1772359200.123456789", "2026-03-01 10:00:00.123457"),
    ("2026-03-01T11:00:00+01:00", "2026-03-01 10:00:00"),
    # Milliseconds, and what is no count of seconds.
    (1772359200000, None),
    (-5, None),
    (1e300, None),
    ("1.772359200e9", None),
    ("17723592000000000000", None),
    ("1772359200 ", None),
    ("0x69a40e60", None),
    (True, None),
]


def test_seconds_are_read_where_the_source_counts_them(
    warehouse: Any, make_event: Callable[..., dict[str, Any]], make_jsonl: Callable[..., str], seeds: Path
) -> None:
    warehouse.seeds = seeds
    events = [make_event(number, timestamp=value) for number, (value, _) in enumerate(SECONDS)]
    warehouse.write("events/a.jsonl", make_jsonl(*events))
    summary = warehouse.load()
    accepted = dict(warehouse.rows("select event_id, timestamp from raw.events"))
    expected = {f"e{number}": datetime.fromisoformat(at) for number, (_, at) in enumerate(SECONDS) if at}
    assert accepted == expected
    refused = [reason for _, reason in warehouse.reasons()]
    assert refused[0] == "timestamp_out_of_range"
    assert set(refused[1:]) == {"bad_timestamp"}
    assert (summary.lines, len(refused)) == (len(SECONDS), len(SECONDS) - len(expected))


def test_milliseconds_are_another_format(warehouse: Any, make_jsonl: Callable[..., str], seeds: Path) -> None:
    warehouse.seeds = seeds
    chat = {"event_id": "a", "session_id": "s", "event_type": "session_started"}
    values = [1772359200123, 1772359200, "2026-03-01T10:00:00Z"]
    warehouse.write(
        "chat_events/a.jsonl", make_jsonl(*(chat | {"event_id": f"{at}", "timestamp": at} for at in values))
    )
    sales = {"event_id": "a", "conversation_id": "s", "event_type": "conversation_started", "timestamp": 1772359200}
    warehouse.write("agent_events/a.jsonl", make_jsonl(sales | {"id": "b"}))
    warehouse.load()
    assert sorted(warehouse.rows("select timestamp from raw.chat_events")) == [
        (datetime.fromisoformat("2026-03-01 10:00:00"),),
        (datetime.fromisoformat("2026-03-01 10:00:00.123"),),
    ]
    # As milliseconds, seconds are January 1970. A source that does not count says so.
    assert sorted(reason for _, reason in warehouse.reasons()) == ["bad_timestamp", "timestamp_out_of_range"]
