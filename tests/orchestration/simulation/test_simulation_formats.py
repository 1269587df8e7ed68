"""A hand-made plan in all five formats, compared literally."""

import gzip
import json
from pathlib import Path

from orchestration.simulation.event_writing import render_line, write_file
from orchestration.simulation.formats import RENDERERS
from orchestration.simulation.formats.common import JsonObject
from orchestration.simulation.mess import FilePlan, Line
from orchestration.simulation.plan import Act, Conversation, Visit

T0 = 1_767_261_600_000  # 2026-01-01T10:00:00Z


def conversation(source: str, acts: list[Act], *, style: int = 1, channel: str | None = "web") -> Conversation:
    visit = Visit(
        source=source,
        started_ms=T0,
        user_number=5,
        agent="demo-support-v2",
        model="demo-small-1",
        channel=channel,
        device="mobile",
        language="en",
        purpose="support",
    )
    for seq, act in enumerate(acts, start=1):
        act.seq = seq
    return Conversation(12, "demo-conversation-000012", "demo-user-000005", visit, "by_hand", acts, style)


def rendered(planned: Conversation, source: str) -> list[JsonObject]:
    return [RENDERERS[source](planned, act) for act in planned.acts]


def test_events_are_written_canonically() -> None:
    acts = [
        Act("user_message", T0, {"content": "Where is it?", "sentiment": -0.2}),
        Act("tool_called", T0 + 250, {"tool_name": "get_shipment", "is_write": False, "failed": True}),
        Act("feedback_received", T0 + 60_000, {"rating": 1, "rating_type": "stars", "question_kind": "solved"}),
        Act("experiment_exposure", T0 + 60_000, {"experiment_id": "t", "variant": "a", "is_control": True}),
    ]
    frame = {
        "conversation_id": "demo-conversation-000012",
        "user_id": "demo-user-000005",
        "channel": "web",
        "agent": "demo-support-v2",
        "device": "mobile",
        "language": "en",
        "simulated": True,
    }
    assert rendered(conversation("events", acts, style=2), "events") == [
        frame
        | {
            "event_id": "demo-event-000012-001",
            "event_type": "user_message",
            "timestamp": "2026-01-01T10:00:00.000Z",
            "properties": {"content": "Where is it?", "sentiment": -0.2, "seq": 1, "role": "user"},
        },
        frame
        | {
            "event_id": "demo-event-000012-002",
            "event_type": "tool_called",
            "timestamp": "2026-01-01T10:00:00.250Z",
            "properties": {"tool_name": "get_shipment", "success": False, "seq": 2},
        },
        frame
        | {
            "event_id": "demo-event-000012-003",
            "event_type": "feedback_received",
            "timestamp": "2026-01-01T10:01:00.000Z",
            "properties": {"rating": 1, "rating_type": "stars", "question_kind": "solved", "seq": 3},
        },
        frame
        | {
            "event_id": "demo-event-000012-004",
            "event_type": "experiment_exposure",
            "timestamp": "2026-01-01T10:01:00.000Z",
            "properties": {"experiment_id": "t", "variant": "a", "is_control": True, "seq": 4},
        },
    ]


def test_events_of_other_systems_use_the_accepted_aliases() -> None:
    by_alias = rendered(conversation("events", [Act("agent_message", T0, {"content": "Hi"})], style=5), "events")
    assert by_alias[0]["event_type"] == "agent_response"
    by_session = rendered(conversation("events", [Act("conversation_ended", T0)], style=21), "events")
    assert by_session[0]["session_id"] == "demo-conversation-000012"
    assert by_session[0]["customer_id"] == "demo-user-000005"
    assert "conversation_id" not in by_session[0]


def test_agent_events_carry_everything_in_metadata() -> None:
    acts = [
        Act("conversation_started", T0),
        Act("user_message", T0 + 1_000, {"content": "Help"}),
        Act("agent_message", T0 + 2_500, {"content": "Sure", "model": "demo-small-1"}),
        Act("feedback_received", T0 + 3_000, {"rating": 0, "rating_type": "thumbs", "question_kind": None}),
        Act("conversation_abandoned", T0 + 4_000),
    ]
    frame = {"conversation_id": "demo-conversation-000012", "user_id": "demo-user-000005", "simulated": True}
    dimensions = {"channel": "web", "agent": "demo-support-v2", "device": "mobile", "language": "en"}
    assert rendered(conversation("agent_events", acts), "agent_events") == [
        frame
        | {
            "id": "demo-event-000012-001",
            "event_type": "started",
            "timestamp": "2026-01-01T10:00:00.000+00:00",
            "metadata": {"seq": 1} | dimensions,
        },
        frame
        | {
            "id": "demo-event-000012-002",
            "event_type": "user_message",
            "timestamp": "2026-01-01T10:00:01.000+00:00",
            "metadata": {"content": "Help", "seq": 2, "message_length": 4, "turn": 1},
        },
        frame
        | {
            "id": "demo-event-000012-003",
            "event_type": "agent_response",
            "timestamp": "2026-01-01T10:00:02.500+00:00",
            "metadata": {"content": "Sure", "model": "demo-small-1", "seq": 3, "response_length": 4},
        },
        frame
        | {
            "id": "demo-event-000012-004",
            "event_type": "feedback_received",
            "timestamp": "2026-01-01T10:00:03.000+00:00",
            "metadata": {"rating": "negative", "seq": 4},
        },
        frame
        | {
            "id": "demo-event-000012-005",
            "event_type": "abandoned",
            "timestamp": "2026-01-01T10:00:04.000+00:00",
            "metadata": {"seq": 5, "abandoned_at_turn": 1},
        },
    ]


