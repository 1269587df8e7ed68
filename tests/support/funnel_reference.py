"""Funnels by exhaustive search: the definitions of metrics.md in plain Python, slow and obvious, to judge the SQL by.

It starts from hand-written canonical events and shares nothing with the models.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

INTERACTIONS = frozenset(
    {
        "user_message",
        "agent_message",
        "tool_called",
        "button_clicked",
        "flow_started",
        "flow_completed",
        "flow_abandoned",
    }
)
ENDS = frozenset({"conversation_completed", "conversation_ended", "conversation_abandoned"})
BEFORE_THE_START = frozenset({"interaction_initialized", "experiment_exposure"})
IDLE = timedelta(minutes=30)
SLOWEST_LAG = timedelta(hours=24)
SLOW_RESPONSE = timedelta(seconds=60)

Position = tuple[datetime, bool, float]
# What comes first in an instant for which the source gives no order; everything else lies between tools and answers.
STARTS = ("interaction_initialized", "experiment_exposure", "conversation_started")
ASKS = ("user_message", "button_clicked", "flow_started")
ORDER_OF_TYPES = (
    dict.fromkeys(STARTS, 0) | dict.fromkeys(ASKS, 1) | {"tool_called": 2, "agent_message": 4, "feedback_received": 5}
)
BETWEEN, LAST = 3, 6


@dataclass(frozen=True)
class Event:
    """One canonical event; `seq` is the source's own order within an instant, null when it gives none."""

    event_id: str
    event_type: str
    at: datetime
    seq: int | None = None
    dimensions: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def position(self) -> Position:
        """Place in the conversation: those without seq come last in their instant, and share that place."""
        return (self.at, self.seq is None, float(self.seq or 0))

    @property
    def order(self) -> tuple[Position, int, str]:
        """Order in the conversation: of a shared position by type, then by event id."""
        last = LAST if self.event_type in ENDS else BETWEEN
        return (self.position, ORDER_OF_TYPES.get(self.event_type, last), self.event_id)


@dataclass(frozen=True)
class Sign:
    """One occurrence of a stage: the event that shows it, by its type or by a fact; what rests on facts is event."""

    event: Event
    kind: str


@dataclass(frozen=True)
class Signal:
    """What shows a stage; `minimum` only for facts with a value."""

    kind: str
    name: str
    minimum: float | None = None


@dataclass(frozen=True)
class Stage:
    """A stage and all of its signals; any of them shows it."""

    order: int
    name: str
    signals: tuple[Signal, ...]
    within_hours: int | None = None

    def ends_at(self, since: datetime) -> datetime | None:
        """Return when the window that opened at `since` closes, null for never."""
        return None if self.within_hours is None else since + timedelta(hours=self.within_hours)


@dataclass(frozen=True)
class Funnel:
    """A funnel; a filter that is empty or absent lets everything in."""

    name: str
    stages: tuple[Stage, ...]
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversation:
    """The events of one conversation in order, with the dimensions that filters name (purpose and source included)."""

    key: str
    events: tuple[Event, ...]
    dimensions: Mapping[str, str | None]

    def first(self, *event_types: str) -> Event | None:
        """Return the first event of these types."""
        return next((event for event in self.events if event.event_type in event_types), None)

    @property
    def started(self) -> Event | None:
        """Return the event that starts it: a start or an interaction, else the first that is more than a widget."""
        return self.first("conversation_started", *INTERACTIONS) or next(
            (event for event in self.events if event.event_type not in BEFORE_THE_START), None
        )

    def facts(self) -> Iterator[tuple[str, Event, float | None]]:
        """Yield the facts as (name, event that shows it, value)."""
        named = {
            "started_at": self.started,
            "initialised_at": self.first("interaction_initialized"),
            "engaged_at": self.first("user_message", "button_clicked", "flow_started"),
            "first_user_message_at": self.first("user_message"),
            "first_agent_message_at": self.first("agent_message"),
        }
        yield from ((name, event, None) for name, event in named.items() if event is not None)
        for event in self.events:
            if "qualification_score" in event.properties:
                yield "qualification_score", event, float(event.properties["qualification_score"])

    def is_closed(self, watermark: datetime) -> bool:
        """Return whether a valid end without a later interaction exists, or nothing happened for the idle time."""
        places = [place for place, event in enumerate(self.events) if event.event_type in INTERACTIONS]
        last_interaction = max(places, default=-1)
        if any(event.event_type in ENDS for event in self.events[last_interaction + 1 :]):
            return True
        start = self.started or self.events[0]
        last_activity = max(start.at, self.events[last_interaction].at if places else start.at)
        return last_activity + IDLE <= watermark

    def turns(self) -> list[list[Event]]:
        """Return the events by turn; turn 0 is what comes before the first customer message."""
        turns: list[list[Event]] = [[]]
        for event in self.events:
            if event.event_type == "user_message":
                turns.append([])
            turns[-1].append(event)
        return turns


