"""Ten thousand hostile lines: never a crash, none lost, and what is accepted is what the standard library reads."""

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration.landing import reasons
from orchestration.landing.addresses import mask_addresses
from orchestration.landing.rejects import shorten
from tests.support import hostile_lines

BATCHES, FILES, LINES = 5, 40, 50  # 10,000 lines in 200 files
MAX_NESTING = 200
NUMBER = re.compile(r"-?[0-9.]+([eE][+-]?[0-9]+)?")
Row = dict[str, Any]


class Number(Decimal):
    """A number of a line, apart from true and false."""


def strictly(text: str) -> Any:
    """Read JSON by its standard; ValueError for anything else."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    read = json.loads(text, parse_constant=refuse, parse_int=Number, parse_float=Number)
    json.dumps(read, ensure_ascii=False, default=str).encode()  # half surrogates
    if depth(text) > MAX_NESTING:
        raise ValueError("too deep")
    return read


class Fields(list[tuple[str, Any]]):
    """The names and values of an object, in their order."""

    def is_named_twice(self) -> bool:
        return len({name for name, _ in self}) < len(self)


def names_twice(text: str) -> bool:
    """Whether an object names a field twice, or the object of its properties, sent as it is or as a text, does."""
    line = json.loads(text, object_pairs_hook=Fields, parse_int=str, parse_float=str)
    if not isinstance(line, Fields):
        return False
    inside = dict(line).get("properties")
    if isinstance(inside, str):
        try:
            inside = json.loads(inside, object_pairs_hook=Fields, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            inside = None
    return line.is_named_twice() or (isinstance(inside, Fields) and inside.is_named_twice())


def depth(text: str) -> int:
    """Return the deepest nesting of a JSON text, letter by letter."""
    deepest = here = 0
    is_string = is_escaped = False
    for letter in text:
        if is_string:
            is_escaped, is_string = letter == "\\" and not is_escaped, letter != '"' or is_escaped
        elif letter == '"':
            is_string = True
        else:
            here += (letter in "[{") - (letter in "]}")
            deepest = max(deepest, here)
    return deepest


def lines_of(text: bytes) -> dict[int, bytes]:
    """Return the lines of a text that are not blank, by number, without their ends."""
    numbered = enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
    return {number: one.removesuffix(b"\r") for number, one in numbered if one.decode(errors="replace").strip()}


def as_text(value: Any) -> str | None:
    """Return what a text column holds of a JSON value; numbers and nested ones are compared by `same`."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def same(stored: str | None, said: Any) -> bool:
    """Whether a text column holds the value of the line."""
    if isinstance(said, dict | list):
        is_nested = stored is not None and stored[:1] in set("[{")
        return is_nested and equal(json.loads(str(stored), parse_int=Number, parse_float=Number), said)
    if isinstance(said, Number):
        return stored is not None and bool(NUMBER.fullmatch(stored)) and equal(Number(stored), said)
    return stored == as_text(said)


def first_filled(said: Row, *names: str) -> Any:
    return next((said[name] for name in names if said.get(name) not in (None, "")), None)


