"""The default format: one canonical event a line. Some systems write the accepted aliases instead."""

from orchestration.simulation.formats.common import JsonObject, event_id, properties_of, zulu
from orchestration.simulation.plan import Act, Conversation

_ROLES = {"user_message": "user", "agent_message": "assistant"}
_ALIASES = {
    "conversation_started": "session_start",
    "user_message": "message_sent",
    "agent_message": "agent_response",
    "conversation_ended": "session_end",
    "conversation_completed": "completed",
    "conversation_abandoned": "abandoned",
    "handoff_requested": "escalation_requested",
    "feedback_received": "feedback_submitted",
}


def render_event(conversation: Conversation, act: Act) -> JsonObject:
    """One line of `events`."""
    visit, style = conversation.visit, conversation.style
    uses_aliases, uses_session = style % 5 == 0, style % 20 == 1
    properties = properties_of(conversation, act) | {"seq": act.seq}
    if act.kind in _ROLES:
        properties["role"] = _ROLES[act.kind]
    if act.kind == "experiment_exposure" and style % 2:
        properties["test_name"] = properties.pop("experiment_id")
    line: JsonObject = {
        "event_id": event_id(conversation, act),
        "session_id" if uses_session else "conversation_id": conversation.conversation_id,
        "customer_id" if uses_session else "user_id": conversation.user_id,
        "event_type": _ALIASES.get(act.kind, act.kind) if uses_aliases else act.kind,
        "timestamp": zulu(act.at_ms),
        "channel": visit.channel,
        "agent": visit.agent,
        "device": visit.device,
        "language": visit.language,
        "properties": properties,
        "simulated": True,
    }
    if visit.environment != "production" or style % 4 == 0:
        line["environment"] = visit.environment
    return line
