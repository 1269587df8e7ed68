"""Every reason a line is refused for, and what is not one."""

import json
from typing import Any

import pytest

from orchestration.landing import reasons


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


# Beyond 14 hours there is no place; minutes end at 59.
FAR_OFFSETS = ("+99:99", "-99", "+15:00", "-15", "+14:01", "+1430", "+09:60", "-0099", "+24:00")
NEAR_OFFSETS = ("+14:00", "-14", "+1400", "+13:59", "-12:00", "+0545", "-0930", "+00", "Z", "")

CASES: list[tuple[str, Any, str | None]] = [
    ("no json", "{nonsense", "malformed_json"),
    ("two documents", '{"a":1} {"b":2}', "malformed_json"),
    ("invalid utf-8", b'{"event_id":"\xff\xfe"}', "malformed_json"),
    ("half a surrogate", '{"event_id":"\\ud800"}', "malformed_json"),
    ("10,000 levels", '{"a":' + "[" * 10_000 + "]" * 10_000 + "}", "malformed_json"),
    ("10,000 levels in a string", {"properties": '{"a":' + "[" * 10_000 + "]" * 10_000 + "}"}, "malformed_json"),
    (
        "escaped levels in a string",
        '{"event_id":"x","conversation_id":"c","event_type":"t",'
        '"timestamp":"2026-03-01T10:00:00Z","properties":"\\u007b\\"a\\":' + "\\u005b" * 300 + "\\u005d" * 300 + '}"}',
        "malformed_json",
    ),
    ("a list", "[1, 2]", "not_an_object"),
    ("a name twice", '{"event_id": "x", "event_id": "x"}', "duplicate_key"),
    ("a property twice", {"properties": '{"x": 1, "x": 1}'}, "duplicate_key"),
    ("null", "null", "not_an_object"),
    ("a string", '"text"', "not_an_object"),
    ("no id", {"event_id": None}, "missing_event_id"),
    ("empty id", {"event_id": ""}, "missing_event_id"),
    ("no conversation", {"conversation_id": None}, "missing_conversation_id"),
    ("empty conversation", {"conversation_id": "", "session_id": ""}, "missing_conversation_id"),
    ("an id of 513 bytes", {"event_id": "é" * 256 + "x"}, "id_too_long"),
    ("a conversation of 900,000 letters", {"conversation_id": "x" * 900_000}, "id_too_long"),
    ("a long alias", {"conversation_id": "", "session_id": "x" * 513}, "id_too_long"),
    ("a long user", {"user_id": "x" * 513}, "id_too_long"),
    ("no type", {"event_type": None}, "missing_event_type"),
    ("empty type", {"event_type": ""}, "missing_event_type"),
    ("no timestamp", {"timestamp": None}, "bad_timestamp"),
    ("epoch", {"timestamp": 1772360000}, "bad_timestamp"),
    ("a date", {"timestamp": "2026-03-01"}, "bad_timestamp"),
    ("30 February", {"timestamp": "2024-02-30T10:00:00Z"}, "bad_timestamp"),
    ("hour 24", {"timestamp": "2026-03-01T24:00:00Z"}, "bad_timestamp"),
    ("before 2000", {"timestamp": "1999-12-31T23:59:59Z"}, "timestamp_out_of_range"),
    ("before 2000 by its offset", {"timestamp": "2000-01-01T00:30:00+01:00"}, "timestamp_out_of_range"),
    *((f"offset {one}", {"timestamp": f"2026-03-01T10:00:00{one}"}, "bad_timestamp") for one in FAR_OFFSETS),
    *((f"offset {one}", {"timestamp": f"2026-03-01T10:00:00{one}"}, None) for one in NEAR_OFFSETS),
    ("more than a day ahead", {"timestamp": "2026-03-11T12:00:01Z"}, "timestamp_out_of_range"),
    ("environment", {"environment": "staging"}, "unknown_environment"),
    ("environment inside", {"properties": {"environment": "test"}}, "unknown_environment"),
    ("over 1 MiB", {"properties": {"content": "x" * (1 << 20)}}, "too_large"),
    ("no sender", {"event_type": "message_received"}, "unknown_sender_role"),
    ("unknown role", {"event_type": "message_sent", "properties": {"role": "robot"}}, "unknown_sender_role"),
    ("unknown sender", {"event_type": "user_message", "properties": {"sender": "robot"}}, "unknown_sender_role"),
    # What is not refused.
    ("the first instant of 2000", {"timestamp": "2000-01-01T00:00:00Z"}, None),
    ("a day ahead", {"timestamp": "2026-03-11T12:00:00Z"}, None),
    ("unknown type", {"event_type": "something_new"}, None),
    ("empty environment", {"environment": ""}, None),
    ("environment in capitals", {"environment": "Production"}, None),
    ("session_id as alias", {"conversation_id": "", "session_id": "s1"}, None),
    ("numbers as ids", {"event_id": 17, "conversation_id": 4}, None),
    ("ids of 512 bytes", {"event_id": "é" * 256, "conversation_id": "é" * 256, "user_id": "x" * 512}, None),
    ("no properties", {"properties": None}, None),
    ("properties as a list", {"properties": [1]}, None),
    ("sender from the row", {"event_type": "message_sent"}, None),
    ("canonical without role", {"event_type": "agent_message"}, None),
    ("role in capitals", {"event_type": "message_received", "properties": {"role": "User"}}, None),
    (
        "sender when role is empty",
        {"event_type": "message_received", "properties": {"role": "", "sender": "bot"}},
        None,
    ),
    ("just under 1 MiB", {"properties": {"content": "x" * ((1 << 20) - 400)}}, None),
    ("200 levels", {"properties": json.loads("[" * 198 + "]" * 198)}, None),
]


