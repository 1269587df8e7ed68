"""How each source spells an act: one module a format, and this table of them.

A renderer takes a conversation and one of its acts and returns the JSON object of its line. Rendering reads the plan
and decides nothing: two renderings of one act are equal.
"""

from collections.abc import Callable

from orchestration.simulation.formats.agent_events import render_agent_event
from orchestration.simulation.formats.agentsight import render_interaction
from orchestration.simulation.formats.chat_events import render_chat_event, render_exposure
from orchestration.simulation.formats.common import JsonObject
from orchestration.simulation.formats.events import render_event
from orchestration.simulation.formats.sales_events import render_sales_event
from orchestration.simulation.plan import Act, Conversation

Renderer = Callable[[Conversation, Act], JsonObject]

RENDERERS: dict[str, Renderer] = {
    "events": render_event,
    "agent_events": render_agent_event,
    "chat_events": render_chat_event,
    "sales_events": render_sales_event,
    "agentsight_interactions": render_interaction,
    "ab_test_exposures": render_exposure,
}
