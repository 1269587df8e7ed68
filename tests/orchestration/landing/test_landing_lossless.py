"""Nothing of a line is lost on its way into the columns and the properties."""

import json
from datetime import datetime
from typing import Any

import pytest


def properties_of(warehouse: Any, line: dict[str, Any]) -> Any:
    warehouse.write("events/a.jsonl", json.dumps(line) + "\n")
    assert warehouse.load().accepted == 1
    return json.loads(warehouse.value("select properties from raw.events"))


@pytest.mark.parametrize(
    ("properties", "outer", "expected"),
    [
        ({"a": None, "seq": 1}, {"x": None}, {"a": None, "seq": 1, "x": None}),
        ({"content": "hi", "a": None}, {}, {"a": None}),
        ({"o": {"a": 1, "n": None}}, {"p": {"n": None}}, {"o": {"a": 1, "n": None}, "p": {"n": None}}),
        ({"o": {"a": 1}}, {"o": {"b": 2}, "x": 1}, {"o": {"a": 1}, "x": 1, "top_level": {"o": {"b": 2}}}),
        ({"o": None}, {"o": 5}, {"o": None, "top_level": {"o": 5}}),
        ({}, {"x": 1, "y": 'ü"}'}, {"x": 1, "y": 'ü"}'}),
        (None, {"x": [1]}, {"x": [1]}),
        ([1, None], {"x": 1}, {"properties": [1, None], "x": 1}),
        ("text", {}, {"properties": "text"}),
        ('{ "a" : null } ', {"x": 1}, {"a": None, "x": 1}),
    ],
)
def test_unknown_fields_move_and_nothing_vanishes(
    warehouse: Any, make_event: Any, properties: Any, outer: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert properties_of(warehouse, make_event(1, properties=properties, **outer)) == expected


def test_an_address_of_both_is_hashed_once_and_kept_nowhere(warehouse: Any, make_event: Any) -> None:
    line = make_event(1, properties={"ip": "203.0.113.1", "o": 1}, ip="203.0.113.2", o=2)
    kept = properties_of(warehouse, line)
    assert set(kept) == {"o", "ip_hash", "top_level"}
    assert kept["top_level"] == {"o": 2}


@pytest.mark.parametrize("digits", ["9223372036854775808", "18446744073709551617", "123456789012345678901234567890"])
def test_long_numbers_keep_their_digits(warehouse: Any, make_event: Any, digits: str) -> None:
    line = make_event(1, event_id=int(digits), conversation_id=-int(digits), user_id=int(digits), big=int(digits))
    assert properties_of(warehouse, line) == {"seq": 1, "big": int(digits)}
    assert warehouse.rows("select event_id, conversation_id, user_id from raw.events") == [
        (digits, f"-{digits}", digits)
    ]


def test_texts_carry_the_time_of_their_event(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    event = make_event(1, timestamp="2026-03-01T10:00:00+02:00", properties={"content": "hi"})
    warehouse.write("events/a.jsonl", make_jsonl(event))
    warehouse.load()
    columns = [row[:2] for row in warehouse.rows("describe raw.message_texts")]
    assert columns == [
        ("source", "VARCHAR"),
        ("event_id", "VARCHAR"),
        ("content", "VARCHAR"),
        ("timestamp", "TIMESTAMP"),
        ("_load_id", "BIGINT"),
    ]
    eight = datetime.fromisoformat("2026-03-01T08:00:00")
    assert warehouse.rows("select content, timestamp from raw.message_texts") == [("hi", eight)]


def test_small_files_are_loaded_together_or_not_at_all(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    """A kill in the middle of them leaves nothing of any; the next load takes all."""
    for number, name in enumerate("abc"):
        events = [make_event(number * 10 + k, properties={"content": f"t{k}"}) for k in range(3)]
        # The first event of the file before, again: a duplicate once that is loaded.
        again = make_event(max(number - 1, 0) * 10, properties={"content": "t0"})
        warehouse.write(f"events/{name}.jsonl", make_jsonl(*events, again) + "nonsense\n")

    def kill(message: str) -> None:
        if message.startswith("events/b.jsonl") and message.endswith(" lines"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warehouse.load(kill)
    tables = ("events", "message_texts", "rejected_events", "loaded_files")
    assert [warehouse.value(f"select count(*) from raw.{table}") for table in tables] == [0, 0, 0, 0]
    summary = warehouse.load()
    assert [(one.state, one.accepted, one.rejected, one.duplicates) for one in summary.files] == [
        ("loaded", 3, 1, 1),
        ("loaded", 3, 1, 1),
        ("loaded", 3, 1, 1),
    ]
    assert [warehouse.value(f"select count(*) from raw.{table}") for table in tables] == [9, 9, 3, 3]


def test_metadata_counts_what_belongs_to_a_table(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1), make_event(1), make_event(2)) + "nonsense\n")
    warehouse.write("events/b.jsonl", make_jsonl(make_event(3)))
    warehouse.write("chat_events/a.jsonl", make_jsonl(make_event(1, session_id="s")) + "nonsense\n")
    summary = warehouse.load()
    assert summary.metadata("events") == {"lines": 5, "accepted": 3, "rejected": 1, "duplicates": 1, "files": 2}
    assert summary.metadata("chat_events") == {"lines": 2, "accepted": 1, "rejected": 1, "duplicates": 0, "files": 1}
    assert summary.metadata("sales_events") == {"lines": 0, "accepted": 0, "rejected": 0, "duplicates": 0, "files": 0}
    assert summary.metadata("rejected_events") == {"rejected": 2}
    assert summary.metadata("loaded_files") == {"files": 3}
    assert summary.metadata("message_texts") == {"accepted": 4}
    with pytest.raises(KeyError, match="nothing"):
        summary.metadata("nothing")
