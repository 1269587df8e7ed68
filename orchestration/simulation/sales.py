"""Sales conversations: a prospect answers or not, is qualified or not, and the CRM reports the rest days later."""

from orchestration.simulation.plan import DAY_MS, HOUR_MS
from orchestration.simulation.script import Script

_REPS = ("demo-rep-01", "demo-rep-02", "demo-rep-03")
_MEETING_TYPES = ("call", "video", "on_site")


def write_sales(script: Script) -> str:
    """Write the dialogue and the CRM's outcomes; returns the name of the situation."""
    script.agent("greeting")
    if not script.chance(0.74):
        return "no_response"
    script.customer("response", intent="show_interest", sentiment=0.1)
    if script.chance(0.12):
        script.agent("pitch")
        script.customer("not_interested", intent="decline", sentiment=-0.4)
        script.agent("closing")
        _end(script)
        return "declined"
    for _ in range(script.rng.randrange(1, 4)):
        script.agent("question")
        script.customer("answer", intent="give_information", sentiment=0.1)
    if script.chance(0.06):
        script.customer("human_request", intent="talk_to_human", sentiment=-0.1)
        script.wait(0.1, 2)
        script.add("handoff_requested", reason="customer_asked")
        return "handed_over"
    # A few meetings are booked by people the agent never called qualified.
    is_qualified = script.chance(0.6)
    if is_qualified:
        script.wait(0.1, 3)
        script.add("qualified", lead_score=script.rng.randrange(60, 100))
    script.agent("pitch")
    if script.chance(0.45):
        script.customer("objection", intent="object", sentiment=-0.3)
        script.agent("objection_reply")
    if script.chance(0.62 if is_qualified else 0.08):
        return _book(script)
    if script.chance(0.5):
        script.customer("not_interested", intent="decline", sentiment=-0.3)
        script.agent("closing")
        _end(script)
        return "declined"
    return "went_quiet"


def _end(script: Script) -> None:
    if script.chance(0.5):
        script.wait(1, 60)
        script.add("conversation_ended", reason="closed_by_agent")


def _book(script: Script) -> str:
    """Book a meeting, and write its outcome over the next weeks (as far as the data reach)."""
    script.agent("booking_offer")
    script.customer("booking_accept", intent="accept", sentiment=0.5)
    script.wait(0.2, 3)
    to_meeting_ms = script.rng.randrange(1 * DAY_MS, 9 * DAY_MS)
    script.add(
        "meeting_booked",
        meeting_ms=script.now_ms + to_meeting_ms,
        meeting_type=script.rng.choice(_MEETING_TYPES),
        assigned_rep=script.rng.choice(_REPS),
    )
    script.agent("booking_done")
    _end(script)
    if not script.chance(0.72):
        return "booked_no_show"
    script.add_later("meeting_attended", to_meeting_ms)
    if not script.chance(0.6):
        return "attended"
    to_opportunity_ms = to_meeting_ms + script.rng.randrange(2 * HOUR_MS, 3 * DAY_MS)
    if script.chance(0.9):
        script.add_later("opportunity_created", to_opportunity_ms)
    if not script.chance(0.5):
        return "opportunity"
    value = round(script.rng.uniform(900, 24_000), 2)
    to_deal_ms = to_opportunity_ms + script.rng.randrange(1 * DAY_MS, 18 * DAY_MS)
    script.add_later("deal_closed", to_deal_ms, value=value)
    return "deal_closed"
