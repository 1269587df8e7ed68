"""What can happen in a support conversation, and how often: one function a situation, each writing into a Script."""

import random
from collections.abc import Callable

from orchestration.simulation.plan import HOUR_MS, Visit
from orchestration.simulation.script import CAPABILITIES, Script
from orchestration.simulation.simulated_tests import Assignment

_WEIGHTS = {
    "solved_confirmed": 0.17,
    "claim_completed": 0.19,
    "claim_write": 0.10,
    "solved_in_words": 0.05,
    "contradicted_by_feedback": 0.045,
    "contradicted_by_fallback": 0.02,
    "contradicted_by_tool_error": 0.015,
    "contradicted_by_message": 0.02,
    "escalated": 0.13,
    "abandoned_by_event": 0.06,
    "abandoned_by_silence": 0.13,
    "ended_unresolved": 0.06,
    "not_engaged": 0.06,
}
# A situation happens only where the source can report it.
_NEEDS = {
    "solved_confirmed": {"feedback_received"},
    "claim_completed": {"conversation_completed"},
    "claim_write": {"tool_called"},
    "contradicted_by_feedback": {"feedback_received", "tool_called"},
    "contradicted_by_fallback": {"fallback_triggered", "tool_called"},
    "contradicted_by_tool_error": {"tool_called"},
    "contradicted_by_message": {"conversation_completed", "conversation_abandoned"},
    "escalated": {"handoff_requested"},
    "abandoned_by_event": {"conversation_abandoned"},
    "ended_unresolved": {"conversation_ended"},
}
_SOLVED = ("solved_confirmed", "claim_completed", "claim_write", "solved_in_words")
_SOLVED_FACTOR = {"demo-support-v2": 1.5, "demo-support-v3": 1.75}
_GOALS = {
    "refund": "refund_completed",
    "subscription": "subscription_changed",
    "delivery": "order_updated",
    "booking": "appointment_booked",
}


def choose_situation(visit: Visit, rng: random.Random, *, tools_down: bool) -> str:
    """Draw a situation: better prompts solve more, a day without tools escalates more."""
    weights = {
        name: weight for name, weight in _WEIGHTS.items() if _NEEDS.get(name, set()) <= CAPABILITIES[visit.source]
    }
    for name in _SOLVED:
        if name in weights:
            weights[name] *= _SOLVED_FACTOR.get(visit.agent, 1.0) * (0.35 if tools_down else 1.0)
    if tools_down and "escalated" in weights:
        weights["escalated"] *= 3.0
        weights["contradicted_by_tool_error"] *= 5.0
    return rng.choices(list(weights), list(weights.values()))[0]


def _open(script: Script) -> None:
    """Write the first question, in one of several ways."""
    if script.chance(0.08):
        script.wait(2, 30)
        script.add("button_clicked", button=f"topic_{script.topic}")
    script.customer("opening", intent=script.intent, sentiment=-0.1)
    if script.chance(0.15):
        script.agent("clarify")
        script.customer("rephrase", intent=script.intent, sentiment=-0.25)
    elif script.chance(0.03):
        script.repeat()
    script.stage("problem_identified")


def _work(script: Script) -> None:
    """Questions back, look-ups, misunderstandings, up to a proposal."""
    for _ in range(script.rng.choices((0, 1, 2, 4), (0.3, 0.4, 0.22, 0.08))[0]):
        script.agent("ask")
        script.customer("detail", sentiment=-0.05)
    if script.chance(0.07):
        script.fallback()
        script.customer("rephrase", intent=script.intent, sentiment=-0.4)
        if script.chance(0.35):
            script.fallback()
            script.customer("rephrase", sentiment=-0.5)
    if script.chance(0.5):
        script.agent("lookup")
        failing = script.chance(0.5 if script.tools_down else 0.03)
        script.tool(fails=failing)
        if failing:
            script.agent("tool_error")
            script.customer("follow_up", sentiment=-0.3)
    script.agent("proposal")
    script.stage("solution_proposed")


def _accept(script: Script) -> None:
    script.customer("accept", intent="accept", sentiment=0.4)
    script.stage("solution_accepted")
    script.close_flow("flow_completed")


def _chat_on(script: Script) -> None:
    """Small questions after the main one."""
    while script.chance(0.25):
        script.customer("follow_up", sentiment=0.1)
        script.agent("follow_up_reply")


def _end(script: Script, kind: str, **data: str) -> None:
    script.wait(1, 90)
    script.add(kind, **data)


