"""An agent platform's log: `id`, and everything else in `metadata`."""

from orchestration.simulation.formats.common import (
    JsonObject,
    event_id,
    properties_of,
    user_messages_until,
    with_utc_offset,
)
from orchestration.simulation.plan import Act, Conversation

_TYPES = {
    "conversation_started": "started",
    "agent_message": "agent_response",
    "conversation_completed": "completed",
    "conversation_abandoned": "abandoned",
}


def render_agent_event(conversation: Conversation, act: Act) -> JsonObject:
    """One line of `agent_events`."""
    visit = conversation.visit
    metadata = properties_of(conversation, act) | {"seq": act.seq}
    content = str(act.data.get("content", ""))
    if act.kind == "conversation_started":
        metadata |= {
            "channel": visit.channel,
            "agent": visit.agent,
            "device": visit.device,
            "language": visit.language,
        }
    elif act.kind == "user_message":
        metadata |= {"message_length": len(content), "turn": user_messages_until(conversation, act)}
    elif act.kind == "agent_message":
        metadata["response_length"] = len(content)
    elif act.kind == "conversation_completed":
        metadata["total_turns"] = user_messages_until(conversation, act)
    elif act.kind == "conversation_abandoned":
        metadata["abandoned_at_turn"] = user_messages_until(conversation, act)
    return {
        "id": event_id(conversation, act),
        "conversation_id": conversation.conversation_id,
        "user_id": conversation.user_id,
        "event_type": _TYPES.get(act.kind, act.kind),
        "timestamp": with_utc_offset(act.at_ms),
        "metadata": metadata,
        "simulated": True,
    }
