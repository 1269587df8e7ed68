"""A sales tool's log: messages have ids, CRM outcomes have none; times carry the office's offset."""

from orchestration.simulation.formats.common import JsonObject, event_id, properties_of, with_local_offset
from orchestration.simulation.mess import has_message_id
from orchestration.simulation.plan import Act, Conversation

_SENDERS = {"user_message": "prospect", "agent_message": "agent"}


def render_sales_event(conversation: Conversation, act: Act) -> JsonObject:
    """One line of `sales_events`."""
    visit = conversation.visit
    properties = properties_of(conversation, act) | {"seq": act.seq}
    event_type = act.kind
    if act.kind in _SENDERS:
        event_type = "message_received"
        properties["sender"] = _SENDERS[act.kind]
        if has_message_id(conversation, act):
            properties["message_id"] = event_id(conversation, act)
        else:
            event_type = "message_sent"
    elif act.kind == "conversation_started":
        properties |= {
            "user_id": conversation.user_id,
            "agent": visit.agent,
            "device": visit.device,
            "language": visit.language,
        }
    return {
        "event_type": event_type,
        "conversation_id": conversation.conversation_id,
        "channel": visit.channel,
        "timestamp": with_local_offset(act.at_ms),
        "properties": properties,
        "simulated": True,
    }
