"""The plan of a simulated world: conversations as lists of acts. Truth and events are both drawn from it.

An act states what happened (in the canonical vocabulary) and when; the spelling of a source is not part of the plan.
Times are whole milliseconds since 1970-01-01 UTC, because the sources report milliseconds at most.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

SOURCES = ("events", "agent_events", "chat_events", "sales_events", "agentsight_interactions")
EXPOSURE_SOURCE = "ab_test_exposures"
LANDING_SOURCES = (*SOURCES, EXPOSURE_SOURCE)

NAMESPACES = {source: source for source in SOURCES} | {EXPOSURE_SOURCE: "chat_events"}

Value = str | int | float | bool | None
# In other words, or letter by letter.
SaysAgain = Literal["rephrase", "repeat"]
# Nothing but thanks or goodbye, or that the problem is still there.
Says = Literal["courtesy", "denial"]


@dataclass(slots=True)
class Act:
    """One thing that happens. `kind` is a canonical event type; `data` holds canonical property names.

    `says` and `says_again` are in no source: what a customer means, who may repeat or rephrase the last message.
    """

    kind: str
    at_ms: int
    data: dict[str, Value] = field(default_factory=dict)
    seq: int = 0
    says_again: SaysAgain | None = None
    says: Says | None = None

    def number(self, name: str) -> int:
        """Return a property that is a whole number. Raises TypeError when it is none."""
        value = self.data[name]
        if not isinstance(value, int):
            raise TypeError(f"act {self.kind}: {name} is {value!r}, not a whole number")
        return value


@dataclass(slots=True)
class Visit:
    """A visit before its messages: source, time and user. `is_running` visits are still going on when the data end."""

    source: str
    started_ms: int
    user_number: int | None
    agent: str
    model: str
    channel: str | None
    device: str
    language: str
    purpose: str
    is_running: bool = False
    is_shown_only: bool = False
    environment: str = "production"


@dataclass(slots=True)
class Conversation:
    """A visit and everything that happens in it, in order of (time, seq)."""

    number: int
    conversation_id: str
    user_id: str | None
    visit: Visit
    situation: str
    acts: list[Act]
    style: int

    @property
    def source(self) -> str:
        """Name of the source that reports the conversation."""
        return self.visit.source

    @property
    def key(self) -> str:
        """conversation_key of the marts: '<namespace>:<conversation_id>'."""
        return f"{NAMESPACES[self.visit.source]}:{self.conversation_id}"

    @property
    def is_production(self) -> bool:
        """False for development traffic, which no metric may count."""
        return self.visit.environment == "production"


@dataclass(slots=True)
class Plan:
    """A whole simulated world. Days are the UTC days [first_day_ms, end_ms)."""

    seed: int
    days: int
    first_day_ms: int
    end_ms: int
    conversations: list[Conversation]


def random_stream(seed: int, *names: str | int) -> random.Random:
    """Open a stream of its own for each purpose, so that a new draw in one place moves nothing elsewhere."""
    return random.Random(":".join(map(str, (seed, *names))))  # noqa: S311 - reproducible, not secret


def landing_source(conversation: Conversation, act: Act) -> str:
    """Name the landing folder of an act: chat tools keep exposures in a table of their own."""
    if act.kind == "experiment_exposure" and conversation.source == "chat_events":
        return EXPOSURE_SOURCE
    return conversation.source
