"""The truth about one conversation, taken from its planned acts by the definitions of the metrics.

Written from the definitions alone: no model and no loader is read here. Text is never judged, so `is_resolved` is what
is known without labels; `is_solved` is what happened.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from orchestration.simulation.plan import HOUR_MS, MINUTE_MS, Act, Conversation

IDLE_MS = 30 * MINUTE_MS
INTERACTIONS = frozenset(
    {
        "user_message", "agent_message", "tool_called", "button_clicked",
        "flow_started", "flow_completed", "flow_abandoned",
    }
)  # fmt: skip
ENGAGING = frozenset({"user_message", "button_clicked", "flow_started"})
EXPLICIT_ENDS = frozenset({"conversation_completed", "conversation_ended", "conversation_abandoned"})
ONLY_SHOWN = frozenset({"interaction_initialized", "experiment_exposure"})
# The shipped success signals: a meeting that the prospect booked and a closed deal are proof, a reported solution is
# the agent side's claim. An opportunity is what the seller notes of a prospect, so it is neither.
PROOF_KINDS = frozenset({"conversion", "meeting_booked", "deal_closed"})
CLAIM_KINDS = frozenset({"conversation_completed", "problem_resolved"})
# Who writes later into the same thread has a new concern.
CONTRADICTED_MS = 168 * HOUR_MS
DEFAULT_QUESTION_KINDS = {"events": "other", "agent_events": "satisfaction", "chat_events": "satisfaction"}

# (source, user, agent) -> starts of the engaged conversations
Visits = dict[tuple[str, str, str], list[int]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One feedback answer. `score` is 0..1, `stars` 1..5; both null when the answer cannot be read."""

    question_kind: str
    score: float | None
    stars: int | None

    @property
    def is_positive(self) -> bool:
        """Thumb up or at least four stars."""
        return self.score is not None and self.score >= 0.75

    @property
    def is_negative(self) -> bool:
        """Thumb down or at most two stars."""
        return self.score is not None and self.score <= 0.25


@dataclass(slots=True)
class Facts:
    """What is true of one production conversation; times in milliseconds, null where the thing never came."""

    conversation: Conversation
    started_ms: int
    last_interaction_ms: int | None
    ended_ms: int | None
    is_engaged: bool
    is_handled: bool
    is_closed: bool
    outcome: str
    reason_family: str
    claimed_resolved: bool
    resolved_ms: int | None
    first_proof_ms: int | None
    last_proof_ms: int | None
    customer_returned_ms: int | None
    first_response_ms: int | None
    answer: Answer | None
    counts: Counter[str]
    model: str | None
    agent_turns: int
    fallback_turns: int
    sessions: list[tuple[int, int]]
    is_durably_resolved: dict[str, bool | None]
    is_first_contact: bool | None

    @property
    def is_resolved(self) -> bool:
        """Confirmed or inferred."""
        return self.outcome in {"resolved_confirmed", "resolved_inferred"}

    @property
    def is_solved(self) -> bool:
        """Resolved, or solved in words alone, which no event shows and only labels can find."""
        is_denied = any(act.says == "denial" for act in self.conversation.acts)
        return self.is_resolved or (self.conversation.situation == "solved_in_words" and not is_denied)

    @property
    def is_resolved_by_human(self) -> bool:
        """Escalated, and proven at or after the handoff."""
        handoffs = [first_at(self.conversation, frozenset({f"handoff_{step}"})) for step in ("connected", "requested")]
        handoff_ms = next((at_ms for at_ms in handoffs if at_ms is not None), None)
        is_after = handoff_ms is not None and self.last_proof_ms is not None and self.last_proof_ms >= handoff_ms
        return self.outcome == "escalated" and is_after


def read_answer(conversation: Conversation, act: Act) -> Answer:
    """Read what a feedback act means."""
    kind = str(act.data["question_kind"] or DEFAULT_QUESTION_KINDS[conversation.source])
    rating = act.number("rating")
    if act.data["rating_type"] == "stars":
        return Answer(kind, (rating - 1) / 4, rating)
    return Answer(kind, float(rating) if act.data["rating_type"] == "thumbs" else None, None)


def first_at(conversation: Conversation, kinds: frozenset[str]) -> int | None:
    """Return the time of the first act of one of the kinds."""
    return next((act.at_ms for act in conversation.acts if act.kind in kinds), None)


def is_counted(conversation: Conversation) -> bool:
    """Return whether the conversation is a row of fct_conversations: production, and more than shown or exposed."""
    return conversation.is_production and any(act.kind not in ONLY_SHOWN for act in conversation.acts)


def _is_failed(act: Act) -> bool:
    return act.kind == "tool_called" and bool(act.data["failed"])


def _is_claim(act: Act) -> bool:
    return act.kind in CLAIM_KINDS or (act.kind == "tool_called" and bool(act.data["is_write"]) and not _is_failed(act))


