"""The key, the dry run, the summary."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.landing import check_files, read_hash_key
from orchestration.landing.addresses import mask_addresses
from orchestration.landing.lines import LineSplitter, is_too_deep
from orchestration.landing.rejects import shorten
from orchestration.settings import PROJECT_DIR


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    private = tmp_path / "private"
    key = read_hash_key(private, None)
    assert len(key) == 64
    assert read_hash_key(private, None) == key
    assert stat.S_IMODE((private / "hash_key").stat().st_mode) == 0o600
    assert [path.name for path in private.iterdir()] == ["hash_key"]
    assert read_hash_key(private, "mine") == b"mine"


def test_an_empty_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "hash_key").touch()
    with pytest.raises(ValueError, match="is empty"):
        read_hash_key(tmp_path, None)


def test_check_files_leaves_nothing(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1), make_event(2, event_type="")))
    before = sorted(warehouse.root.rglob("*"))
    summary = check_files(
        warehouse.landing,
        seeds=PROJECT_DIR / "seeds",
        hash_key=b"k",
        stable_after=timedelta(hours=1),
        now=warehouse.now,
    )
    assert (summary.accepted, summary.rejected) == (1, 1)
    assert sorted(warehouse.root.rglob("*")) == before


def test_the_clock_may_go_back_but_the_load_time_does_not(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    warehouse.load()
    warehouse.now -= timedelta(days=3)
    warehouse.write("events/b.jsonl", make_jsonl(make_event(2)))
    warehouse.load()
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC).replace(tzinfo=None)
    assert warehouse.rows("select load_id, loaded_at from raw.loaded_files order by load_id") == [(1, noon), (2, noon)]


def test_summary_keeps_ten_refusals_of_a_file_and_counts_all(warehouse: Any) -> None:
    warehouse.write("events/a.jsonl", "nonsense\n" * 25)
    summary = warehouse.load()
    assert [one.line for one in summary.rejections] == list(range(1, 11))
    assert [(one.reason, one.count) for one in summary.reasons] == [("malformed_json", 25)]
    lines = summary.as_text().splitlines()
    assert lines[0].split() == ["file", "state", "lines", "accepted", "rejected", "duplicates", "of", "these", "reread"]
    assert len({len(line) for line in lines[:3]}) == 1


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"ip":"203.0.113.9"}', '{"ip":"[ip]"}'),
        ("at 203.0.113.9:8080, ip:203.0.113.9", "at [ip]:8080, ip:[ip]"),
        ('"2001:db8::1" [2001:db8:0:0:0:0:0:1]:80 ::ffff:203.0.113.9', '"[ip]" [[ip]]:80 [ip]'),
        ("2026-03-01T10:00:00Z 12:30:45 std::vector 1.2.3", "2026-03-01T10:00:00Z 12:30:45 std::vector 1.2.3"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask_addresses(text) == masked


def test_shorten_cuts_between_characters() -> None:
    assert shorten("ü" * 3000) == "ü" * 2048
    assert shorten("a" + "ü" * 3000) == "a" + "ü" * 2047


def test_depth_ignores_brackets_in_strings() -> None:
    assert not is_too_deep('{"a":"' + "[" * 500 + '\\""}')
    assert not is_too_deep("[" + "[]," * 500 + "[]]")
    assert is_too_deep("[" * 201 + "]" * 201)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_lines_do_not_depend_on_the_blocks(size: int) -> None:
    content = '\ufeff1\r\n\n  \n"büc"\n["\xe9"]\n'.encode() + b"\xff\n" + b"null"
    splitter = LineSplitter()
    for start in range(0, len(content), size):
        splitter.feed(content[start : start + size])
    assert splitter.rest() == b"null"
    splitter.close(complete=True)
    chunk = splitter.chunk()
    assert dict(zip(chunk.numbers.tolist(), chunk.lines, strict=True)) == {1: "1", 4: '"büc"', 5: '["é"]', 7: "null"}
    assert [(one.number, one.reason) for one in chunk.refused] == [(6, "malformed_json")]
