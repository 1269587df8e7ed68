"""Customers who write into the thread of a conversation that is over, as in WhatsApp and SMS: hours or days later."""

import random

from orchestration.simulation.plan import HOUR_MS
from orchestration.simulation.script import Script

_CHANNELS = frozenset({"whatsapp", "sms"})
_SOURCES = frozenset({"events", "agent_events", "chat_events"})
_RATE = 0.15
_HOURS = ((1, 22, 0.45), (26, 70, 0.25), (76, 160, 0.15), (180, 400, 0.15))


def reopen(script: Script, rng: random.Random) -> None:
    """Let the customer of a support thread come back now and then: to thank, to ask, or because it is not solved."""
    visit = script.visit
    is_thread = visit.channel in _CHANNELS and visit.source in _SOURCES
    if not is_thread or visit.is_running or visit.purpose == "sales":
        return
    if rng.random() >= _RATE:
        return
    low, high, _ = rng.choices(_HOURS, [weight for *_, weight in _HOURS])[0]
    script.now_ms += rng.randrange(low * HOUR_MS, high * HOUR_MS)
    concern = rng.choices(("thanks", "follow_up", "still_broken"), (0.3, 0.2, 0.5))[0]
    if concern == "thanks":
        script.customer("thanks", intent="thank", sentiment=0.6)
        return
    script.customer(concern, sentiment=-0.6 if concern == "still_broken" else 0.1)
    if concern == "follow_up":
        script.agent("follow_up_reply")
    elif rng.random() < 0.4:
        script.tool(is_write=True)
        script.agent("done")
    else:
        script.agent("unresolved_closing")