def _proofs(conversation: Conversation) -> list[tuple[int, str]]:
    """List (place, family) of everything that proves a solution from outside the agent's words.

    An answer that it was not solved takes back what was proof before it.
    """
    proofs: list[tuple[int, str]] = []
    for place, act in enumerate(conversation.acts):
        if act.kind in PROOF_KINDS:
            proofs.append((place, "goal_conversion" if act.kind == "conversion" else "success_signal"))
        elif act.kind == "feedback_received":
            answer = read_answer(conversation, act)
            if answer.question_kind == "solved" and answer.is_positive:
                proofs.append((place, "solved_feedback"))
            elif answer.question_kind == "solved" and answer.is_negative:
                proofs.clear()
    return proofs


def _returns(conversation: Conversation) -> set[int]:
    """Find the places where the customer says that it is not solved, or anything but courtesy after the end.

    The end is a completion, or a silence that closes a conversation.
    """
    found: set[int] = set()
    is_completed, last_ms = False, None
    for place, act in enumerate(conversation.acts):
        is_over = is_completed or (last_ms is not None and act.at_ms - last_ms > IDLE_MS)
        if act.kind == "user_message" and (act.says == "denial" or (is_over and act.says != "courtesy")):
            found.add(place)
        is_completed = is_completed or act.kind == "conversation_completed"
        if act.kind in INTERACTIONS:
            last_ms = act.at_ms
    return found


def _first_standing_claim(conversation: Conversation) -> int | None:
    """Return the time of the first claim that nothing contradicts within a week."""
    acts = conversation.acts
    for act in acts:
        if act.kind == "feedback_received":
            answer = read_answer(conversation, act)
            if answer.is_negative and answer.question_kind in {"solved", "satisfaction"}:
                return None
    against = _returns(conversation)
    against |= {place for place, act in enumerate(acts) if act.kind == "fallback_triggered" or _is_failed(act)}
    for place, act in enumerate(acts):
        if _is_claim(act) and not any(
            place < other and acts[other].at_ms < act.at_ms + CONTRADICTED_MS for other in against
        ):
            return act.at_ms
    return None


def _returned(conversation: Conversation) -> int | None:
    """Return when the customer came back into the conversation after its first proof."""
    proofs = _proofs(conversation)
    after = [place for place in _returns(conversation) if proofs and place > proofs[0][0]]
    return conversation.acts[min(after)].at_ms if after else None


def _sessions(acts: list[Act]) -> list[tuple[int, int]]:
    """List (first, last) moment of the sessions: interactions with no longer silence between them."""
    sessions: list[tuple[int, int]] = []
    for act in acts:
        if act.kind in INTERACTIONS:
            if sessions and act.at_ms - sessions[-1][1] <= IDLE_MS:
                sessions[-1] = (sessions[-1][0], act.at_ms)
            else:
                sessions.append((act.at_ms, act.at_ms))
    return sessions


def _end(conversation: Conversation) -> Act | None:
    """Find the explicit end that no interaction follows."""
    for act in reversed(conversation.acts):
        if act.kind in INTERACTIONS:
            return None
        if act.kind in EXPLICIT_ENDS:
            return act
    return None


def _turns(acts: list[Act]) -> tuple[int, int]:
    """Count (turns with an agent message or a fallback, turns with a fallback); turn 0 is before the first question."""
    turn, answered, fallen_back = 0, set(), set()
    for act in acts:
        turn += act.kind == "user_message"
        if act.kind in {"agent_message", "fallback_triggered"}:
            answered.add(turn)
        if act.kind == "fallback_triggered":
            fallen_back.add(turn)
    return len(answered), len(fallen_back)


def _first_response(acts: list[Act]) -> int | None:
    """Measure milliseconds from the first question to the first answer after it; a greeting before it is none."""
    asked_ms: int | None = None
    for act in acts:
        if act.kind == "user_message" and asked_ms is None:
            asked_ms = act.at_ms
        elif act.kind == "agent_message" and asked_ms is not None:
            return act.at_ms - asked_ms
    return None


def _main_model(acts: list[Act]) -> str | None:
    """Find the model of most agent messages, then the first by name."""
    models = Counter(str(act.data["model"]) for act in acts if act.kind == "agent_message" and "model" in act.data)
    return min(models, key=lambda name: (-models[name], name)) if models else None


def _outcome(facts: Facts, end: Act | None) -> tuple[str, str, int | None]:
    """Decide (outcome, family of the reason, resolved_ms); first match wins."""
    conversation = facts.conversation
    if not facts.is_closed:
        return "in_progress", "not_closed", None
    if not facts.is_engaged:
        return "not_engaged", "no_engagement", None
    if facts.counts["handoff_requested"] or facts.counts["handoff_connected"]:
        return "escalated", "handoff", None
    return _solved(conversation) or _unsolved(facts, end)


def _solved(conversation: Conversation) -> tuple[str, str, int] | None:
    """Decide between confirmed and inferred; None without evidence of a solution."""
    proofs = _proofs(conversation)
    if proofs:
        return "resolved_confirmed", proofs[0][1], conversation.acts[proofs[0][0]].at_ms
    claim_ms = _first_standing_claim(conversation)
    return None if claim_ms is None else ("resolved_inferred", "standing_claim", claim_ms)


