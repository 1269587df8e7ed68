"""The real command in a process of its own: what it publishes, what a second run does, how it reports broken files."""

import gzip
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.commands import run_command
from tests.support.warehouse import SHARED_DATA

STAR = SHARED_DATA / "star" / "events.jsonl.gz"


def table_hashes(database: Path) -> dict[str, tuple[Any, ...]]:
    """Return rows and a hash of all rows of each published table."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        return {
            name: connection.execute(f"select count(*), sum(hash(one)) from marts.{name} as one").fetchone() or ()
            for name in names
        }


@pytest.mark.full
def test_the_command_publishes_a_real_set_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    if not STAR.exists():
        pytest.skip(f"{STAR} is not there; the real sets are not part of the repository")
    landing, home = tmp_path / "d", tmp_path / "home"
    (landing / "events").mkdir(parents=True)
    (landing / "events" / "star.jsonl.gz").write_bytes(STAR.read_bytes())
    run_command(home, landing, "run")

    published = home / "published" / "colloquy.duckdb"
    totals = "select count(*), sum(user_message_count), sum(agent_message_count) from {}marts.fct_conversations"
    with duckdb.connect(str(published), read_only=True) as connection:
        assert connection.execute(totals.format("")).fetchone() == (2164, 13146, 13043)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{published}' as warehouse (read_only)")
        assert connection.execute(totals.format("warehouse.")).fetchone() == (2164, 13146, 13043)
        event_ids = {
            row[0] for row in connection.execute("select event_id from warehouse.marts.fct_messages").fetchall()
        }
    with gzip.open(STAR, "rt", encoding="utf-8") as lines:
        messages = (
            event for event in map(json.loads, lines) if event["event_type"] in ("message_sent", "agent_response")
        )
        assert event_ids == {event["event_id"] for event in messages}

    before = (table_hashes(published), published.stat().st_ino, version_files(home))
    output = run_command(home, landing, "run")
    assert (table_hashes(published), published.stat().st_ino, version_files(home)) == before
    assert "Nothing has changed since version" in output


def version_files(home: Path) -> list[str]:
    """Return the published versions."""
    return sorted(path.name for path in (home / "published").glob("colloquy-*.duckdb"))


def event_line(name: str, **fields: Any) -> str:
    """Return a line of the source `events`."""
    event = {"event_id": name, "conversation_id": name, "event_type": "user_message"}
    return json.dumps(event | {"timestamp": "2025-06-01T10:00:00Z"} | fields)


def write_broken_files(folder: Path) -> None:
    """Write one good file and one of every way in which a file can be broken."""
    folder.mkdir(parents=True)
    good = [event_line("good-1"), event_line("good-2")]
    (folder / "good.jsonl").write_text("\n".join(good) + "\n")
    (folder / 'it\'s "quoted".jsonl').write_text(event_line("quoted-1") + "\n")
    (folder / "fields.jsonl").write_text(event_line("fields-1", shoe_size=44, properties={"a": [1]}) + "\n")
    (folder / "middle.jsonl").write_text("\n".join([event_line("middle-1"), "{oops", event_line("middle-3")]) + "\n")
    (folder / "large.jsonl").write_text(
        "\n".join([event_line("large-1", properties={"content": "x" * 2**21}), event_line("large-2")]) + "\n"
    )
    (folder / "empty.jsonl").write_text("")
    (folder / "binary.jsonl").write_bytes(bytes(range(256)) * 20)
    (folder / "not-gzip.jsonl.gz").write_bytes(bytes(range(256)) * 20)
    (folder / "folder.jsonl").mkdir()
    # Incompressible, so that half of the bytes hold about half of the lines.
    lines = [event_line(f"cut-{number}", properties={"content": os.urandom(64).hex()}) for number in range(200)]
    whole = gzip.compress("\n".join(lines).encode())
    for name in ("cut.jsonl.gz", "arriving.jsonl.gz"):
        (folder / name).write_bytes(whole[: len(whole) // 2])
    # No program has written to it for two hours: it will not be finished any more.
    stale = (folder / "arriving.jsonl.gz").stat().st_mtime - 7200
    os.utime(folder / "cut.jsonl.gz", (stale, stale))


def write_widgets(folder: Path) -> None:
    """Write three widgets, of which only the second states production, and only in one of its two lines."""
    folder.mkdir(parents=True)
    shown = [{"conversation_id": f"widget-{number}", "timestamp": "2025-06-01T10:00:00Z"} for number in (1, 2, 3)]
    asked = [{**line, "timestamp": "2025-06-01T10:01:00Z", "role": "user", "content": "hello"} for line in shown[:2]]
    lines = [shown[0], {**shown[1], "environment": "production"}, shown[2], *asked]
    (folder / "widgets.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_command_loads_what_is_good_and_reports_the_rest(tmp_path: Path) -> None:
    landing, home = tmp_path / "d", tmp_path / "home"
    write_broken_files(landing / "events")
    write_widgets(landing / "agentsight_interactions")
    output = run_command(home, landing, "run")

    with duckdb.connect(str(home / "published" / "colloquy.duckdb"), read_only=True) as connection:
        found = {row[0] for row in connection.execute("select conversation_id from marts.fct_conversations").fetchall()}
    cut = {name for name in found if name.startswith("cut-")}
    assert found - cut == {"widget-2", "good-1", "good-2", "quoted-1", "fields-1", "middle-1", "middle-3", "large-2"}
    # As far as it reads: the first lines without a gap, and not all.
    assert cut == {f"cut-{number}" for number in range(len(cut))}
    assert 0 < len(cut) < 200

    # Two of the first widget and one of the third; the second names its environment once, and all of it is published.
    held_back = "3 events of agentsight_interactions name no environment and are not published; "
    assert [line for line in output.splitlines() if "no environment" in line] == [
        f"{held_back}set default_environment in sources.csv"
    ]

    assert "events/middle.jsonl: 1 malformed_json (line 2)" in output
    assert "events/large.jsonl: 1 too_large (line 1)" in output
    assert f"events/cut.jsonl.gz: 1 truncated_file (line {len(cut) + 1})" in output
    for name in ("binary.jsonl", "not-gzip.jsonl.gz", "folder.jsonl", "arriving.jsonl.gz"):
        assert f"events/{name}: " in output
    with duckdb.connect(str(home / "raw.duckdb"), read_only=True) as connection:
        files = connection.execute(
            "select file, lines, accepted + rejected + duplicates from raw.raw.loaded_files"
        ).fetchall()
        refused = connection.execute("select _file, _line, reason from raw.raw.rejected_events").fetchall()
    assert all(lines == parts for _, lines, parts in files)
    assert "events/arriving.jsonl.gz" not in {file for file, *_ in files}
    assert {("events/middle.jsonl", 2, "malformed_json"), ("events/large.jsonl", 1, "too_large")} <= set(refused)
    assert len(refused) == sum(rejected_lines(output).values())


def rejected_lines(output: str) -> dict[str, int]:
    """Read from the output how many lines of each file were refused, for any reason."""
    counts: dict[str, int] = defaultdict(int)
    refusals = output.partition("Refused lines")[2].partition("\n\n")[0]
    for line in refusals.splitlines():
        file, separator, rest = line.strip().partition(": ")
        if separator and file.startswith("events/"):
            counts[file] += int(rest.split()[0].replace(",", ""))
    return counts
