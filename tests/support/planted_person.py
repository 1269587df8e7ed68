"""A person in every source, and neighbours who must stay as they are."""

import json
from pathlib import Path
from typing import Any

from tests.support.warehouse import WarehouseUnderTest

USER = "anna-7731"
CONVERSATIONS = ("talk-alpha", "sess-bravo", "deal-charlie", "widget-delta")
SAID = "my parcel never came to Elm Street"
EMAIL = "anna@example.com"
# What may be left nowhere; the first conversation is named in rows of others as well.
STRINGS = (USER, *CONVERSATIONS, SAID, EMAIL, "the goose is green", "secret-coupon")


def _line(**fields: Any) -> dict[str, Any]:
    return {"timestamp": "2025-06-01T10:00:00Z", **fields}


def events_of_the_person() -> list[dict[str, Any]]:
    """Return a conversation whose messages carry the user, the conversation, or neither in their ids."""
    page = f"https://shop.test/account/{USER}/orders?coupon=secret-coupon"
    return [
        _line(event_id=f"{USER}-e1", conversation_id="talk-alpha", user_id=USER, event_type="conversation_started",
              channel="web", properties={"page_url": page, "plan": "gold"}),
        _line(event_id="e2", conversation_id="talk-alpha", event_type="user_message", timestamp="2025-06-01T10:00:10Z",
              properties={"content": f"{SAID}, write to {EMAIL}", "mood": "the goose is green"}),
        _line(event_id="e3", conversation_id="talk-alpha", event_type="agent_message", timestamp="2025-06-01T10:00:20Z",
              properties={"content": f"Hello {USER}", "model": "large"}),
        _line(event_id="e4", conversation_id="talk-alpha", event_type="conversion", timestamp="2025-06-01T10:01:00Z",
              properties={"goal": "refund", "value": 5}),
    ]  # fmt: skip


def events_of_others() -> list[dict[str, Any]]:
    """Return a neighbour's conversation that mentions the person and contains the person's text as well."""
    return [
        _line(event_id="n1", conversation_id="neighbour", user_id="bert-1", event_type="user_message",
              properties={"content": f"is {USER} there?", "plan": "silver"}),
        _line(event_id="n2", conversation_id="neighbour", user_id="bert-1", event_type="user_message",
              timestamp="2025-06-01T10:05:00Z", properties={"content": "good morning to you"}),
        _line(event_id="n3", conversation_id="neighbour", user_id="bert-1", event_type="conversation_ended",
              timestamp="2025-06-02T10:05:00Z"),
    ]  # fmt: skip


def plant(warehouse: WarehouseUnderTest) -> Path:
    """Land the person and the neighbours; return the file of the person's events."""
    path = warehouse.write_events(events_of_the_person(), name=f"export-{USER}.jsonl")
    warehouse.write_events(events_of_others(), name="others.jsonl")
    warehouse.write_events(
        [
            _line(event_id="x1", session_id="sess-bravo", user_id=USER, event_type="session_start", channel="web"),
            _line(event_id="x2", session_id="sess-bravo", user_id=None, event_type="message_sent", channel="web",
                  properties={"content": "good morning to you"}),
            _line(event_id="x3", session_id="sess-bravo", event_type="feedback_submitted", properties={"rating": 4}),
        ],
        "chat_events",
    )  # fmt: skip
    warehouse.write_events([_line(session_id="sess-bravo", test_name="layout", variant="B")], "ab_test_exposures")
    warehouse.write_events(
        [
            _line(event_type="conversation_started", conversation_id="deal-charlie", channel="sms",
                  properties={"user_id": USER, "lead_score": 0.5}),
            _line(event_type="message_received", conversation_id="deal-charlie", channel="sms",
                  properties={"message_id": "m1", "sender": "prospect", "content": SAID}),
        ],
        "sales_events",
    )  # fmt: skip
    warehouse.write_events(
        [
            _line(conversation_id="widget-delta", customer_id=USER, customer_ip_address="192.0.2.7",
                  environment="production", metadata={"page_url": "https://shop.test/a"}),
            _line(conversation_id="widget-delta", customer_id=USER, environment="production", role="user", content=SAID,
                  timestamp="2025-06-01T10:00:30Z"),
        ],
        "agentsight_interactions",
    )  # fmt: skip
    refused = warehouse.settings.landing / "events" / "refused.jsonl"
    refused.write_text(
        "\n".join(
            [
                json.dumps({"event_id": "r1", "user_id": USER, "event_type": "user_message"}),
                f'{{"conversation_id": "talk-alpha", "content": "{SAID}',
                json.dumps({"event_id": "r3", "user_id": "bert-1", "event_type": "user_message"}),
                json.dumps(events_of_the_person()[1] | {"event_type": "agent_message"}),
            ]
        )
        + "\n"
    )
    return path