@dataclass(frozen=True)
class Passage:
    """How one conversation went through one funnel; `reached` and `in_order` hold the first sign by stage_order."""

    funnel: Funnel
    conversation: Conversation
    entered_at: datetime
    reached: Mapping[int, Sign]
    in_order: Mapping[int, Sign]
    is_in_progress: bool

    @property
    def furthest(self) -> int:
        """Return the order of the furthest stage reached."""
        return max(self.reached)

    @property
    def is_last_reached(self) -> bool:
        """Return whether it came to the end."""
        return self.furthest == self.funnel.stages[-1].order

    @property
    def is_lost(self) -> bool:
        """Return whether it neither came to the end nor can still get there."""
        return not self.is_last_reached and not self.is_in_progress


def assemble(
    source: str, conversation_id: str, events: Iterable[Event], purposes: Mapping[tuple[str, str], str]
) -> Conversation:
    """Put events in order and read the dimensions off them, the first value that is there.

    `purposes` is by (source, agent), '' for all agents of the source; the most specific wins.
    """
    in_order = tuple(sorted(events, key=lambda event: event.order))

    def first(dimension: str) -> str | None:
        return next((value for event in in_order if (value := event.dimensions.get(dimension))), None)

    agent = first("agent")
    dimensions = {
        "source": source,
        "agent": agent,
        "channel": first("channel"),
        "environment": first("environment") or "production",
        "purpose": purposes.get((source, agent or ""), purposes.get((source, ""), "support")),
    }
    return Conversation(f"{source}:{conversation_id}", in_order, dimensions)


def is_let_in(funnel: Funnel, conversation: Conversation) -> bool:
    """Return whether every list of the entry filter has the conversation's value."""
    return all(
        not allowed or conversation.dimensions.get(dimension) in allowed
        for dimension, allowed in funnel.filters.items()
    )


def signs(stage: Stage, conversation: Conversation) -> list[Sign]:
    """Return every occurrence of the stage, first one first; events that share a position are ordered by event id."""
    wanted_events = {signal.name for signal in stage.signals if signal.kind == "event"}
    found = [Sign(event, "event") for event in conversation.events if event.event_type in wanted_events]
    for name, event, value in conversation.facts():
        for signal in stage.signals:
            is_enough = signal.minimum is None or (value is not None and value >= signal.minimum)
            if signal.kind == "fact" and signal.name == name and is_enough:
                found.append(Sign(event, "event"))
    return sorted(found, key=lambda sign: (sign.event.position, sign.event.event_id))


def chains(stages: Sequence[Stage], found: Sequence[Sequence[Sign]]) -> Iterator[tuple[Sign, ...]]:
    """Yield every chain of stages 1..k that can be drawn, each occurrence of each stage tried after each other."""

    def follow(chain: tuple[Sign, ...]) -> Iterator[tuple[Sign, ...]]:
        yield chain
        if len(chain) == len(stages):
            return
        previous = chain[-1].event
        ends_at = stages[len(chain)].ends_at(previous.at)
        for sign in found[len(chain)]:
            if sign.event.position >= previous.position and (ends_at is None or sign.event.at < ends_at):
                yield from follow((*chain, sign))

    for start in found[0]:
        yield from follow((start,))