def _satisfied(script: Script, *, positive: bool, question_kind: str | None) -> None:
    """One answer to a feedback question, in stars or thumbs as the source does it."""
    thumbs = script.visit.source == "agent_events" or (script.visit.source == "events" and script.chance(0.4))
    if script.visit.source == "events" and script.chance(0.02):
        # A bare 1 may be a thumb up or the worst star: it is ambiguous, and a reader should not guess.
        script.feedback(1, "unsaid", "other")
    elif thumbs:
        script.feedback(int(positive), "thumbs", question_kind)
    else:
        script.feedback(script.rng.choice((4, 5, 5) if positive else (1, 2)), "stars", question_kind)


def _solved_confirmed(script: Script, goal: str | None, delay_ms: int) -> None:
    """Proof from outside the agent's words: a goal reached (perhaps later), or the customer says it is solved."""
    _open(script)
    _work(script)
    _accept(script)
    if script.chance(0.5):
        script.tool(is_write=True)
    script.agent("done")
    if goal is not None:
        script.wait(1, 40)
        script.add_later("conversion", delay_ms, goal=goal, value=round(script.rng.uniform(5, 250), 2))
    if goal is None or delay_ms:
        script.stage("problem_resolved")
    _chat_on(script)
    if script.chance(0.7):
        script.customer("thanks", intent="thank", sentiment=0.6)
        script.agent("closing")
    if script.chance(0.8):
        _end(script, "conversation_completed" if "conversation_completed" in script.can else "conversation_ended")
    if goal is None:
        _satisfied(script, positive=True, question_kind="solved")
    elif script.chance(0.2):
        _satisfied(script, positive=script.chance(0.9), question_kind="satisfaction")


def _claim_completed(script: Script) -> None:
    _open(script)
    _work(script)
    if script.chance(0.6):
        _accept(script)
        script.agent("done")
    _chat_on(script)
    script.agent("closing")
    _end(script, "conversation_completed")
    if script.chance(0.2):
        _satisfied(script, positive=True, question_kind="satisfaction" if script.chance(0.5) else None)


def _claim_write(script: Script) -> None:
    _open(script)
    _work(script)
    _accept(script)
    script.tool(is_write=True)
    script.agent("done")
    if script.chance(0.5):
        _end(script, "conversation_ended", reason="closed_by_customer")


def _solved_in_words(script: Script) -> None:
    """Let the agent solve it and the customer say so: no event shows it, as where a source sends messages only."""
    _open(script)
    _work(script)
    _accept(script)
    script.agent("done")
    if script.chance(0.6):
        script.customer("thanks", intent="thank", sentiment=0.6)
        script.agent("closing")
    if script.chance(0.5):
        _end(script, "conversation_ended", reason="closed_by_customer")


def _contradicted_by_feedback(script: Script) -> None:
    """Let the agent claim success, and the customer deny it."""
    _open(script)
    _work(script)
    script.tool(is_write=True)
    script.agent("done")
    if script.chance(0.7):
        _end(script, "conversation_completed" if "conversation_completed" in script.can else "conversation_ended")
    _satisfied(script, positive=False, question_kind=script.rng.choice(("solved", "satisfaction")))


def _contradicted_by_fallback(script: Script) -> None:
    _open(script)
    _work(script)
    script.tool(is_write=True)
    script.agent("done")
    script.customer("still_broken", sentiment=-0.6)
    script.fallback()
    _end(script, "conversation_ended", reason="closed_by_agent")


def _contradicted_by_tool_error(script: Script) -> None:
    _open(script)
    _work(script)
    script.tool(is_write=True)
    script.agent("done")
    script.customer("still_broken", sentiment=-0.6)
    script.tool(is_write=True, fails=True)
    script.agent("tool_error")
    if script.chance(0.6):
        _end(script, "conversation_ended", reason="closed_by_agent")


def _contradicted_by_message(script: Script) -> None:
    """Mark as completed and let the customer go on: the mark no longer ends the conversation."""
    _open(script)
    _work(script)
    script.agent("closing")
    _end(script, "conversation_completed")
    script.customer("still_broken", sentiment=-0.7)
    script.agent("unresolved_closing")
    kind = "conversation_ended" if "conversation_ended" in script.can else "conversation_abandoned"
    _end(script, kind)


