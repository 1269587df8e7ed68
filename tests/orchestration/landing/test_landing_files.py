"""Files: whole, unfinished, broken, grown, changed, unreadable."""

import gzip
import json
import os
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import streams
from orchestration.landing.summary import FileReport, LandingSummary

MINUTE = timedelta(minutes=1)


def report(summary: LandingSummary, path: str) -> FileReport:
    return next(one for one in summary.files if one.path == path)


def numbers(one: FileReport) -> tuple[str, int, int, int, int, int]:
    return (one.state, one.lines, one.accepted, one.rejected, one.duplicates, one.reread)


def stored(warehouse: Any) -> list[list[tuple[Any, ...]]]:
    """Everything but the columns that show when and where it was loaded."""
    columns = "* exclude (_load_id, _file, _line, _loaded_at, _line_hash)"
    return [
        warehouse.rows(f"select {columns} from raw.events order by event_id"),
        warehouse.rows("select source, event_id, content from raw.message_texts order by event_id"),
    ]


def test_a_file_is_loaded_once(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    path = warehouse.write("events/2026/03/a.jsonl", make_jsonl(make_event(1), make_event(2)))
    first = warehouse.load()
    assert numbers(report(first, "events/2026/03/a.jsonl")) == ("loaded", 2, 2, 0, 0, 0)
    assert first.has_news
    second = warehouse.load()
    assert [one.state for one in second.files] == ["unchanged"]
    assert not second.has_news
    # Affected, same content: looked into once, then known by its new time.
    os.utime(path, (warehouse.now.timestamp(), warehouse.now.timestamp()))
    assert [one.state for one in warehouse.load().files] == ["unchanged"]
    assert warehouse.rows("select count(*), max(modified_ns) from raw.loaded_files") == [(1, path.stat().st_mtime_ns)]
    assert (first.load_id, warehouse.value("select max(load_id) from raw.loaded_files")) == (1, 1)


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_read(
    warehouse: Any, make_event: Any, make_jsonl: Any
) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    warehouse.load()
    path = warehouse.write("events/b.jsonl", make_jsonl(make_event(2)))
    assert path.stat().st_size == (warehouse.landing / "events" / "a.jsonl").stat().st_size
    path.rename(warehouse.landing / "events" / "a.jsonl")
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 1, 1, 0, 0, 0)
    # Written in place, its time set back: the time of the change shows it.
    warehouse.write("events/a.jsonl", make_jsonl(make_event(3)))
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 1, 1, 0, 0, 0)
    assert [one.state for one in warehouse.load().files] == ["unchanged"]
    assert warehouse.rows("select event_id from raw.events order by event_id") == [("e1",), ("e2",), ("e3",)]


def test_a_change_that_no_time_shows_is_found_by_reading_all(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    path = warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    warehouse.load()
    path = warehouse.write("events/a.jsonl", make_jsonl(make_event(2)))
    # As on a file system without these times, or after a fault of the disk.
    with duckdb.connect(str(warehouse.database)) as connection:
        status = path.stat()
        connection.execute("update raw.raw.loaded_files set identity = ?", [f"{status.st_ino}:{status.st_ctime_ns}"])
    assert [one.state for one in warehouse.load().files] == ["unchanged"]
    assert numbers(report(warehouse.load(reads_all=True), "events/a.jsonl")) == ("loaded", 1, 1, 0, 0, 0)
    assert [one.state for one in warehouse.load(reads_all=True).files] == ["unchanged"]


def test_blank_lines_mark_and_carriage_returns(warehouse: Any, make_event: Any) -> None:
    lines = ["\ufeff" + json.dumps(make_event(1)), "", "   ", json.dumps(make_event(2)), "nonsense", ""]
    warehouse.write("events/a.jsonl", "\r\n".join(lines))
    summary = warehouse.load()
    assert numbers(report(summary, "events/a.jsonl")) == ("loaded", 3, 2, 1, 0, 0)
    assert warehouse.rows("select _line, event_id from raw.events order by _line") == [(1, "e1"), (4, "e2")]
    assert warehouse.rows("select _line, line from raw.rejected_events") == [(5, "nonsense")]


def test_last_line_without_newline_counts_when_whole(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1), make_event(2)).rstrip("\n"), age=MINUTE)
    assert warehouse.load().accepted == 2