def check_accepted(row: Row, said: Row) -> None:
    """Compare the fields of an accepted row with an independent reading of its line."""
    assert same(row["event_id"], said["event_id"])
    assert same(row["conversation_id"], first_filled(said, "conversation_id", "session_id"))
    assert same(row["user_id"], first_filled(said, "user_id", "customer_id"))
    assert same(row["event_type"], said["event_type"])
    assert same(row["channel"], said.get("channel"))
    moment = datetime.fromisoformat(str(said["timestamp"]).replace("Z", "+00:00"))
    assert row["timestamp"] == (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(
        tzinfo=None
    )
    if isinstance(said.get("properties"), dict):
        content = said["properties"].get("content")
        assert same(row["content"], content)
        kept = json.loads(row["properties"], parse_int=Number, parse_float=Number)
        for name, value in said["properties"].items():
            if name != "content":
                assert equal(kept[name], value), (name, kept[name], value)


def equal(kept: Any, said: Any) -> bool:
    if isinstance(said, Number):
        return isinstance(kept, Number) and (kept == said or float(kept) == float(said))
    if isinstance(said, dict):
        return (
            isinstance(kept, dict) and kept.keys() == said.keys() and all(equal(kept[key], said[key]) for key in said)
        )
    if isinstance(said, list):
        return isinstance(kept, list) and len(kept) == len(said) and all(map(equal, kept, said))
    return type(kept) is type(said) and bool(kept == said)


@pytest.mark.parametrize("seed", range(BATCHES))
def test_hostile_lines(warehouse: Any, seed: int) -> None:
    random_source = random.Random(seed)  # noqa: S311 - a seeded simulation, not a secret
    expected: dict[str, tuple[dict[int, bytes], bool]] = {}
    for number in range(FILES):
        text = hostile_lines.content(random_source, LINES)
        name, content, is_cut = f"events/{number:03}.jsonl", text, False
        if number % 3 == 0:
            name = f"{name}.gz"
            content, text, is_cut = hostile_lines.gzipped(random_source, text)
        warehouse.write(name, content)
        lines = lines_of(text)
        if is_cut:
            # What stands after the last line end of a cut stream is its broken end, even when that is nothing.
            lines = {at: one for at, one in lines.items() if at <= text.count(b"\n")} | {text.count(b"\n") + 1: b""}
        expected[name] = (lines, is_cut)
    summary = warehouse.load()

    assert {one.path: one.lines for one in summary.files} == {name: len(lines) for name, (lines, _) in expected.items()}
    assert all(one.lines == one.accepted + one.rejected + one.duplicates for one in summary.files)
    assert summary.accepted > FILES * LINES / 5  # the generator makes good lines, too
    assert summary.rejected > FILES * LINES / 5
    assert summary.duplicates > FILES * LINES / 100
    check_tables(warehouse, expected)


def check_tables(warehouse: Any, expected: dict[str, tuple[dict[int, bytes], bool]]) -> None:
    accepted = {(row["_file"], row["_line"]): row for row in events(warehouse)}
    rejected = {
        (file, number): (reason, kept, length)
        for file, number, reason, kept, length in warehouse.rows(
            "select _file, _line, reason, line, line_bytes from raw.rejected_events"
        )
    }
    assert not accepted.keys() & rejected.keys()
    found: Counter[str] = Counter()
    for file, (lines, is_cut) in expected.items():
        for number, raw in lines.items():
            if (file, number) in accepted:
                assert not names_twice(raw.decode())
                check_accepted(accepted[file, number], strictly(raw.decode()))
            elif (file, number) in rejected:
                reason, kept, length = rejected[file, number]
                found[reason] += 1
                check_rejected(raw, reason)
                if not (is_cut and number == max(lines)):
                    assert (kept, length) == (shorten(mask_addresses(raw.decode(errors="replace"))), len(raw))
            else:
                # A duplicate: the same event is there, from another line.
                said = strictly(raw.decode())
                first = next(row for row in accepted.values() if same(row["event_id"], said["event_id"]))
                check_accepted(first, said)
    assert len(found) >= 6, found


def check_rejected(raw: bytes, reason: str) -> None:
    """Compare the reason with an independent reading: no JSON is what the standard library cannot read."""
    assert reason in reasons.NEXT_STEPS
    try:
        said = strictly(raw.decode())
    except (ValueError, RecursionError):
        assert reason in {reasons.MALFORMED_JSON, reasons.TRUNCATED_FILE}, raw
        return
    if reason == reasons.MALFORMED_JSON:
        # Properties sent as a text are read, too, and may be too deep.
        assert depth(said["properties"]) > MAX_NESTING
    assert (reason == reasons.DUPLICATE_KEY) <= names_twice(raw.decode()), raw
    assert (reason == reasons.NOT_AN_OBJECT) == (not isinstance(said, dict)), raw


def events(warehouse: Any) -> list[Row]:
    """Return the accepted rows with their texts."""
    names = (
        "_file",
        "_line",
        "event_id",
        "conversation_id",
        "user_id",
        "event_type",
        "channel",
        "timestamp",
        "properties",
    )
    columns = ", ".join(f"e.{name}" for name in names)
    rows = warehouse.rows(
        f"select {columns}, t.content from raw.events as e left join raw.message_texts as t on t.event_id = e.event_id"
    )
    return [dict(zip((*names, "content"), row, strict=True)) for row in rows]
