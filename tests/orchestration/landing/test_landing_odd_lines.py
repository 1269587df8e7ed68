"""Hostile lines among clean ones: most lines go a fast way, and both ways must give the same rows and reasons."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.landing import lines, stage
from orchestration.landing.strays import stray_fields
from orchestration.warehouse.source_contracts import SOURCES
from tests.support import hostile_lines

TABLES = ("events", "chat_events", "message_texts", "rejected_events")
STRAYS = ("simulated", "build", "region", "tier", "agent_version")
VALUES: tuple[Any, ...] = (True, 7, 2.50, "x", 'wö"rt', [1, {"a": None}], {"b": {}}, "2026", 10**30)
OBJECT = b'{"event_id":"big","conversation_id":"c","event_type":"t","timestamp":"2026-02-02T00:00:00Z"}'
ODD_LINES: tuple[Callable[[bytes], bytes], ...] = (
    lambda line: b"",
    lambda line: b" \t ",
    lambda line: "\u2003\u00a0".encode(),
    lambda line: b" " + line,
    lambda line: line + b" ",
    lambda line: line + b"\r",
    lambda line: line + b"\r\r",
    lambda line: line.replace(b",", b"\r,", 1),
    lambda line: b"\xef\xbb\xbf" + line,
    lambda line: line[:-1] + b",}",
    lambda line: line[:-1] + b', "n": NaN}',
    lambda line: line[:-1] + b', "n": [-inf]}',
    lambda line: line[:-1] + b', "deep": ' + b"[" * 199 + b"]" * 199 + b"}",
    lambda line: line[:-1] + b', "deep": ' + b"[" * 200 + b"]" * 200 + b"}",
    lambda line: line[:-1] + b', "brackets": "' + b"[" * 300 + b'"}',
    lambda line: line[:-1] + b', "event_id": "again"}',
    lambda line: line[:-1] + b', "simulated": 1, "simulated": 2}',
    lambda line: line[:-1] + b', "half": "\\ud800"}',
    lambda line: line[:-1] + b', "byte": "\xff"}',
    lambda line: line + line,
    lambda line: line[: len(line) // 2],
    lambda line: b"[" + line + b"]",
    lambda line: OBJECT[:-1] + b',"pad":"' + b"y" * (lines.LINE_LIMIT_BYTES - len(OBJECT) - 9) + b'"}',
    lambda line: OBJECT[:-1] + b',"pad":"' + b"y" * (lines.LINE_LIMIT_BYTES - len(OBJECT) - 8) + b'"}',
)


def clean_line(random_source: random.Random, number: int, id_field: str) -> bytes:
    """Return an event with stray fields, mostly in one order, sometimes null, sometimes in the properties, too."""
    properties: dict[str, Any] = {"role": "user", "content": f"said {number}", "seq": number}
    if random_source.random() < 0.1:
        properties |= {random_source.choice((*STRAYS, "ip")): random_source.choice(VALUES)}
    seconds = random_source.choice((":15", ""))
    made: dict[str, Any] = {
        "event_id": f"e{number}",
        id_field: f"c{number // 9}",
        "user_id": random_source.choice(("u1", "u2", None)),
        "event_type": "user_message",
        "timestamp": f"2026-02-{random_source.randint(1, 28):02}T10:{number % 60:02}{seconds}Z",
        "properties": json.dumps(properties) if random_source.random() < 0.05 else properties,
    }
    names = [name for name in STRAYS if random_source.random() < 0.5]
    if random_source.random() < 0.1:
        random_source.shuffle(names)
    made |= {name: random_source.choice((*VALUES, None)) for name in names}
    if random_source.random() < 0.05:
        made |= random_source.choice(({"session_id": "other"}, {"customer_id": "other"}, {"ip": "203.0.113.9"}))
    return json.dumps(made, ensure_ascii=random_source.random() < 0.5).encode()


def own_properties(made: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of an event, which may be sent as a text."""
    sent = made["properties"]
    return dict(sent if isinstance(sent, dict) else json.loads(sent))