@pytest.mark.parametrize("kind", ["jsonl", "gzip", "empty gzip", "parquet"])
def test_pending_then_completed(warehouse: Any, make_event: Any, make_jsonl: Any, make_gzip: Any, kind: str) -> None:
    text = make_jsonl(*(make_event(number) for number in range(50)))
    name, whole = "events/a.jsonl", text.encode()
    if "gzip" in kind:
        name, whole = "events/a.jsonl.gz", make_gzip(text)
    if kind == "parquet":
        name, whole = "events/a.parquet", parquet(warehouse.root, text)
    part = b"" if kind == "empty gzip" else whole[: len(whole) // 2]
    warehouse.write(name, part, age=5 * MINUTE)
    summary = warehouse.load()
    assert report(summary, name).state == "pending"
    assert "Still being written" in summary.as_text()
    assert warehouse.value("select count(*) from raw.events") == 0
    assert warehouse.value("select count(*) from raw.loaded_files") == 0
    since = warehouse.rows("select file, pending_since from raw.pending_files")
    warehouse.now += 10 * MINUTE
    warehouse.load()
    assert warehouse.rows("select file, pending_since from raw.pending_files") == since
    warehouse.write(name, whole, age=MINUTE)
    assert numbers(report(warehouse.load(), name)) == ("loaded", 50, 50, 0, 0, 0)
    assert warehouse.rows("select * from raw.pending_files") == []


def test_pending_becomes_stable_and_is_completed_later(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    text = make_jsonl(make_event(1), make_event(2))
    warehouse.write("events/a.jsonl", text[:-30], age=59 * MINUTE)
    assert report(warehouse.load(), "events/a.jsonl").state == "pending"
    warehouse.now += MINUTE
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 2, 1, 1, 0, 0)
    assert warehouse.reasons() == [(2, "truncated_file")]
    warehouse.write("events/a.jsonl", text, age=MINUTE)
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 2, 1, 0, 1, 1)


