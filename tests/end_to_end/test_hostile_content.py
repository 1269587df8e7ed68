"""Words that are commands elsewhere are data here: from landing through dbt to DuckDB, Parquet, status and summary."""

import csv
import io
import os
import shutil
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.__main__ import main
from orchestration.publishing import publish
from orchestration.reporting import notes_on_build, summarise
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import WarehouseUnderTest

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TERMINAL = "\x1b[2J\x1b]0;owned\x07"
SHOWN = r"\x1b[2J\x1b]0;owned\x07"
HOSTILE = (
    "'; drop table raw.events; --",
    '"; drop schema marts cascade; --',
    "{{ 1 / 0 }} {% include 'x' %} {# #}",
    "%s%n%(x)s {0.__class__} {}",
    "$(touch owned) `id` | rm -rf /",
    TERMINAL,
    "two\nlines\r\tand a tab",
    "nul\x00inside",
    "../../../../etc/passwd",
    "\u202egpj.exe",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "back\\slash \\u0041 \\",
    '$."*" \'\' ""',
    "\U0001f600\U0010ffff\ufeff",
    "null",
)
PLAIN_PROPERTY = "it's {{ 1 / 0 }}; $(x) \\ -- %s"


def event(number: int, word: str, minute: int, **changes: Any) -> dict[str, Any]:
    """Make an event whose every free field is the word; `changes` are its fields."""
    fields = ("channel", "agent", "device", "language", "user_id")
    texts = ("content", "model", "intent", "sentiment", "page_url", "currency", "button", "actor", "reason", "status")
    base: dict[str, Any] = {
        **dict.fromkeys(fields, word),
        "event_id": f"{word} {number}",
        "conversation_id": word,
        "timestamp": f"2025-03-03T10:{minute:02}:00Z",
        word: word,
        "properties": {**dict.fromkeys(texts, word), word: {word: [word]}, PLAIN_PROPERTY: word},
    }
    properties = base["properties"] | changes.pop("properties", {})
    return base | changes | {"properties": properties}


def conversation(word: str) -> list[dict[str, Any]]:
    return [
        event(1, word, 0, event_type="user_message"),
        event(2, word, 1, event_type="agent_message"),
        event(3, word, 2, event_type="tool_called", properties={"tool_name": word}),
        event(4, word, 3, event_type=word),
        event(5, word, 4, event_type="conversion", properties={"goal": word, "value": 1}),
        event(6, word, 5, event_type="flow_started", properties={"flow_name": word}),
        event(7, word, 6, event_type="fallback_triggered"),
        event(8, word, 7, event_type="experiment_exposure", properties={"test_name": word, "variant": word}),
        event(9, word, 8, event_type="feedback_received", properties={"rating": word, "rating_type": word}),
    ]


def other_sources(word: str) -> dict[str, list[dict[str, Any]]]:
    """Return one line of each further source, its fields the word."""
    at, about = "2025-03-03T10:00:00Z", {"content": word, "message_id": word, "sender": "prospect", word: word}
    return {
        "agent_events": [
            {
                "id": word,
                "conversation_id": word,
                "user_id": word,
                "event_type": word,
                "timestamp": at,
                "metadata": about,
            }
        ],
        "chat_events": [
            {
                "event_id": word,
                "session_id": word,
                "event_type": word,
                "properties": about,
                "timestamp": at,
                "channel": word,
            }
        ],
        "ab_test_exposures": [{"session_id": word, "test_name": word, "variant": word, "timestamp": at}],
        "sales_events": [
            {
                "event_type": "message_received",
                "conversation_id": word,
                "channel": word,
                "timestamp": at,
                "properties": about,
            }
        ],
        "agentsight_interactions": [
            {
                "conversation_id": word,
                "customer_id": word,
                "source": word,
                "timestamp": at,
                "metadata": {"page_url": word},
            }
        ],
    }