@pytest.mark.parametrize(("line", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_line_is_refused_for_the_first_failing_check(
    warehouse: Any, make_event: Any, line: Any, reason: str | None
) -> None:
    if isinstance(line, dict):
        line = json.dumps({name: value for name, value in make_event(1, **line).items() if value is not None})
    raw = line if isinstance(line, bytes) else line.encode()
    good = json.dumps(make_event(2)).encode()
    warehouse.write("events/a.jsonl", good + b"\n" + raw + b"\n" + json.dumps(make_event(3)).encode() + b"\n")
    summary = warehouse.load()
    assert warehouse.reasons() == ([] if reason is None else [(2, reason)])
    assert (summary.lines, summary.accepted) == (3, 3 if reason is None else 2)
    if reason is not None:
        stored, length = warehouse.rows("select line, line_bytes from raw.rejected_events")[0]
        assert length == len(raw)
        assert len(stored.encode()) <= 4096
        assert f"1 {reason} (line 2)" in summary.as_text()
        assert reasons.NEXT_STEPS[reason] in summary.as_text()


@pytest.mark.parametrize(("test_name", "variant"), [(None, "a"), ("t", None), ("", "a"), ("t", " ")])
def test_an_exposure_names_its_test_and_its_variant(
    warehouse: Any, make_jsonl: Any, test_name: str | None, variant: str | None
) -> None:
    good = {"session_id": "s", "test_name": "t", "variant": "a", "timestamp": "2026-03-01T10:00:00Z"}
    warehouse.write(
        "ab_test_exposures/a.jsonl",
        make_jsonl(good, good | {"session_id": "r", "test_name": test_name, "variant": variant}),
    )
    assert warehouse.load().accepted == 1
    assert warehouse.reasons() == [(2, "missing_variant")]


def test_the_list_of_reasons_is_covered() -> None:
    elsewhere = {"truncated_file", "conflicting_duplicate", "missing_variant"}
    assert {reason for *_, reason in CASES if reason} | elsewhere == set(reasons.NEXT_STEPS)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01 10:00:00"),
        ("2026-03-01 10:00", "2026-03-01 10:00:00"),
        ("2026-03-01T10:00Z", "2026-03-01 10:00:00"),
        ("2026-03-01T10:00:00.25", "2026-03-01 10:00:00.25"),
        ("2026-03-01T10:00:00.123456789Z", "2026-03-01 10:00:00.123456"),
        ("2026-03-01T10:00:00+02:00", "2026-03-01 08:00:00"),
        ("2026-03-01T10:00:00+0530", "2026-03-01 04:30:00"),
        ("2026-03-01T10:00-08", "2026-03-01 18:00:00"),
    ],
)
def test_timestamps_are_stored_in_utc(
    warehouse: Any, make_event: Any, make_jsonl: Any, written: str, expected: str
) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1, timestamp=written)))
    warehouse.load()
    assert warehouse.rows("select timestamp::varchar from raw.events") == [(expected,)]


# A line of every source, and the paths of the ids in it.
SOURCE_LINES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "events": ({"event_type": "conversation_started"}, ("event_id", "conversation_id", "session_id", "user_id")),
    "agent_events": ({"event_type": "started"}, ("id", "conversation_id", "user_id")),
    "chat_events": ({"event_type": "session_started"}, ("event_id", "session_id", "user_id")),
    "ab_test_exposures": ({"test_name": "t", "variant": "a"}, ("session_id", "user_id")),
    "sales_events": (
        {"event_type": "message_received", "properties": {"sender": "prospect"}},
        ("conversation_id", "properties.message_id", "properties.user_id"),
    ),
    "agentsight_interactions": ({"role": "user", "content": "x"}, ("conversation_id", "customer_id")),
}


@pytest.mark.parametrize(("source", "path"), [(name, path) for name, (_, ids) in SOURCE_LINES.items() for path in ids])
def test_a_long_id_is_refused_in_every_source(warehouse: Any, source: str, path: str) -> None:
    fields, ids = SOURCE_LINES[source]
    for length in (512, 513):
        line = json.loads(json.dumps(fields)) | {"timestamp": f"2026-03-01T10:00:0{length % 10}Z"}
        for one in ids:
            if one == "session_id" and source == "events" and path != one:
                continue
            outer, _, inner = one.rpartition(".")
            (line.setdefault(outer, {}) if outer else line)[inner] = "x" * length if one == path else f"{one}-{length}"
        if path == "session_id" and source == "events":
            del line["conversation_id"]
        warehouse.write(f"{source}/{length}.jsonl", json.dumps(line) + "\n")
    warehouse.load()
    assert warehouse.rows(f"select _file from raw.{source}") == [(f"{source}/512.jsonl",)]
    assert warehouse.rows("select _file, reason from raw.rejected_events") == [(f"{source}/513.jsonl", "id_too_long")]