def test_cut_gzip_becomes_stable(warehouse: Any, make_event: Any, make_jsonl: Any, make_gzip: Any) -> None:
    whole = make_gzip(make_jsonl(*(make_event(number, user_id=f"u{number * 7919}") for number in range(3000))))
    warehouse.write("events/a.jsonl.gz", whole[: len(whole) // 2])
    one = report(warehouse.load(), "events/a.jsonl.gz")
    assert one.rejected == 1
    assert 500 < one.accepted < 2900
    assert warehouse.reasons() == [(one.accepted + 1, "truncated_file")]
    assert warehouse.value("select count(*) from raw.events") == one.accepted
    # All the data is there and only the trailing checksum is missing.
    warehouse.write("events/b.jsonl.gz", make_gzip(make_jsonl(make_event(9000)))[:-8])
    assert numbers(report(warehouse.load(), "events/b.jsonl.gz")) == ("loaded", 2, 1, 1, 0, 0)


def test_gzip_of_several_members(warehouse: Any, make_event: Any, make_jsonl: Any, make_gzip: Any) -> None:
    content = make_gzip(make_jsonl(make_event(1))) + make_gzip(make_jsonl(make_event(2))) + b"\0" * 64
    warehouse.write("events/a.jsonl.gz", content)
    assert warehouse.load().accepted == 2


def test_damaged_gzip_is_not_waited_for(warehouse: Any, make_event: Any, make_jsonl: Any, make_gzip: Any) -> None:
    whole = bytearray(make_gzip(make_jsonl(*(make_event(n, user_id=f"u{n * 7919}") for n in range(20_000)))))
    whole[len(whole) // 2 : len(whole) // 2 + 200] = b"\xff" * 200
    warehouse.write("events/a.jsonl.gz", bytes(whole), age=MINUTE)
    warehouse.write("events/b.jsonl.gz", b"plain text\n", age=MINUTE)
    summary = warehouse.load()
    damaged = report(summary, "events/a.jsonl.gz")
    assert damaged.state == "loaded"
    assert damaged.accepted > 1000
    assert numbers(report(summary, "events/b.jsonl.gz")) == ("loaded", 1, 0, 1, 0, 0)
    assert Counter(reason for _, reason in warehouse.reasons())["truncated_file"] == 1
    assert ("malformed_json",) in warehouse.rows(
        "select reason from raw.rejected_events where _file like '%b.jsonl.gz'"
    )


def test_a_gzip_bomb_stays_small(warehouse: Any) -> None:
    warehouse.write("events/a.jsonl.gz", gzip.compress(b" " * (64 << 20) + b"{", compresslevel=1))
    assert warehouse.load().rejected == 1
    assert warehouse.rows("select reason, line_bytes from raw.rejected_events") == [("too_large", (64 << 20) + 1)]


def test_grown_file(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    bad = "nonsense\n"
    text = make_jsonl(make_event(1), make_event(2), make_event(1)) + bad
    warehouse.write("events/a.jsonl", text)
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 4, 2, 1, 1, 0)
    text += make_jsonl(make_event(3)) + bad + bad
    warehouse.write("events/a.jsonl", text)
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 7, 1, 2, 4, 4)
    text += make_jsonl(make_event(4))
    warehouse.write("events/a.jsonl", text)
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 8, 1, 0, 7, 7)
    assert warehouse.value("select count(*) from raw.rejected_events") == 3
    assert warehouse.rows("select lines, reread, load_id from raw.loaded_files order by load_id") == [
        (4, 0, 1),
        (7, 4, 2),
        (8, 7, 3),
    ]


def test_changed_and_corrected_file(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1), make_event(2, conversation_id="")))
    assert warehouse.load().rejected == 1
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1, channel="sms"), make_event(2)))
    assert numbers(report(warehouse.load(), "events/a.jsonl")) == ("loaded", 2, 1, 1, 0, 0)
    assert warehouse.reasons() == [(2, "missing_conversation_id"), (1, "conflicting_duplicate")]
    assert warehouse.value("select channel from raw.events where event_id = 'e1'") is None


