"""What several formats share: times, event ids, and the spelling of properties."""

from datetime import UTC, datetime, timedelta, timezone

from orchestration.simulation.plan import Act, Conversation, Value

JsonValue = Value | dict[str, Value]
JsonObject = dict[str, JsonValue]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BERLIN_WINTER = timezone(timedelta(hours=1))


def zulu(at_ms: int) -> str:
    """Write the time like 2026-01-31T09:30:00.250Z."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def with_utc_offset(at_ms: int) -> str:
    """Write the time like 2026-01-31T09:30:00.250+00:00."""
    return zulu(at_ms)[:-1] + "+00:00"


def without_offset(at_ms: int) -> str:
    """Write the time like 2026-01-31T09:30:00.250, which is UTC by contract."""
    return zulu(at_ms)[:-1]


def with_local_offset(at_ms: int) -> str:
    """Write the time like 2026-01-31T10:30:00.250+01:00."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(_BERLIN_WINTER).isoformat(timespec="milliseconds")


def event_id(conversation: Conversation, act: Act) -> str:
    """Return an id that is unique within a source."""
    return f"demo-event-{conversation.number:06d}-{act.seq:03d}"


def properties_of(conversation: Conversation, act: Act) -> dict[str, Value]:
    """Return an act's canonical properties; failed calls and thumbs are spelt in every way the contract allows."""
    data = act.data
    if act.kind == "tool_called":
        return _tool_properties(conversation, act)
    if act.kind == "feedback_received":
        return _feedback_properties(conversation, act)
    if act.kind == "meeting_booked":
        rest = {name: value for name, value in data.items() if name != "meeting_ms"}
        return {"meeting_date": zulu(act.number("meeting_ms")), **rest}
    return dict(data)


def _tool_properties(conversation: Conversation, act: Act) -> dict[str, Value]:
    properties: dict[str, Value] = {"tool_name": act.data["tool_name"]}
    if act.data["is_write"]:
        properties["is_write"] = True
    way = (conversation.style + act.seq) % 3
    if act.data["failed"]:
        return properties | ({"is_error": True}, {"success": False}, {"status": "error"})[way]
    # Most calls that went well do not report it.
    return properties | ({}, {"success": True}, {"status": "ok"})[way]


def _feedback_properties(conversation: Conversation, act: Act) -> dict[str, Value]:
    rating, rating_type = act.data["rating"], act.data["rating_type"]
    properties: dict[str, Value] = {"rating": rating}
    if rating_type == "thumbs" and (conversation.source == "agent_events" or conversation.style % 2):
        properties["rating"] = "positive" if rating == 1 else "negative"
    # chat_events rates in stars by configuration, agent_events in thumbs; `events` states which unless it shows.
    if conversation.source == "events" and rating_type != "unsaid" and (rating == 1 or conversation.style % 3):
        properties["rating_type"] = rating_type
    if act.data["question_kind"] is not None:
        properties["question_kind"] = act.data["question_kind"]
    return properties


def user_messages_until(conversation: Conversation, act: Act) -> int:
    """Count customer messages up to and including the act: what sources call the turn."""
    return sum(other.kind == "user_message" and other.seq <= act.seq for other in conversation.acts)
