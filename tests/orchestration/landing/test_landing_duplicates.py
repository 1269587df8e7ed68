"""The same event again: equal content is a duplicate, other content a conflict, in any order of arrival."""

import json
from typing import Any

import pytest

from orchestration.landing import streams
from orchestration.landing.duplicates import canonical

FULL = {"seq": 1, "a": {"x": 1, "y": [1, 2]}, "content": "hi"}


def spelled(make_event: Any, **options: Any) -> str:
    return json.dumps(make_event(1, properties=FULL), **options)


@pytest.mark.parametrize("where", ["one file", "two files", "two loads", "two chunks"])
@pytest.mark.parametrize(
    ("change", "is_equal"),
    [
        ({}, True),
        ({"timestamp": "2026-03-01T12:01:00+02:00"}, True),
        ({"properties": {"content": "hi", "a": {"y": [1, 2], "x": 1}, "seq": 1}}, True),
        ({"properties": '{"content":"hi","a":{"y":[1,2],"x":1},"seq":1}'}, True),
        ({"user_id": None, "customer_id": "u1"}, True),
        ({"properties": FULL | {"content": "hi!"}}, False),
        ({"properties": FULL | {"a": {"x": 1, "y": [2, 1]}}}, False),
        ({"properties": FULL | {"a": {"x": "1", "y": [1, 2]}}}, False),
        ({"timestamp": "2026-03-01T10:02:00Z"}, False),
        ({"conversation_id": "other"}, False),
        ({"region": "eu"}, False),
    ],
)
def test_equal_or_conflicting(
    *, warehouse: Any, make_event: Any, monkeypatch: Any, where: str, change: dict[str, Any], is_equal: bool
) -> None:
    first = spelled(make_event)
    second = json.dumps(make_event(1, **({"properties": FULL} | change)), separators=(",", ":"))
    if where in {"one file", "two chunks"}:
        filler = ""
        if where == "two chunks":
            monkeypatch.setattr(streams, "CHUNK_BYTES", 1)
            filler = (" " * 1000 + "\n") * 1100
        warehouse.write("events/a.jsonl", f"{first}\n{filler}{second}\n")
    else:
        warehouse.write("events/a.jsonl", f"{first}\n")
        if where == "two loads":
            warehouse.load()
        warehouse.write("events/b.jsonl", f"{second}\n")
    summary = warehouse.load()
    assert (summary.duplicates, summary.rejected) == ((1, 0) if is_equal else (0, 1))
    assert warehouse.value("select count(*) from raw.events") == 1
    assert warehouse.value("select count(*) from raw.message_texts") == 1
    assert warehouse.value("select conversation_id from raw.events") == "c0"
    assert [reason for _, reason in warehouse.reasons()] == ([] if is_equal else ["conflicting_duplicate"])


def test_the_same_id_in_another_source_is_another_event(warehouse: Any, make_event: Any) -> None:
    warehouse.write("events/a.jsonl", json.dumps(make_event(1)) + "\n")
    warehouse.write("chat_events/a.jsonl", json.dumps(make_event(1, session_id="s")) + "\n")
    assert warehouse.load().accepted == 2


def test_a_refused_line_does_not_take_the_id(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    unknown = make_event(1, event_type="message_received", properties={"role": "robot"})
    known = make_event(1, event_type="message_received", properties={"role": "user"})
    warehouse.write("events/a.jsonl", make_jsonl(unknown, unknown, known, known, unknown))
    summary = warehouse.load()
    assert (summary.accepted, summary.duplicates, summary.rejected) == (1, 1, 3)
    assert warehouse.reasons() == [(1, "unknown_sender_role"), (2, "unknown_sender_role"), (5, "conflicting_duplicate")]


def test_any_order_of_arrival_gives_the_same_events(
    warehouse: Any, make_event: Any, make_jsonl: Any, tmp_path: Any
) -> None:
    files = [
        make_jsonl(make_event(1), make_event(2)),
        make_jsonl(make_event(2), make_event(3), make_event(3)),
        make_jsonl(make_event(1), make_event(4, timestamp="2020-01-01T00:00:00Z")),
    ]
    other = type(warehouse)(tmp_path / "other")
    for home, order in ((warehouse, (0, 1, 2)), (other, (2, 1, 0))):
        for place, index in enumerate(order):
            home.write(f"events/{place}.jsonl", files[index])
            home.load()
    query = "select event_id, timestamp, properties from raw.events order by event_id"
    assert warehouse.rows(query) == other.rows(query)
    assert [row[0] for row in warehouse.rows(query)] == ["e1", "e2", "e3", "e4"]


def test_canonical_tells_numbers_from_strings_and_true_from_one() -> None:
    assert canonical(['{"b": 1, "a": [true]}', None]) == canonical(['{"a":[true],"b":1}', None])
    for other in ('{"a":1}', '{"a":"1"}', '{"a":true}', '{"a":[1]}', '{"a":null}', "{}"):
        matches = [
            one
            for one in ('{"a":1}', '{"a":"1"}', '{"a":true}', '{"a":[1]}', '{"a":null}', "{}")
            if canonical([one, None]) == canonical([other, None])
        ]
        assert matches == [other]
    assert canonical(['{"a":' + "9" * 5000 + "}", None]) != canonical(['{"a":' + "9" * 5001 + "}", None])
