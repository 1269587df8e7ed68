"""What becomes of a line's fields, source by source."""

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any


def test_properties_are_taken_apart_and_kept(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    properties = {
        "role": "user",
        "content": "hello",
        "seq": "3",
        "tokens_in": 1.5,
        "cost_usd": "0.0123",
        "is_error": "maybe",
        "flow": "refund",
        "value": 12.5,
        "channel": "sms",
        "extra": {"b": None, "a": [1]},
    }
    event = make_event(1, event_type="message_sent", properties=properties, region="eu", user_id="", customer_id="k9")
    warehouse.write("events/a.jsonl", make_jsonl(event))
    warehouse.load()
    row = warehouse.rows(
        "select user_id, role, seq, tokens_in, cost_usd, is_error, flow_name, value, property_channel, channel "
        "from raw.events"
    )[0]
    assert row == ("k9", "user", 3, None, Decimal("0.012300000"), None, "refund", Decimal("12.500000"), "sms", None)
    kept = json.loads(warehouse.value("select properties from raw.events"))
    assert kept["region"] == "eu"
    assert kept["is_error"] == "maybe"
    assert kept["tokens_in"] == 1.5
    assert "content" not in kept
    assert warehouse.rows("select source, event_id, content, _load_id from raw.message_texts") == [
        ("events", "e1", "hello", 1)
    ]


def test_an_alias_beside_a_filled_field_is_not_lost(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1, session_id="s7"), make_event(2, customer_id=None)))
    warehouse.load()
    rows = warehouse.rows("select conversation_id, properties->>'session_id' from raw.events order by _line")
    assert rows == [("c0", "s7"), ("c0", None)]


