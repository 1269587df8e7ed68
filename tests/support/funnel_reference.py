"""Funnels by exhaustive search: the definitions of metrics.md in plain Python, slow and obvious, to judge the SQL by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Occurrence:
    """One sign of a stage: `seq` is the source's own order within an instant, null when it gives none."""

    at: datetime
    seq: float | None
    event_id: str | None
    kind: str = "event"

    @property
    def position(self) -> tuple[datetime, bool, float]:
        """Order in the conversation; a missing seq comes after every other of its instant, and they share a place."""
        return (self.at, self.seq is None, self.seq or 0.0)


@dataclass(frozen=True)
class Stage:
    """A stage and all of its signals, each (signal_kind, signal)."""

    order: int
    name: str
    signals: frozenset[tuple[str, str]]
    within: timedelta | None = None


@dataclass(frozen=True)
class Funnel:
    """A funnel; an empty list of a filter lets everything in."""

    name: str
    stages: tuple[Stage, ...]
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversation:
    """What a funnel sees: `events` as (event_type, occurrence), `facts` by name, dimensions by name."""

    key: str
    dimensions: Mapping[str, str | None]
    events: tuple[tuple[str, Occurrence], ...]
    facts: Mapping[str, Occurrence]
    is_closed: bool


@dataclass(frozen=True)
class Passage:
    """How one conversation went through one funnel; `reached` by stage_order."""

    funnel: str
    conversation_key: str
    entered_at: datetime
    reached: Mapping[int, Occurrence]
    depth_in_order: int
    furthest: int
    last: int
    is_in_progress: bool

    @property
    def is_lost(self) -> bool:
        """Neither at the end nor still able to get there."""
        return not self.is_in_progress and self.furthest < self.last

    @property
    def next_stage(self) -> int | None:
        """The stage after the furthest one, null at the last."""
        return None if self.furthest == self.last else self.furthest + 1


def is_let_in(funnel: Funnel, conversation: Conversation) -> bool:
    """Say whether every list of the entry filter has the conversation's value."""
    return all(
        not allowed or conversation.dimensions.get(dimension) in allowed
        for dimension, allowed in funnel.filters.items()
    )


def occurrences(stage: Stage, conversation: Conversation) -> list[Occurrence]:
    """Return every sign of the stage in the conversation, in order; ties by event id."""
    found = [one for event_type, one in conversation.events if ("event", event_type) in stage.signals]
    found += [one for name, one in conversation.facts.items() if ("fact", name) in stage.signals]
    return sorted(found, key=lambda one: (one.position, one.event_id or ""))


def is_within(one: Occurrence, since: datetime, within: timedelta | None) -> bool:
    """Say whether it came before the window closed; windows are half-open and have no lower end."""
    return within is None or one.at < since + within


def chains(stages: Sequence[Sequence[Occurrence]], windows: Sequence[timedelta | None]) -> Iterator[int]:
    """Yield the length of every chain of stages 1..k that can be drawn; the search tries each occurrence of each."""

    def follow(previous: Occurrence, depth: int) -> Iterator[int]:
        yield depth
        if depth == len(stages):
            return
        for one in stages[depth]:
            if one.position >= previous.position and is_within(one, previous.at, windows[depth]):
                yield from follow(one, depth + 1)

    for start in stages[0]:
        yield from follow(start, 1)


def pass_through(funnel: Funnel, conversation: Conversation, watermark: datetime) -> Passage | None:
    """Return the conversation's passage through the funnel, or None when it did not enter."""
    if not is_let_in(funnel, conversation):
        return None
    signs = [occurrences(stage, conversation) for stage in funnel.stages]
    if not signs[0]:
        return None
    entered_at = signs[0][0].at
    reached: dict[int, Occurrence] = {}
    for stage, found in zip(funnel.stages, signs, strict=True):
        in_time = [one for one in found if stage.order == 1 or is_within(one, entered_at, stage.within)]
        if in_time:
            reached[stage.order] = in_time[0]
    furthest, last = max(reached), funnel.stages[-1].order
    has_time_left = any(
        stage.order > furthest and stage.within is not None and entered_at + stage.within > watermark
        for stage in funnel.stages
    )
    return Passage(
        funnel=funnel.name,
        conversation_key=conversation.key,
        entered_at=entered_at,
        reached=reached,
        depth_in_order=max(chains(signs, [stage.within for stage in funnel.stages])),
        furthest=furthest,
        last=last,
        is_in_progress=furthest < last and (not conversation.is_closed or has_time_left),
    )


def measured_stages(funnel: Funnel, event_types: frozenset[str]) -> frozenset[int]:
    """Return the orders of the stages a source can show: by a fact, or by an event type it ever sent."""
    return frozenset(
        stage.order
        for stage in funnel.stages
        if any(kind == "fact" or (kind == "event" and signal in event_types) for kind, signal in stage.signals)
    )
