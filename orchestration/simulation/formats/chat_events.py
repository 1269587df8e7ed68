"""A chat tool's log, and its separate table of test exposures."""

from orchestration.simulation.formats.common import JsonObject, event_id, properties_of, without_offset
from orchestration.simulation.plan import Act, Conversation

_TYPES = {
    "conversation_started": "session_start",
    "conversation_ended": "session_end",
    "user_message": "message_sent",
    # In this tool "received" is what the customer receives; sales tools mean the opposite.
    "agent_message": "message_received",
    "handoff_requested": "escalation_requested",
    "feedback_received": "feedback_submitted",
}


def render_chat_event(conversation: Conversation, act: Act) -> JsonObject:
    """One line of `chat_events`."""
    visit = conversation.visit
    properties = properties_of(conversation, act) | {"seq": act.seq}
    if act.kind == "conversation_started":
        properties |= {"agent": visit.agent, "device": visit.device, "language": visit.language}
    return {
        "event_id": event_id(conversation, act),
        "session_id": conversation.conversation_id,
        "user_id": conversation.user_id,
        "event_type": _TYPES.get(act.kind, act.kind),
        "properties": properties,
        "timestamp": without_offset(act.at_ms),
        "channel": visit.channel,
        "simulated": True,
    }


def render_exposure(conversation: Conversation, act: Act) -> JsonObject:
    """One line of `ab_test_exposures`: no id, no control flag."""
    return {
        "session_id": conversation.conversation_id,
        "test_name": act.data["experiment_id"],
        "variant": act.data["variant"],
        "timestamp": without_offset(act.at_ms),
        "simulated": True,
    }
