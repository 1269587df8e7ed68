"""Which funnel stages a planned conversation reaches, and when (first reach, in milliseconds)."""

from orchestration.simulation.facts import ENGAGING, Facts, first_at

_SUPPORT_EVENTS = ("problem_identified", "solution_proposed", "solution_accepted")
_SALES_EVENTS = ("qualified", "meeting_booked", "meeting_attended", "opportunity_created")


def _of_kind(facts: Facts, *kinds: str) -> int | None:
    return first_at(facts.conversation, frozenset(kinds))


def _reached(stages: dict[str, int | None]) -> dict[str, int]:
    return {stage: at_ms for stage, at_ms in stages.items() if at_ms is not None}


def _support(facts: Facts) -> dict[str, int]:
    return _reached(
        {"initiated": facts.started_ms, "greeted": _of_kind(facts, "agent_message")}
        | {kind: _of_kind(facts, kind) for kind in _SUPPORT_EVENTS}
        | {"resolved": facts.first_proof_ms if facts.is_resolved_by_human else facts.resolved_ms}
    )


def _sales(facts: Facts) -> dict[str, int]:
    return _reached(
        {"started": facts.started_ms, "responded": _of_kind(facts, "user_message")}
        | {kind: _of_kind(facts, kind) for kind in _SALES_EVENTS}
        | {"deal_closed": _of_kind(facts, "deal_closed", "conversion")}
    )


def reached_stages(facts: Facts) -> dict[str, dict[str, int]]:
    """Funnel -> stage -> time, for the funnels the conversation can enter. Windows are not applied."""
    funnels = {"sales": _sales(facts)} if facts.conversation.visit.purpose == "sales" else {"support": _support(facts)}
    initialised_ms = _of_kind(facts, "interaction_initialized")
    if initialised_ms is not None:
        engaged_ms = first_at(facts.conversation, ENGAGING)
        funnels["engagement"] = _reached({"initialised": initialised_ms, "engaged": engaged_ms})
    return funnels
