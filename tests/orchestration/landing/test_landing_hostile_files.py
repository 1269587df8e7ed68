"""Files made to harm: links swapped in, bombs, Parquet of wrong shapes. The good rows are still landed."""

import errno
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import file_load, loader, streams
from orchestration.landing.landed_files import LandedFile, UnreadFile, find_files, open_file
from orchestration.landing.lines import LINE_COST_BYTES, Chunk, is_too_deep

SECRET = '{"event_id": "secret", "conversation_id": "c", "event_type": "t", "timestamp": "2026-03-01T10:00:00Z"}\n'
A_LINK_CAME = "cannot be read: a link has come in its place since it was found; links are not followed"


@pytest.fixture
def outside(warehouse: Any) -> Path:
    """Make a folder next to the landing folder with a file that has not landed."""
    folder = warehouse.root / "outside"
    folder.mkdir()
    (folder / "a.jsonl").write_text(SECRET)
    (folder / "a.parquet").write_bytes(parquet(folder, "select 'secret' as event_id"))
    return Path(folder)


def parquet(folder: Path, query: str) -> bytes:
    """Parquet bytes of a query's rows."""
    target = folder / "rows.tmp"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd)")
    content = target.read_bytes()
    target.unlink()
    return content


def replace_file(path: Path, outside: Path) -> None:
    path.unlink()
    path.symlink_to(outside / f"a{path.suffix}")


def replace_folder(path: Path, outside: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to(outside)


@pytest.mark.parametrize("swap", [replace_file, replace_folder])
@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_link_that_comes_between_look_and_opening(
    warehouse: Any, outside: Path, monkeypatch: Any, name: str, swap: Callable[[Path, Path], None]
) -> None:
    path = warehouse.write(f"events/day/{name}", SECRET)
    warehouse.write("events/z.jsonl", SECRET.replace("secret", "good"))

    def swapped(landing: Path) -> list[LandedFile | UnreadFile]:
        found = find_files(landing)
        swap(path, outside)
        return found

    monkeypatch.setattr(loader, "find_files", swapped)
    summary = warehouse.load()
    assert [(one.path, one.state, one.note) for one in summary.files] == [
        (f"events/day/{name}", "unread", A_LINK_CAME),
        ("events/z.jsonl", "loaded", ""),
    ]
    assert warehouse.rows("select event_id from raw.events") == [("good",)]
    assert warehouse.value("select count(*) from raw.rejected_events") == 0


def test_a_parquet_file_swapped_while_it_is_read_is_read_from_what_was_opened(
    warehouse: Any, outside: Path, monkeypatch: Any
) -> None:
    """DuckDB opens the file a second time: it must be the same one, not what has the name by then."""
    fields = "'c' as conversation_id, 't' as event_type, '2026-03-01T10:00:00Z' as timestamp"
    path = warehouse.write("events/a.parquet", parquet(outside, f"select 'good' as event_id, {fields}"))
    (outside / "a.parquet").write_bytes(parquet(outside, f"select 'secret' as event_id, {fields}"))
    original = streams._parquet_rows

    def swapping(*arguments: Any) -> Iterator[Any]:
        replace_file(path, outside)
        yield from original(*arguments)

    monkeypatch.setattr(streams, "_parquet_rows", swapping)
    warehouse.load()
    assert warehouse.rows("select event_id from raw.events") == [("good",)]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(warehouse: Any) -> None:
    path = warehouse.write("events/a.jsonl", SECRET)
    (file,) = find_files(warehouse.landing)
    assert isinstance(file, LandedFile)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match="no regular file any more") as refused:
        open_file(file)
    assert refused.value.errno == errno.EINVAL


# Bombs

