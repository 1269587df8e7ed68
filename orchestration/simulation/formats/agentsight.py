"""A website widget's log: lines without a type. Addresses are from the ranges reserved for documentation."""

from orchestration.simulation.formats.common import JsonObject, zulu
from orchestration.simulation.plan import Act, Conversation, Value

_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_ROLES = {"user_message": "visitor", "agent_message": "assistant"}
_TRAFFIC_SOURCES = ("organic", "newsletter", "ad", "direct")
_USER_AGENTS = {
    "mobile": "DemoBrowser/1.0 (phone; simulated)",
    "desktop": "DemoBrowser/1.0 (desktop; simulated)",
    "tablet": "DemoBrowser/1.0 (tablet; simulated)",
}


def render_interaction(conversation: Conversation, act: Act) -> JsonObject:
    """One line of `agentsight_interactions`: the widget shown, a question, or an answer."""
    visit, style = conversation.visit, conversation.style
    line: JsonObject = {"conversation_id": conversation.conversation_id, "customer_id": conversation.user_id}
    if act.kind == "interaction_initialized":
        metadata: dict[str, Value] = {
            "page_url": act.data["page_url"],
            "user_agent": _USER_AGENTS[visit.device],
            "widget_loaded": True,
        }
        line |= {
            "customer_ip_address": f"{_NETWORKS[style % 3]}.{1 + conversation.number % 254}",
            "device": visit.device,
            "source": _TRAFFIC_SOURCES[style % 4],
            "language": visit.language,
            "metadata": metadata,
        }
    else:
        line |= {"role": _ROLES[act.kind], "content": act.data["content"]}
    line |= {"agent": visit.agent, "seq": act.seq}
    line["created_at" if style % 10 == 0 else "timestamp"] = zulu(act.at_ms)
    if visit.environment != "production" or style % 4 == 0:
        line["environment"] = visit.environment
    return line | {"simulated": True}