def _unsolved(facts: Facts, end: Act | None) -> tuple[str, str, None]:
    """Decide between given up and ended."""
    if end is None:
        return "abandoned", "idle", None
    if end.kind == "conversation_abandoned":
        return "abandoned", "abandoned_event", None
    return "ended_unresolved", "contradicted_claim" if facts.claimed_resolved else "explicit_end", None


def find_facts(conversation: Conversation, watermark_ms: int) -> Facts:
    """Find the facts of a counted conversation as known at the watermark of its namespace."""
    acts = conversation.acts
    started_ms = first_at(conversation, INTERACTIONS | {"conversation_started"})
    if started_ms is None:
        started_ms = next(act.at_ms for act in acts if act.kind not in ONLY_SHOWN)
    interactions = [act.at_ms for act in acts if act.kind in INTERACTIONS]
    last_ms = interactions[-1] if interactions else None
    end = _end(conversation)
    is_idle = watermark_ms - max(started_ms, last_ms or started_ms) >= IDLE_MS
    is_closed = end is not None or is_idle
    counts = Counter(act.kind for act in acts)
    counts["tool_errors"] = sum(_is_failed(act) for act in acts)
    proofs = _proofs(conversation)
    # An unreadable rating shows nothing about the conversation, the kind of its question included.
    answers = [read_answer(conversation, act) for act in acts if act.kind == "feedback_received"]
    readable = [answer for answer in answers if answer.score is not None]
    is_engaged = any(act.kind in ENGAGING for act in acts)
    agent_turns, fallback_turns = _turns(acts)
    facts = Facts(
        conversation=conversation,
        started_ms=started_ms,
        last_interaction_ms=last_ms,
        ended_ms=end.at_ms if end is not None else (last_ms if is_closed else None),
        is_engaged=is_engaged,
        is_handled=is_engaged and counts["agent_message"] > 0,
        is_closed=is_closed,
        outcome="",
        reason_family="",
        claimed_resolved=any(_is_claim(act) for act in acts),
        resolved_ms=None,
        first_proof_ms=acts[proofs[0][0]].at_ms if proofs else None,
        last_proof_ms=acts[proofs[-1][0]].at_ms if proofs else None,
        customer_returned_ms=_returned(conversation),
        first_response_ms=_first_response(acts),
        answer=readable[-1] if readable else None,
        counts=counts,
        model=_main_model(acts),
        agent_turns=agent_turns,
        fallback_turns=fallback_turns,
        sessions=_sessions(acts),
        is_durably_resolved={},
        is_first_contact=None,
    )
    facts.outcome, facts.reason_family, facts.resolved_ms = _outcome(facts, end)
    return facts


def judge_durability(facts: list[Facts], watermarks: dict[str, int], beginnings: dict[str, int]) -> None:
    """Fill `is_durably_resolved`: whether the user stayed away from that agent for 24, 72 and 168 hours.

    Null for what is not resolved, has no user, or whose window the watermark has not passed. `is_first_contact` is
    whether the user had been away for 168 hours; null without a user, where the user did not engage, and where nobody
    can know: in the first 168 hours of the data of a namespace, which begin at `beginnings`.
    """
    visits: Visits = {}
    for fact in facts:
        conversation = fact.conversation
        if fact.is_engaged and conversation.user_id is not None:
            key = (conversation.source, conversation.user_id, conversation.visit.agent)
            visits.setdefault(key, []).append(fact.started_ms)
    for fact in facts:
        for name, hours in (("24h", 24), ("72h", 72), ("7d", 168)):
            fact.is_durably_resolved[name] = _is_durable(fact, hours * HOUR_MS, watermarks, visits)
        if fact.is_engaged and fact.conversation.user_id is not None:
            key = (fact.conversation.source, fact.conversation.user_id, fact.conversation.visit.agent)
            was_there = any(0 < fact.started_ms - at_ms <= 168 * HOUR_MS for at_ms in visits[key])
            is_known = fact.started_ms >= beginnings[fact.conversation.source] + 168 * HOUR_MS
            fact.is_first_contact = not was_there if was_there or is_known else None


def _is_durable(fact: Facts, window_ms: int, watermarks: dict[str, int], visits: Visits) -> bool | None:
    conversation, resolved_ms = fact.conversation, fact.resolved_ms
    if resolved_ms is None or conversation.user_id is None:
        return None
    until_ms = resolved_ms + window_ms
    if until_ms > watermarks[conversation.source]:
        return None
    key = (conversation.source, conversation.user_id, conversation.visit.agent)
    returned = [] if fact.customer_returned_ms is None else [fact.customer_returned_ms]
    return not any(resolved_ms < at_ms < until_ms for at_ms in (*visits.get(key, ()), *returned))


def assert_in_order(conversation: Conversation) -> None:
    """Raise ValueError when a plan is not in order of (time, seq): every fact above relies on it."""
    for before, after in pairwise(conversation.acts):
        if (before.at_ms, before.seq) >= (after.at_ms, after.seq):
            raise ValueError(f"{conversation.key}: act {after.seq} ({after.kind}) is not after act {before.seq}")