def test_a_copied_file_is_all_duplicates(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    text = make_jsonl(make_event(1), make_event(2))
    warehouse.write("events/a.jsonl", text)
    warehouse.load()
    warehouse.write("events/b.jsonl", text)
    assert numbers(report(warehouse.load(), "events/b.jsonl")) == ("loaded", 2, 0, 0, 2, 0)


def test_broken_files_do_not_stop_the_good_one(
    warehouse: Any, make_event: Any, make_jsonl: Any, make_gzip: Any
) -> None:
    good = make_jsonl(make_event(1))
    warehouse.write("events/z good.jsonl", good)
    warehouse.write("events/cut.jsonl.gz", make_gzip(make_jsonl(make_event(2)))[:20])
    warehouse.write("events/binary.jsonl", bytes(range(256)) * 40)
    warehouse.write("events/empty.jsonl", b"")
    warehouse.write("events/middle.jsonl", make_jsonl(make_event(3)) + "{bad\n" + make_jsonl(make_event(4)))
    big = json.dumps(make_event(5, properties={"content": "y" * (2 << 20)})) + "\n"
    warehouse.write("events/long.jsonl", big + make_jsonl(make_event(6)))
    warehouse.write("events/fields.jsonl", make_jsonl(make_event(7, colour="red", nested={"a": [1]})))
    (warehouse.landing / "events" / "x.jsonl").mkdir()
    warehouse.write('events/it\'s "quoted"; [*] \n ünï.jsonl', make_jsonl(make_event(8)))
    warehouse.write("events/magic.parquet", b"PAR1" + b"\0" * 100 + b"PAR1")
    warehouse.write("events/text.parquet", "no parquet at all")
    warehouse.write("events/notes.txt", "hello")
    warehouse.write("unknown/a.jsonl", good)
    warehouse.write("loose.jsonl", good)
    summary = warehouse.load()
    states = {one.path: (one.state, one.accepted, one.rejected) for one in summary.files}
    assert states == {
        "events/z good.jsonl": ("loaded", 1, 0),
        "events/cut.jsonl.gz": ("loaded", 0, 1),
        "events/binary.jsonl": ("loaded", 0, 41),
        "events/empty.jsonl": ("loaded", 0, 0),
        "events/middle.jsonl": ("loaded", 2, 1),
        "events/long.jsonl": ("loaded", 1, 1),
        "events/fields.jsonl": ("loaded", 1, 0),
        "events/x.jsonl": ("unread", 0, 0),
        'events/it\'s "quoted"; [*] \n ünï.jsonl': ("loaded", 1, 0),
        "events/magic.parquet": ("loaded", 0, 1),
        "events/text.parquet": ("loaded", 0, 1),
        "events/notes.txt": ("unread", 0, 0),
        "unknown/a.jsonl": ("unread", 0, 0),
        "loose.jsonl": ("unread", 0, 0),
    }
    assert [one.path for one in summary.files] == sorted(states)
    text = summary.as_text()
    assert "a folder, not a file" in text
    assert "unknown/a.jsonl: not in the folder of a source" in text
    assert warehouse.value("select line_bytes from raw.rejected_events where reason = 'too_large'") == len(big) - 1


def test_links_and_unreadable_files(warehouse: Any, make_event: Any, make_jsonl: Any, monkeypatch: Any) -> None:
    outside = warehouse.root / "secret.jsonl"
    outside.write_text(make_jsonl(make_event(1)))
    folder = warehouse.landing / "events"
    folder.mkdir()
    (folder / "out.jsonl").symlink_to(outside)
    (folder / "gone.jsonl").symlink_to(folder / "missing.jsonl")
    (folder / "within.jsonl").symlink_to("z.jsonl")
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    (folder / "there.jsonl").symlink_to("back.jsonl")
    (folder / "back.jsonl").symlink_to("there.jsonl")
    (folder / "folder").symlink_to(warehouse.root)
    (folder / "round").symlink_to("../events")
    warehouse.write("events/vanishes.jsonl", make_jsonl(make_event(2)))
    warehouse.write("events/z.jsonl", make_jsonl(make_event(3)))
    original = os.open

    def refusing(path: Any, *arguments: Any, **options: Any) -> int:
        if path == "vanishes.jsonl":
            raise PermissionError(13, "Permission denied")
        return original(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    summary = warehouse.load()
    assert {one.path: (one.state, one.note) for one in summary.files} == {
        **dict.fromkeys(
            [f"events/{name}.jsonl" for name in ("out", "gone", "within", "loop", "there", "back")],
            ("unread", "a link, and links are not followed: put the file itself there"),
        ),
        **dict.fromkeys(["events/folder", "events/round"], ("unread", "a linked folder is not followed")),
        "events/vanishes.jsonl": ("unread", "cannot be read: Permission denied"),
        "events/z.jsonl": ("loaded", ""),
    }


def test_a_missing_landing_folder_is_an_error(warehouse: Any) -> None:
    warehouse.landing.rmdir()
    with pytest.raises(FileNotFoundError, match="COLLOQUY_LANDING"):
        warehouse.load()


def parquet(folder: Path, text: str, columns: str = "*") -> bytes:
    """Parquet bytes of JSON lines."""
    source, target = folder / "rows.json", folder / "rows.parquet"
    source.write_text(text)
    with duckdb.connect() as connection:
        connection.execute(f"copy (select {columns} from read_json('{source}')) to '{target}' (format parquet)")
    return target.read_bytes()


@pytest.mark.parametrize("columns", ["*", "* replace (to_json(properties)::varchar as properties)"])
def test_parquet_equals_jsonl(warehouse: Any, make_event: Any, make_jsonl: Any, tmp_path: Path, columns: str) -> None:
    events = [
        make_event(
            number, event_type="message_sent", properties={"seq": number, "content": f"text {number}", "x": {"y": 1}}
        )
        for number in range(40)
    ]
    events.append(make_event(50, conversation_id=""))
    text = make_jsonl(*events)
    warehouse.write("events/a.jsonl", text)
    warehouse.load()
    other = type(warehouse)(tmp_path / "other")
    other.write("events/[a] *.parquet", parquet(tmp_path, text, columns))
    summary = other.load()
    assert (summary.accepted, summary.rejected) == (40, 1)
    assert stored(other) == stored(warehouse)
    assert other.reasons() == warehouse.reasons()
    # Across formats the same event is a duplicate.
    warehouse.write("events/b.parquet", parquet(tmp_path, text, columns))
    assert (warehouse.load().duplicates, warehouse.reasons()[-1]) == (40, (41, "missing_conversation_id"))


def test_a_kill_in_the_middle_leaves_nothing_of_the_file(
    warehouse: Any, make_event: Any, make_jsonl: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    # Small chunks, so that the kill comes after the first of several inserts; 1 MiB blocks are the smallest piece.
    monkeypatch.setattr(streams, "CHUNK_BYTES", 1 << 20)
    filler = "z" * 3000
    events = [make_event(number, properties={"content": filler}) for number in range(900)]
    text = make_jsonl(*events[:450], events[0]) + "nonsense\n" + make_jsonl(*events[450:])
    undisturbed = type(warehouse)(tmp_path / "other")
    for home in (warehouse, undisturbed):
        home.write("events/a.jsonl", make_jsonl(make_event(5000)))
        home.write("events/b.jsonl", text)
    undisturbed.load()

    def kill(message: str) -> None:
        if message.startswith("events/b.jsonl") and message.endswith(" lines") and "loading" not in message:
            seen.append(message)
            if len(seen) == 2:
                raise KeyboardInterrupt

    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        warehouse.load(kill)
    assert len(seen) == 2
    assert warehouse.rows("select event_id from raw.events") == [("e5000",)]
    assert warehouse.rows("select file from raw.loaded_files") == [("events/a.jsonl",)]
    assert warehouse.rows("select * from raw.message_texts") == []
    assert warehouse.rows("select * from raw.rejected_events") == []
    again = warehouse.load()
    assert numbers(report(again, "events/b.jsonl")) == ("loaded", 902, 900, 1, 1, 0)
    assert stored(warehouse) == stored(undisturbed)
    assert warehouse.reasons() == undisturbed.reasons()


def test_the_real_set(warehouse: Any, data_folder: Path) -> None:
    source = data_folder / "star" / "events.jsonl.gz"
    warehouse.write("events/star.jsonl.gz", source.read_bytes())
    summary = warehouse.load()
    assert numbers(report(summary, "events/star.jsonl.gz")) == ("loaded", 37_188, 37_188, 0, 0, 0)
    assert dict(warehouse.rows("select event_type, count(*) from raw.events group by all")) == {
        "message_sent": 13_146,
        "agent_response": 13_043,
        "tool_called": 4_828,
        "session_start": 2_164,
        "session_end": 1_905,
        "feedback_received": 1_904,
        "fallback_triggered": 198,
    }
    assert warehouse.value("select count(distinct conversation_id) from raw.events") == 2_164