def content(random_source: random.Random, id_field: str) -> bytes:
    """Return blocks of clean lines with a hostile one here and there, some lines sent again, and their ends."""
    made = [clean_line(random_source, random_source.randint(0, 3000), id_field) for _ in range(1500)]
    for odd in random_source.sample(ODD_LINES, len(ODD_LINES) // 2):
        made.insert(random_source.randrange(len(made)), odd(random_source.choice(made)))
    for _ in range(20):
        made.insert(random_source.randrange(len(made)), hostile_lines.line(random_source))
    end = random_source.choice((b"\n", b"\r\n"))
    return end.join(made) + random_source.choice((b"", end))


def land(root: Path, warehouse: Any, files: dict[str, bytes]) -> tuple[dict[str, list[Any]], list[Any]]:
    """Load files into a warehouse of their own; what is in its tables, and what was reported."""
    one = type(warehouse)(root)
    for name, text in files.items():
        one.write(name, text)
    summary = one.load()
    tables = {table: one.rows(f"select * exclude (_loaded_at) from raw.{table} order by all") for table in TABLES[:2]}
    tables |= {table: one.rows(f"select * from raw.{table} order by all") for table in TABLES[2:]}
    return tables, [summary.files, summary.reasons, summary.rejections]


@pytest.mark.parametrize("seed", range(4))
def test_the_fast_way_and_the_line_by_line_way_agree(
    warehouse: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random_source = random.Random(seed)  # noqa: S311 - a seeded simulation, not a secret
    ids = {"events": "conversation_id", "chat_events": "session_id"}
    files = {f"{source}/{n}.jsonl": content(random_source, ids[source]) for source in ids for n in range(2)}
    fast = land(tmp_path / "fast", warehouse, files)
    monkeypatch.setattr(lines, "_odd_lines", lambda body, starts, ends: list(range(len(starts))))
    monkeypatch.setattr(stage, "stray_fields", lambda contract, lines: ())
    slow = land(tmp_path / "slow", warehouse, files)
    assert fast == slow
    assert len(fast[0]["events"]) > 1000
    assert len({row[3] for row in fast[0]["rejected_events"]}) >= 4


def test_stray_fields_move_into_the_properties_in_their_order(warehouse: Any, make_jsonl: Any) -> None:
    """Against a reading that knows nothing of samples, orders and fast ways."""
    random_source = random.Random(1)  # noqa: S311 - a seeded simulation, not a secret
    known = set(SOURCES["events"].known_fields)
    made = [json.loads(clean_line(random_source, number, "conversation_id")) for number in range(2000)]
    # Addresses are hashed, and what a second name of a column does is another matter.
    made = [
        one
        for one in made
        if not {"session_id", "customer_id", "ip"} & one.keys() and '"ip"' not in json.dumps(own_properties(one))
    ]
    warehouse.write("events/a.jsonl", make_jsonl(*made))
    assert warehouse.load().accepted == len(made)
    kept = dict(warehouse.rows("select event_id, properties from raw.events"))
    for one in made:
        own = own_properties(one)
        outer = {name: value for name, value in one.items() if name not in known}
        expected = {name: value for name, value in own.items() if name != "content"}
        expected |= {name: value for name, value in outer.items() if name not in own}
        if shared := {name: value for name, value in outer.items() if name in own}:
            expected["top_level"] = shared
        assert list(json.loads(kept[one["event_id"]]).items()) == list(expected.items())


def test_only_plain_names_of_a_sample_count_as_stray_fields() -> None:
    contract = SOURCES["events"]
    text = json.dumps({"b": 1, "event_id": "e", "a": 1, "A": 1, "x y": 1, '"': 1, "properties": {}})
    assert stray_fields(contract, [text, "[]", "{", '{"c": ' + "[" * 5000]) == ("b", "a")
    assert stray_fields(contract, ['{"z": "' + "x" * 20_000 + '"}']) == ()
    many = json.dumps(dict.fromkeys("abcdefgh", 1))
    assert stray_fields(contract, [many, '{"h": 1, "g": 1}']) == ("a", "b", "g", "h")