def test_properties_may_be_a_json_string(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write(
        "events/a.jsonl",
        make_jsonl(make_event(1, properties='{"seq": 5, "x": 1}'), make_event(2, properties="no object")),
    )
    warehouse.load()
    rows = warehouse.rows("select seq, properties::varchar from raw.events order by _line")
    assert rows == [(5, '{"seq": 5, "x": 1}'), (None, '{"properties":"no object"}')]


def test_agent_events(warehouse: Any, make_jsonl: Any) -> None:
    warehouse.write(
        "agent_events/a.jsonl",
        make_jsonl(
            {
                "id": 7,
                "conversation_id": "c",
                "user_id": "u",
                "event_type": "started",
                "timestamp": "2026-03-01T10:00:00Z",
                "metadata": {"channel": "voice"},
            }
        ),
    )
    warehouse.load()
    assert warehouse.rows("select event_id, event_type, property_channel from raw.agent_events") == [
        ("7", "started", "voice")
    ]


def test_chat_events_and_exposures(warehouse: Any, make_jsonl: Any) -> None:
    warehouse.write(
        "chat_events/a.jsonl",
        make_jsonl(
            {
                "event_id": "m",
                "session_id": "s",
                "user_id": None,
                "event_type": "message_received",
                "channel": "web",
                "timestamp": "2026-03-01T10:00:00Z",
                "properties": {"content": "hi"},
            }
        ),
    )
    exposure = {"session_id": "s", "test_name": "greeting", "variant": "b", "timestamp": "2026-03-01T10:00:00Z"}
    warehouse.write("ab_test_exposures/a.jsonl", json.dumps(exposure) + "\n")
    warehouse.load()
    assert warehouse.rows("select session_id, user_id, event_type, channel from raw.chat_events") == [
        ("s", None, "message_received", "web")
    ]
    minified = json.dumps(exposure, separators=(",", ":"))
    assert warehouse.rows("select event_id, session_id, event_type, test_name, variant from raw.ab_test_exposures") == [
        (hashlib.sha256(minified.encode()).hexdigest(), "s", "experiment_exposure", "greeting", "b")
    ]


def test_sales_events_take_the_message_id_where_there_is_one(warehouse: Any, make_jsonl: Any) -> None:
    base = {"conversation_id": "c", "channel": "sms", "timestamp": "2026-03-01T10:00:00Z"}
    started = base | {"event_type": "conversation_started", "properties": {"lead_score": 0.7, "message_id": "m0"}}
    received = base | {"event_type": "message_received", "properties": {"message_id": "m1", "sender": "prospect"}}
    warehouse.write("sales_events/a.jsonl", make_jsonl(started, received))
    warehouse.load()
    minified = json.dumps(started, separators=(",", ":"))
    assert warehouse.rows("select event_id, lead_score, sender from raw.sales_events order by _line") == [
        (hashlib.sha256(minified.encode()).hexdigest(), 0.7, None),
        ("m1", None, "prospect"),
    ]


def test_agentsight_types_and_hashed_address(warehouse: Any, make_jsonl: Any) -> None:
    shown = {
        "conversation_id": "c",
        "customer_id": "",
        "customer_ip_address": "203.0.113.7",
        "device": "phone",
        "source": "ads",
        "language": "en",
        "environment": "production",
        "created_at": "2026-03-01T10:00:00Z",
        "metadata": {"page_url": "/p", "ip": "2001:db8::5"},
    }
    asked = {"conversation_id": "c", "role": "user", "content": "why?", "timestamp": "2026-03-01T10:01:00Z"}
    warehouse.write("agentsight_interactions/a.jsonl", make_jsonl(shown, asked))
    summary = warehouse.load()
    assert summary.rejected == 0
    hashed = hmac.new(b"a key for tests", b"203.0.113.7", hashlib.sha256).hexdigest()
    rows = warehouse.rows(
        "select event_type, customer_id, source, customer_ip_hash, role, page_url "
        "from raw.agentsight_interactions order by _line"
    )
    assert rows == [
        ("interaction_initialized", None, "ads", hashed, None, "/p"),
        ("message", None, None, None, "user", None),
    ]
    inside = json.loads(warehouse.value("select properties from raw.agentsight_interactions where _line = 1"))
    assert inside == {
        "page_url": "/p",
        "ip_hash": hmac.new(b"a key for tests", b"2001:db8::5", hashlib.sha256).hexdigest(),
    }
    without = {name: value for name, value in shown.items() if name != "customer_ip_address"}
    without["metadata"] = {"page_url": "/p"}
    expected = hashlib.sha256(json.dumps(without, separators=(",", ":")).encode()).hexdigest()
    assert warehouse.value("select event_id from raw.agentsight_interactions where _line = 1") == expected
    assert warehouse.rows("select event_id is not null, content from raw.message_texts") == [(True, "why?")]


def test_no_address_is_anywhere_in_the_file(warehouse: Any, make_event: Any) -> None:
    lines = []
    for number in range(300):
        one = make_event(number, properties={"ip": f"198.51.100.{number % 250}", "client_ip": "2001:db8::dead"})
        if number % 3 == 0:
            one["ip_address"] = f"198.51.100.{number % 250}"
        if number % 5 == 0:
            one["timestamp"] = "198.51.100.77"
        if number % 7 == 0:
            one["properties"] = json.dumps(one["properties"])
        lines.append(json.dumps(one))
    lines.append("198.51.100.99 is no JSON" + " x" * 2000 + "y" * 77 + "198.51.100.98")
    warehouse.write("events/a.jsonl", "\n".join(lines) + "\n")
    warehouse.load()
    content = b"".join(path.read_bytes() for path in warehouse.root.iterdir() if path.is_file())
    assert b"198.51.100" not in content
    assert b"2001:db8" not in content
    # Compressed blocks hide text from the search above, so look at the values too.
    for table in ("events", "rejected_events", "message_texts"):
        for row in warehouse.rows(f"select * from raw.{table}"):
            assert "198.51.100" not in str(row)
            assert "2001:db8" not in str(row)


def test_insert_is_in_time_order(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(5), make_event(3), make_event(4)))
    warehouse.load()
    assert warehouse.rows("select event_id from raw.events order by rowid") == [("e3",), ("e4",), ("e5",)]