PEAK = """\
import resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from orchestration.landing import load_landing
root = Path(sys.argv[1])
arguments = dict(seeds=Path("seeds"), hash_key=b"k", stable_after=timedelta(0), now=datetime(2026, 3, 10, tzinfo=UTC))
load_landing(root / "raw.duckdb", root / "landing", **arguments)
if sys.platform == "linux":
    # Its own peak: what the kernel reports of a process begins with that of the one it was forked from.
    print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def compressed(block: bytes, count: int) -> bytes:
    """Gzip of a block many times over, in one member, so that nothing but a bound ends a step of unpacking it."""
    packer = zlib.compressobj(9, wbits=-15)
    # Flushed whole, the block can be repeated: packing a gigabyte would take longer than reading it.
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(count):
        checksum = zlib.crc32(block, checksum)
    header = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
    return header + packed * count + packer.flush() + struct.pack("<LL", checksum, len(block) * count)


@pytest.mark.full
def test_a_gigabyte_in_a_small_file_is_read_in_bounded_memory(warehouse: Any, outside: Path) -> None:
    """1 GiB of zeros, 1 GiB of blank lines, 2 GB of one text in Parquet; none of it is ever in memory as a whole."""
    block = 16 << 20
    warehouse.write("events/a-zeros.jsonl.gz", compressed(b"\0" * block, 64))
    warehouse.write("events/b-blank.jsonl.gz", compressed(b"\n" * block, 64))
    many = "from range(2100) as t(i)"
    warehouse.write("events/c.parquet", parquet(outside, f"select repeat('x', 1000000) as event_id, i {many}"))
    warehouse.write("events/d.parquet", parquet(outside, f"select [repeat('x', 1000000)] as properties, i {many}"))
    warehouse.write("events/e.parquet", parquet(outside, "select repeat('x', 300000000) as event_id"))
    warehouse.write("events/z.jsonl", SECRET)
    assert max(path.stat().st_size for path in (warehouse.landing / "events").iterdir()) < 2 << 20

    finished = subprocess.run(
        [sys.executable, "-c", PEAK, str(warehouse.root)], stdout=subprocess.PIPE, text=True, check=True
    )
    assert int(finished.stdout) < 1536 << 20
    assert warehouse.rows("select event_id from raw.events") == [("secret",)]
    assert warehouse.rows("select _file, reason, line_bytes from raw.rejected_events where line_bytes > 1e9") == [
        ("events/a-zeros.jsonl.gz", "too_large", 1 << 30)
    ]
    assert warehouse.rows("select _file, reason from raw.rejected_events where _file like '%parquet' order by 1") == [
        (f"events/{name}.parquet", "too_large") for name in "cde"
    ]
    assert warehouse.rows("select lines from raw.loaded_files where file like '%blank%'") == [(0,)]
    warehouse.check_sums()


class Unread:
    def update(self, data: bytes, /) -> None:
        pass


@pytest.mark.full
def test_unpacking_a_gigabyte_takes_some_megabytes(warehouse: Any) -> None:
    warehouse.write("events/a.jsonl.gz", compressed(b"\0" * (16 << 20), 64))
    (file,) = find_files(warehouse.landing)
    assert isinstance(file, LandedFile)
    tracemalloc.start()
    try:
        (chunk,) = streams.read_file(file, Unread())
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(chunk, Chunk)
    assert peak_bytes < 64 << 20


def test_short_lines_do_not_fill_memory(warehouse: Any) -> None:
    """A line costs far more than its two bytes once it is an object, so a chunk holds fewer of them than bytes."""
    path = warehouse.write("events/a.jsonl", b"1\n" * (2 << 20))
    (file,) = find_files(warehouse.landing)
    assert isinstance(file, LandedFile)
    sizes = [len(part.lines) for part in streams.read_file(file, Unread()) if isinstance(part, Chunk)]
    assert sum(sizes) == path.stat().st_size // 2
    assert max(sizes) <= streams.CHUNK_BYTES // LINE_COST_BYTES + streams._BLOCK_BYTES // 2


def test_refused_lines_count_when_small_files_are_gathered(warehouse: Any, monkeypatch: Any) -> None:
    """Files of nothing but refused lines hold as much as good ones, and are let go as early."""
    gathered: list[int] = []
    original = file_load.load_together

    def counting(context: Any, files: list[Any], on_progress: Any) -> Any:
        gathered.append(len(files))
        return original(context, files, on_progress)

    monkeypatch.setattr(loader, "load_together", counting)
    monkeypatch.setattr(loader, "TOGETHER_BYTES", 100_000)
    for number in range(6):
        warehouse.write(f"events/{number}.jsonl", b"\xff" * 60_000 + b"\n")
    assert warehouse.load().rejected == 6
    assert gathered == [2, 2, 2]


# Lines that take long


def test_depth_of_a_line_of_quotes_is_found_in_one_pass(warehouse: Any) -> None:
    """A parser that starts again at every quote needs an hour for this line; the test would never end."""
    quotes = "[" * 300 + '"' + '\\"' * 500_000
    assert is_too_deep(quotes)
    quotes = "[" * 200 + '"' + '\\"' * 500_000
    assert not is_too_deep(quotes)
    warehouse.write("events/a.jsonl", f"{quotes}\n{SECRET}")
    assert warehouse.load().accepted == 1
    assert warehouse.reasons() == [(1, "malformed_json")]


HUGE = "9" * 1_000_000
MANY = ", ".join(f'"k{number}": {number}' for number in range(60_000))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (f'"seq": {HUGE}', None),
        (f'"value": {HUGE}', None),
        (f'"value": "{HUGE}"', None),
        (f'"value": -0.{HUGE}', None),
        ('"value": 1e999999999, "cost_usd": -1E400, "tokens_in": 1e-999999999, "intent_confidence": 1e309', None),
        (f'"timestamp": {HUGE}', "bad_timestamp"),
        ('"timestamp": "-0001-01-01T00:00:00Z"', "bad_timestamp"),
        ('"timestamp": "9999-12-31T23:59:59-14:00"', "timestamp_out_of_range"),
        ('"timestamp": "2026-03-01T10:00:00.' + "9" * 100_000 + 'Z"', None),
        (MANY, None),
        (f'"properties": {{{MANY}}}', None),
        ('"\\u0000": "\\u0000", "\\n": "\\u001b[2J"', None),
        ('"k": "\\udc00"', "malformed_json"),
        ('"\\ud800": 1', "malformed_json"),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("is_last", [False, True])
def test_extreme_values_harm_no_neighbour(
    *, warehouse: Any, make_event: Any, change: str, reason: str | None, is_last: bool
) -> None:
    """Also as a last line without its newline, which is looked at before it counts as whole."""
    event = make_event(1)
    event.pop(change.split('"')[1], None)
    hostile = json.dumps(event)[:-1] + f", {change}}}"
    good = json.dumps(make_event(2))
    warehouse.write("events/a.jsonl", f"{good}\n{hostile}" if is_last else f"{hostile}\n{good}\n")
    assert warehouse.load().accepted == (2 if reason is None else 1)
    assert [found for _, found in warehouse.reasons()] == ([] if reason is None else [reason])


# Parquet of other shapes

TIMED = "'2026-03-01T10:00:00Z' as timestamp, 'c' as conversation_id, 't' as event_type"


@pytest.mark.parametrize(
    ("query", "accepted", "found"),
    [
        ("select 1 as a, 2 as b", 0, ["missing_event_id"]),
        (f"select 'p' as event_id, {TIMED}", 1, []),
        (f"select 'p' as event_id, * replace (timestamp::timestamp as timestamp) from (select {TIMED})", 1, []),
        (f"select {{'x': 1}} as event_id, {TIMED}", 1, []),
        ("select 'p' as event_id, 5 as timestamp, 'c' as conversation_id, 't' as event_type", 0, ["bad_timestamp"]),
        (f"select '\\xFF\\x00'::blob as event_id, {TIMED}", 1, []),
        (f"select 'p' as event_id, 'nan'::double as value, 'inf'::float as other, {TIMED}", 0, ["malformed_json"]),
        (f"select 'p' as event_id, {TIMED}, map {{1: 'a', 2: 'b'}} as properties", 1, []),
        (f"select 'p' as event_id, {TIMED}, uuid() as u, 1::hugeint as h, interval 1 day as d", 1, []),
        (f"select 'p' as event_id, {TIMED} where false", 0, []),
        (f"select 'p' as event_id, 'q' as \"EVENT_ID \", 'r' as \"'; drop table raw.events; --\", {TIMED}", 1, []),
        (f"select 'p' as event_id, 'q' as \"ev\"\"ent\", repeat('x', 2000000) as content, {TIMED}", 0, ["too_large"]),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_parquet_of_any_shape(warehouse: Any, query: str, accepted: int, found: list[str]) -> None:
    warehouse.write("events/a.parquet", parquet(warehouse.root, query))
    warehouse.write("events/z.jsonl", SECRET)
    assert warehouse.load().accepted == accepted + 1
    assert [reason for _, reason in warehouse.reasons()] == found


def test_parquet_nested_deeper_than_a_line_may_be(warehouse: Any) -> None:
    """DuckDB keeps room for 2,048 values on each level, so that the limit of memory ends it before that of depth."""
    nested = "[" * 320 + "1" + "]" * 320
    warehouse.write(
        "events/a.parquet", parquet(warehouse.root, f"select {nested} as properties, 'p' as event_id, {TIMED}")
    )
    warehouse.write("events/z.jsonl", SECRET)
    assert warehouse.load().accepted == 1
    assert warehouse.reasons() == [(1, "too_large")]


@pytest.mark.parametrize("damage", ["footer", "length", "page", "names", "encrypted"])
def test_damaged_parquet_is_refused_as_a_file(warehouse: Any, damage: str) -> None:
    content = bytearray(
        parquet(warehouse.root, f"select 'p' || i as event_id, 'q' as event_ix, {TIMED} from range(2000) as t(i)")
    )
    footer = int.from_bytes(content[-8:-4], "little")
    if damage == "footer":
        content[-8 - footer : -8] = bytes(footer)
    elif damage == "length":
        content[-8:-4] = b"\xff\xff\xff\x7f"
    elif damage == "page":
        content[4:400] = b"\xff" * 396
    elif damage == "names":
        content = content.replace(b"event_ix", b"event_id")
    else:
        content[:4] = content[-4:] = b"PARE"
    warehouse.write("events/a.parquet", bytes(content))
    warehouse.write("events/z.jsonl", SECRET)
    summary = warehouse.load()
    assert warehouse.value("select count(*) from raw.events where event_id = 'secret'") == 1
    reasons = [reason for _, reason in warehouse.reasons()]
    if damage == "names":
        # DuckDB renames the second of two columns of one name with a number; their order decided which is the id.
        assert (summary.accepted, reasons) == (2001, [])
    else:
        assert (summary.accepted, reasons) == (1, ["malformed_json"])