def pass_through(funnel: Funnel, conversation: Conversation, watermark: datetime) -> Passage | None:
    """Return the conversation's passage through the funnel, null when it did not enter."""
    found = [signs(stage, conversation) for stage in funnel.stages]
    if not is_let_in(funnel, conversation) or not found[0]:
        return None
    entered_at = found[0][0].event.at
    reached: dict[int, Sign] = {}
    for stage, candidates in zip(funnel.stages, found, strict=True):
        ends_at = stage.ends_at(entered_at)
        in_time = [sign for sign in candidates if ends_at is None or sign.event.at < ends_at]
        if in_time:
            reached[stage.order] = in_time[0]
    in_order: dict[int, Sign] = {}
    for chain in chains(funnel.stages, found):
        order = len(chain)
        if order not in in_order or chain[-1].event.position < in_order[order].event.position:
            in_order[order] = chain[-1]
    later = [stage.ends_at(entered_at) for stage in funnel.stages if stage.order > max(reached)]
    may_still_come = not conversation.is_closed(watermark) or any(
        ends_at is not None and ends_at > watermark for ends_at in later
    )
    return Passage(funnel, conversation, entered_at, reached, in_order, bool(later) and may_still_come)


def watermarks(newest_by_namespace: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return the watermark by namespace: its newest event, at most a day behind the newest of all."""
    newest = max(newest_by_namespace.values())
    return {name: max(at, newest - SLOWEST_LAG) for name, at in newest_by_namespace.items()}


def is_measured(stage: Stage, signals_sent: frozenset[str]) -> bool:
    """Return whether a source that sent these event types and properties can show the stage at all.

    Every source has the moments a conversation consists of; a fact with a value must have been sent.
    """
    return any(
        (signal.kind == "fact" and signal.minimum is None) or signal.name in signals_sent for signal in stage.signals
    )


def stage_counts(
    stage: Stage, passages: Sequence[Passage], signals_sent: Mapping[str, frozenset[str]]
) -> tuple[Any, ...]:
    """Count the passages of one date and segment at one stage of their funnel; what no source can show is null.

    Returns entered, in_progress, lost, is_measured, reached, reached_in_order, reached_or_later,
    reached_with_previous, and the medians from the entry and from the previous stage, in seconds.
    """
    order = stage.order
    sources = [str(passage.conversation.dimensions["source"]) for passage in passages]
    can_be_seen = any(is_measured(stage, signals_sent[source]) for source in sources)
    reached = [passage for passage in passages if order in passage.reached]
    with_previous = [passage for passage in reached if order - 1 in passage.reached]
    since_entry = [passage.reached[order].event.at - passage.entered_at for passage in reached]
    since_previous = [
        passage.reached[order].event.at - passage.reached[order - 1].event.at for passage in with_previous
    ]
    counts = (
        len(reached),
        sum(order in passage.in_order for passage in passages),
        sum(passage.furthest >= order for passage in passages),
        len(with_previous),
        _median_seconds(since_entry),
        _median_seconds(since_previous),
    )
    stopped_here = [passage for passage in passages if passage.furthest == order]
    return (
        len(passages),
        sum(passage.is_in_progress for passage in stopped_here),
        sum(passage.is_lost for passage in stopped_here),
        can_be_seen,
        *(counts if can_be_seen else [None] * len(counts)),
    )


def loss_reason(conversation: Conversation) -> str:
    """Return why a lost conversation may have ended: the first that holds for its last two turns."""
    late_turns = conversation.turns()[-2:]
    late = [event for turn in late_turns for event in turn]
    kinds = {event.event_type for event in late}
    messages = [event.event_type for event in late if event.event_type in {"user_message", "agent_message"}]
    if kinds & {"handoff_requested", "handoff_connected"}:
        return "handoff"
    if any(event.event_type == "tool_called" and event.properties.get("is_error") for event in late):
        return "tool_error"
    if "fallback_triggered" in kinds:
        return "fallback"
    if messages[-1:] == ["user_message"]:
        return "no_answer"
    if any(_response_time(turn) > SLOW_RESPONSE for turn in late_turns):
        return "slow_response"
    return "unknown"


def _median_seconds(durations: Sequence[timedelta]) -> float | None:
    return median(duration.total_seconds() for duration in durations) if durations else None


def _response_time(turn: Sequence[Event]) -> timedelta:
    """Return how long the first reply of the turn took, zero without a question or a reply."""
    if not turn or turn[0].event_type != "user_message":
        return timedelta(0)
    return next((event.at - turn[0].at for event in turn if event.event_type == "agent_message"), timedelta(0))