def seed(name: str, *rows: tuple[str, ...]) -> str:
    """Return a shipped seed with rows added, as a spreadsheet would write them."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return (PROJECT_DIR / "seeds" / name).read_text() + written.getvalue()


def seeds() -> dict[str, str]:
    """Return seeds whose names are hostile words."""
    words = [word for word in HOSTILE if "\n" not in word and "\0" not in word]
    return {
        "segment_dimensions.csv": seed(
            "segment_dimensions.csv",
            ("'; drop table x; --", "", PLAIN_PROPERTY, "", "false"),
            (TERMINAL, "", "x", "", "false"),
        ),
        "funnels.csv": seed("funnels.csv", *((word, "support", "events", "", "", word) for word in words)),
        "funnel_stages.csv": seed(
            "funnel_stages.csv",
            *((word, str(order), f"{word} {order}", "event", word, "", "", word) for word in words for order in (1, 2)),
        ),
        "event_type_aliases.csv": seed("event_type_aliases.csv", *(("agent_events", word, "", word) for word in words)),
        "purposes.csv": seed("purposes.csv", *(("events", word, "support") for word in words)),
        "success_signals.csv": seed(
            "success_signals.csv", *(("events", "tool_called", PLAIN_PROPERTY, word, "claim") for word in words)
        ),
    }


def is_harmless(text: str) -> bool:
    """Whether a terminal only shows it: no control characters, no marks of direction, nothing that is no letter."""
    return all(letter == "\n" or unicodedata.category(letter)[0] != "C" for letter in text)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    warehouse = WarehouseUnderTest(tmp_path_factory.mktemp("hostile"), seeds(), experiments=True)
    for number, word in enumerate(HOSTILE):
        name = f"{number} {TERMINAL}'\";--{{{{ nothing() }}}}\n..jsonl"
        warehouse.write_events(conversation(word), name=name)
        for source, events in other_sources(word).items():
            warehouse.write_events(events, source)
    (warehouse.settings.landing / "events" / f"refused {TERMINAL}.jsonl").write_text(f"{TERMINAL} no JSON\n")
    summary = warehouse.land(NOW)
    assert (summary.rejected, summary.accepted) == (1, len(HOSTILE) * (len(conversation("")) + len(other_sources(""))))
    assert is_harmless(summary.as_text())
    warehouse.build(tests=True)
    names = warehouse.rows(
        "select table_name from information_schema.tables where table_schema = 'marts' and table_type = 'BASE TABLE'"
        " and table_catalog = 'build' order by 1"
    )
    publish(
        warehouse.home.build_database,
        warehouse.home.published,
        tables=[name for (name,) in names],
        run_id=TERMINAL,
        data_until=None,
        checks={TERMINAL: TERMINAL},
        keep=2,
        now=NOW,
        on_progress=lambda _: None,
    )
    return warehouse


def published(warehouse: WarehouseUnderTest, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse.home.published / "colloquy.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_every_word_arrives_as_it_was_said(warehouse: WarehouseUnderTest) -> None:
    own = "where source = 'events'"
    assert {
        row[0] for row in published(warehouse, f"select conversation_id from marts.fct_conversations {own}")
    } == set(HOSTILE)
    assert set(published(warehouse, f"select conversation_key, content from marts.fct_messages {own}")) == {
        (f"events:{word}", word) for word in HOSTILE
    }
    goals = "select metric_name from marts.metrics_daily where metric_name like 'conversion_rate:%'"
    assert {row[0] for row in published(warehouse, goals)} == {f"conversion_rate:{word}" for word in HOSTILE}
    segments = "select distinct segment from marts.metrics_daily where segment_type = '''; drop table x; --'"
    assert {row[0] for row in published(warehouse, segments)} >= {f"'; drop table x; --={word}" for word in HOSTILE}


def test_no_word_makes_a_difference_to_the_facts(warehouse: WarehouseUnderTest) -> None:
    """Conversations that differ in their words only have the same facts, those of one read as code would not."""
    facts = (
        "select outcome, user_message_count, agent_message_count, tool_call_count, started_at, ended_at, count(*) "
        "from marts.fct_conversations where source = 'events' group by all"
    )
    assert [row[-1] for row in published(warehouse, facts)] == [len(HOSTILE)]
    reached = "select funnel, sum(reached) from marts.funnel_stages where segment = 'all' group by funnel"
    by_funnel = dict(published(warehouse, reached))
    words = [word for word in HOSTILE if word in by_funnel]
    assert len(words) == len(HOSTILE) - 2
    assert {by_funnel[word] for word in words} == {2}


def test_parquet_lies_in_the_folders_of_its_tables(warehouse: WarehouseUnderTest) -> None:
    current = warehouse.home.published / "current"
    files = [path.relative_to(current).as_posix() for path in current.rglob("*.parquet")]
    assert "fct_conversations/2025-03.parquet" in files
    assert all(is_harmless(name) and ".." not in name for name in files)
    with duckdb.connect() as connection:
        said = connection.execute(f"select distinct content from '{current}/fct_messages/*.parquet'").fetchall()
    assert {content for (content,) in said} >= set(HOSTILE)


def test_nothing_reaches_the_terminal_raw(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    growing = warehouse.settings.landing / "events" / f"growing {TERMINAL}\n.jsonl"
    growing.write_text('{"event_id": ')
    (warehouse.settings.landing / "events" / f"unknown {TERMINAL}.txt").touch()
    for name, value in (("HOME", warehouse.home.root), ("LANDING", warehouse.settings.landing)):
        monkeypatch.setenv(f"COLLOQUY_{name}", str(value))
    monkeypatch.setenv("COLLOQUY_SEEDS", str(warehouse.folder / "my-seeds"))
    key = "canary-of-the-key"
    monkeypatch.setenv("COLLOQUY_HASH_KEY", key)
    # Written after the moment of the load by the clock of the machine: not stable.
    warehouse.land(NOW)
    assert main(["status"]) == 0
    assert main(["check-files", str(warehouse.settings.landing)]) == 0
    assert main(["doctor"]) in {0, 1}
    print(summarise(warehouse.home.published, notes_on_build(warehouse.home.build_database)))
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert is_harmless(text), [letter for letter in text if not is_harmless(letter)]
        assert key not in text
    assert f"pending     events/growing {SHOWN}\\n.jsonl since " in said.out
    assert f"  events/unknown {SHOWN}.txt: " in said.out
    assert f"Funnel: {SHOWN} " in said.out
    assert f"events/refused {SHOWN}.jsonl: 1 malformed_json (line 1)" in said.out


@pytest.mark.full
def test_the_whole_command_over_the_same_files(warehouse: WarehouseUnderTest, tmp_path: Path) -> None:
    """As `make run` does it: its log is harmless, and no file of it but the published ones is open to others."""
    landing, home = tmp_path / "landing", tmp_path / "home of ours"
    shutil.copytree(warehouse.settings.landing, landing)
    Path(os.fsdecode(bytes(landing / "events") + b"/not \xff utf-8.jsonl")).write_text("{}\n")
    environment = {
        "COLLOQUY_HOME": str(home),
        "COLLOQUY_SEEDS": str(warehouse.folder / "my-seeds"),
        "COLLOQUY_HASH_KEY": "canary-of-the-key",
    }
    finished = subprocess.run(
        [sys.executable, "-m", "orchestration", "run", "--landing", str(landing)],
        cwd=PROJECT_DIR,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = finished.stdout.decode()
    assert finished.returncode == 0, said
    assert is_harmless(said), sorted({letter for letter in said if not is_harmless(letter)})
    assert "its name is not UTF-8: rename it" in said
    assert "canary-of-the-key" not in said

    open_to_others = {
        path.relative_to(home).parts[0]
        for path in home.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o077
    }
    assert open_to_others == {"published"}
    assert home.stat().st_mode & 0o777 == 0o700
    # A root that lets others pass opens exactly what is published.
    for path in (home / "published").rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
