"""What counts as JSON is what the standard library reads, whatever DuckDB would take besides."""

import json
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing import streams
from orchestration.landing.directions import Directions
from orchestration.landing.lines import Chunk
from orchestration.landing.parsing import parse_statement
from orchestration.landing.strictness import is_strict, suspect_lines
from orchestration.warehouse.source_contracts import SOURCES

LOADED_AT = datetime.fromisoformat("2026-03-10T00:00:00")
BASES = (
    '{"event_id":"e","p":{"x":1.5,"y":"s"},"z":true}',
    '{"event_id":"e","conversation_id":"c","l":[1,2,{"k":null}],"n":-1e5}',
    '{"a": "x\\u00e9\\n", "b": [[], {}], "c": false}',
    "[1, 2]",
)
PIECES = (
    *("NaN", "nan", "Infinity", "-Infinity", "inf", "-iNf", ",", ", ", ",}", ", ]", "]", "}", " ", "\t", "\r"),
    *("+1", "01", "1.", ".5", "0x1F", "'s'", "/*c*/", "//c", "#", "{}", "null", '"', "\\", "\x01", "\x0b", "\x00"),
    *('"\\u0000"', '"\\x41"', '"NaN,]"', '"an inf "', "1e999", "\ufeff", "\u00a0", "True", ":"),
)


def refuse(name: str) -> None:
    raise ValueError(name)


def standard_reads(line: str) -> bool:
    try:
        json.loads(line, parse_constant=refuse)
    except ValueError:
        return False
    return True


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Make a JSON text with up to three pieces put in or letters taken out."""
    line = draw(st.sampled_from(BASES))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(line)))
        piece = draw(st.sampled_from(PIECES))
        line = line[:place] + piece + line[place + draw(st.integers(0, 2)) :]
    return line


@pytest.fixture(scope="module")
def judge() -> Any:
    """Return the reason each line is refused for as JSON, by the loader's own statement."""
    connection = duckdb.connect(config={"threads": 1})
    statement = parse_statement(SOURCES["events"], Directions({}, (), {}))

    def reasons(lines: list[str]) -> dict[int, str | None]:
        parts = list(streams._split(iter(["\n".join(lines).encode() + b"\n"])))
        assert len(parts) == 1
        chunk = parts[0]
        assert isinstance(chunk, Chunk)
        found: dict[int, str | None] = {one.number - 1: one.reason for one in chunk.refused}
        if chunk.lines:
            frame = pd.DataFrame({"_row": 0, "_file_no": 0, "_line": chunk.numbers, "line": chunk.lines})
            connection.register("chunk", frame.astype({"line": object}))
            connection.execute(statement, {"loaded_at": LOADED_AT})
            rows = connection.execute("select _line, refusal from parsed").fetchall()
            found |= {line - 1: reason for line, reason in rows}
        return found

    return reasons


@settings(max_examples=40, deadline=None, derandomize=True)
@given(lines=st.lists(mutated(), min_size=20, max_size=60))
def test_a_line_is_json_when_the_standard_library_reads_it(judge: Any, lines: list[str]) -> None:
    # A byte order mark at the very beginning belongs to the file.
    lines = ["[]", *lines]
    found = judge(lines)
    for place, line in enumerate(lines):
        bare = line.removesuffix("\r")
        if not bare.strip():
            assert place not in found
            continue
        names = json.loads(bare, object_pairs_hook=lambda pairs: [name for name, _ in pairs]) if is_strict(bare) else []
        is_repeated = bare.lstrip().startswith("{") and len(set(names)) < len(names)
        expected = not standard_reads(bare) or is_repeated
        assert (found[place] in {"malformed_json", "duplicate_key"}) == expected, line
        assert (found[place] == "duplicate_key") == is_repeated, line


LENIENT = ['{"a":1,}', '{"a":[1, ]}', '{"a":NaN}', '{"a":-Infinity}', '{"a": iNF}', '{"a":[nan]}', '{"a":{"b":1,\t}}']


@pytest.mark.parametrize("line", LENIENT)
def test_what_only_duckdb_reads_is_refused(warehouse: Any, make_event: Any, line: str) -> None:
    whole = json.dumps(make_event(1))[:-1] + ', "x": ' + line + "}"
    text_of_it = json.dumps(make_event(2, properties={"content": f"nan, inf ,] ,}} {line}"}))
    warehouse.write("events/a.jsonl", f"{line}\n{whole}\r\n{text_of_it}\n")
    # Without a carriage return lines are taken block by block.
    warehouse.write("events/b.jsonl", f"{line}\n")
    assert warehouse.load().accepted == 1
    assert warehouse.reasons() == [(1, "malformed_json"), (2, "malformed_json"), (1, "malformed_json")]


def test_suspects_are_found_at_every_border_of_a_block() -> None:
    for length in range((1 << 17) - 8, (1 << 17) + 8):
        line = b'{"a":"' + b"x" * (length - 12) + b'",'
        assert suspect_lines(b'{"b":1}\n' + line + b"}\n{}") == [1]
        assert suspect_lines(b'{"b":1}\n' + line + b'"c":NaN}\n{}') == [1]
        assert suspect_lines(b'{"b":1}\n' + line + b'"c":1}\n{}') == []


def test_a_number_of_any_length_is_json() -> None:
    assert is_strict('{"a":[' + "9" * 5000 + " ]}")


def test_a_name_given_twice(warehouse: Any, make_event: Any) -> None:
    """At the top and among the properties the line is refused; deeper, where nothing is read, both are kept."""
    plain = json.dumps(make_event(1))
    twice = plain[:-1] + ', "event_id": "other"}'
    unknown = plain[:-1] + ', "x": 1, "x": 2}'
    inside = json.dumps(make_event(2)).replace('{"seq": 2}', '{"seq": 2, "x": 1, "x": 2, "seq": 3}')
    as_text = json.dumps(make_event(3, properties='{"seq": 2, "x": 1, "x": 1}'))
    with_text = json.dumps(make_event(4)).replace('{"seq": 4}', '{"content": "hello", "x": 1, "x": 2}')
    deeper = json.dumps(make_event(5)).replace('{"seq": 5}', '{"seq": 5, "args": {"x": 1, "x": 2}}')
    warehouse.write("events/a.jsonl", "\n".join([twice, unknown, inside, as_text, with_text, deeper, deeper]) + "\n")
    summary = warehouse.load()
    assert (summary.accepted, summary.duplicates) == (1, 1)
    assert warehouse.reasons() == [(line, "duplicate_key") for line in range(1, 6)]
    assert warehouse.rows("select seq, properties::varchar from raw.events") == [(5, '{"seq":5,"args":{"x":1,"x":2}}')]