def test_chat_events_receive_what_the_agent_says_and_keep_exposures_apart() -> None:
    acts = [
        Act("experiment_exposure", T0, {"experiment_id": "greeting", "variant": "b", "is_control": False}),
        Act("agent_message", T0 + 1_000, {"content": "Hello"}),
        Act("conversion", T0 + 2_000, {"goal": "signup_completed", "value": 9.5}),
    ]
    planned = conversation("chat_events", acts)
    assert RENDERERS["ab_test_exposures"](planned, acts[0]) == {
        "session_id": "demo-conversation-000012",
        "test_name": "greeting",
        "variant": "b",
        "timestamp": "2026-01-01T10:00:00.000",
        "simulated": True,
    }
    frame = {
        "session_id": "demo-conversation-000012",
        "user_id": "demo-user-000005",
        "channel": "web",
        "simulated": True,
    }
    assert rendered(planned, "chat_events")[1:] == [
        frame
        | {
            "event_id": "demo-event-000012-002",
            "event_type": "message_received",
            "timestamp": "2026-01-01T10:00:01.000",
            "properties": {"content": "Hello", "seq": 2},
        },
        frame
        | {
            "event_id": "demo-event-000012-003",
            "event_type": "conversion",
            "timestamp": "2026-01-01T10:00:02.000",
            "properties": {"goal": "signup_completed", "value": 9.5, "seq": 3},
        },
    ]


def test_sales_events_receive_both_sides_and_carry_the_offices_offset() -> None:
    acts = [
        Act("user_message", T0, {"content": "Price?", "intent": "show_interest"}),
        Act("agent_message", T0 + 1_500, {"content": "Ten"}),
        Act("meeting_booked", T0 + 2_000, {"meeting_ms": T0 + 86_400_000, "meeting_type": "call"}),
    ]
    frame = {"conversation_id": "demo-conversation-000012", "channel": "web", "simulated": True}
    assert rendered(conversation("sales_events", acts), "sales_events") == [
        frame
        | {
            "event_type": "message_received",
            "timestamp": "2026-01-01T11:00:00.000+01:00",
            "properties": {
                "content": "Price?",
                "intent": "show_interest",
                "seq": 1,
                "sender": "prospect",
                "message_id": "demo-event-000012-001",
            },
        },
        frame
        | {
            "event_type": "message_received",
            "timestamp": "2026-01-01T11:00:01.500+01:00",
            "properties": {"content": "Ten", "seq": 2, "sender": "agent", "message_id": "demo-event-000012-002"},
        },
        frame
        | {
            "event_type": "meeting_booked",
            "timestamp": "2026-01-01T11:00:02.000+01:00",
            "properties": {"meeting_date": "2026-01-02T10:00:00.000Z", "meeting_type": "call", "seq": 3},
        },
    ]


def test_agentsight_lines_have_no_type_and_a_documentation_address() -> None:
    acts = [
        Act("interaction_initialized", T0, {"page_url": "https://shop.example/help"}),
        Act("user_message", T0 + 5_000, {"content": "Open on Sunday?"}),
    ]
    assert rendered(conversation("agentsight_interactions", acts, channel=None), "agentsight_interactions") == [
        {
            "conversation_id": "demo-conversation-000012",
            "customer_id": "demo-user-000005",
            "customer_ip_address": "198.51.100.13",
            "device": "mobile",
            "source": "newsletter",
            "language": "en",
            "metadata": {
                "page_url": "https://shop.example/help",
                "user_agent": "DemoBrowser/1.0 (phone; simulated)",
                "widget_loaded": True,
            },
            "agent": "demo-support-v2",
            "seq": 1,
            "timestamp": "2026-01-01T10:00:00.000Z",
            "simulated": True,
        },
        {
            "conversation_id": "demo-conversation-000012",
            "customer_id": "demo-user-000005",
            "role": "visitor",
            "content": "Open on Sunday?",
            "agent": "demo-support-v2",
            "seq": 2,
            "timestamp": "2026-01-01T10:00:05.000Z",
            "simulated": True,
        },
    ]


def test_copies_reorderings_and_conflicts_differ_as_named() -> None:
    planned = conversation("chat_events", [Act("user_message", T0, {"content": "Hi"})])
    act = planned.acts[0]
    original, copy, reordered, conflict = (
        render_line(Line(kind, planned, act), "chat_events") for kind in ("event", "copy", "reordered", "conflict")
    )
    assert copy == original
    assert reordered != original
    assert json.loads(reordered) == json.loads(original)
    assert json.loads(conflict) == json.loads(original) | {"revision": 2}


def test_a_compressed_file_has_no_time_in_its_header(tmp_path: Path) -> None:
    planned = conversation("agent_events", [Act("conversation_started", T0)])
    file = FilePlan("agent_events/2026-01-01.jsonl.gz", "agent_events", [Line("event", planned, planned.acts[0])])
    write_file(file, tmp_path)
    data = (tmp_path / "agent_events" / "2026-01-01.jsonl.gz").read_bytes()
    assert data[4:8] == b"\0\0\0\0"
    assert json.loads(gzip.decompress(data))["id"] == "demo-event-000012-001"