def _escalated(script: Script) -> None:
    """Ask for a person: once or twice, reached or not."""
    _open(script)
    if script.chance(0.6):
        _work(script)
        script.customer("reject", sentiment=-0.5)
    if script.chance(0.2 + 0.5 * script.tools_down):
        script.tool(fails=True)
        script.agent("tool_error")
    script.customer("human_request", intent="talk_to_human", sentiment=-0.5)
    script.wait(0.1, 2)
    script.add("handoff_requested", reason=script.rng.choice(("customer_asked", "not_understood", "policy")))
    script.agent("human_offer")
    if script.chance(0.2):
        script.customer("human_again", sentiment=-0.8)
        script.wait(0.1, 2)
        script.add("handoff_requested", reason="customer_asked")
    if script.chance(0.7):
        script.wait(20, 400)
        script.add("handoff_connected")
        script.agent("human_connected", may_tie=False)
        if script.chance(0.5):
            script.customer("thanks", sentiment=0.2)
            script.stage("problem_resolved")
    if script.chance(0.7):
        _end(script, "conversation_ended", reason="handed_over")
    if script.chance(0.15):
        _satisfied(script, positive=script.chance(0.5), question_kind="satisfaction")


def _abandoned(script: Script) -> None:
    """Let the customer give up at some point, with or without the agent's last word."""
    _open(script)
    if script.chance(0.15):
        return
    if script.chance(0.25):
        script.fallback()
        script.customer("rephrase", sentiment=-0.5)
    if script.chance(0.6):
        _work(script)
        if script.chance(0.4):
            script.customer("reject", sentiment=-0.6)
    else:
        script.agent("clarify")
    if script.chance(0.15):
        script.customer("rephrase", sentiment=-0.5)
        script.customer("rephrase", sentiment=-0.6)


def _abandoned_by_event(script: Script) -> None:
    _abandoned(script)
    script.go_silent()
    script.close_flow("flow_abandoned")
    script.add("conversation_abandoned")


def _ended_unresolved(script: Script) -> None:
    _open(script)
    _work(script)
    script.customer("reject", sentiment=-0.5)
    script.agent("unresolved_closing")
    _end(script, "conversation_ended", reason=script.rng.choice(("closed_by_agent", "closed_by_customer", "timeout")))
    if script.chance(0.15):
        _satisfied(script, positive=False, question_kind=None)


def _not_engaged(script: Script) -> None:
    """Only the greeting was written."""
    script.agent("greeting")
    if script.chance(0.3):
        script.go_silent()
        script.add("conversation_ended", reason="timeout")


_WRITERS: dict[str, Callable[[Script], None]] = {
    "claim_completed": _claim_completed,
    "claim_write": _claim_write,
    "solved_in_words": _solved_in_words,
    "contradicted_by_feedback": _contradicted_by_feedback,
    "contradicted_by_fallback": _contradicted_by_fallback,
    "contradicted_by_tool_error": _contradicted_by_tool_error,
    "contradicted_by_message": _contradicted_by_message,
    "escalated": _escalated,
    "abandoned_by_event": _abandoned_by_event,
    "abandoned_by_silence": _abandoned,
    "ended_unresolved": _ended_unresolved,
    "not_engaged": _not_engaged,
}


def _goal_and_delay(script: Script, assignment: Assignment | None) -> tuple[str | None, int]:
    """Which goal proves the solution, and how long after the conversation it is reached."""
    late_ms = script.rng.randrange(1 * HOUR_MS, 20 * HOUR_MS) if script.chance(0.25) else 0
    if assignment is not None and assignment.converts:
        return assignment.experiment.goal, late_ms
    if "conversion" not in script.can or script.chance(0.4):
        return None, 0
    if script.chance(0.1):
        late_ms = script.rng.randrange(26 * HOUR_MS, 200 * HOUR_MS)
    if script.visit.source == "chat_events":
        return "checkout_completed", late_ms
    return _GOALS.get(script.topic), late_ms


def write_support(script: Script, situation: str, assignment: Assignment | None) -> None:
    """Write the dialogue of a support conversation after its opening marks."""
    is_greeted = situation != "not_engaged" and script.chance(0.45)
    if is_greeted:
        script.agent("greeting")
    if script.topic == "booking" and situation != "not_engaged" and script.chance(0.5):
        script.start_flow("appointment_booking")
    if situation == "solved_confirmed":
        _solved_confirmed(script, *_goal_and_delay(script, assignment))
    else:
        _WRITERS[situation](script)
    if assignment is not None and not assignment.converts and script.chance(0.02):
        # After the window: it proves the solution, but the test must not count it.
        delay_ms = script.rng.randrange(26 * HOUR_MS, 120 * HOUR_MS)
        script.add_later("conversion", delay_ms, goal=assignment.experiment.goal, value=20.0)
