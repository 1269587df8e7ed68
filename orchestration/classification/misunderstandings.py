"""Exchanges the agent did not understand: by its own event, by its text, or by a customer who repeats or rephrases.

And texts by which an agent says that nothing is solved.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import yaml

from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Message
from orchestration.classification.letter_triples import Triples, similarity, triples_of
from orchestration.classification.rephrases.detecting import compare

Signal = Literal["fallback_event", "fallback_text", "rephrase"]
# The order in which they are believed.
SIGNALS: tuple[Signal, ...] = ("fallback_event", "fallback_text", "rephrase")
FALLBACK_EVENT = "fallback_triggered"
# Similarity of letter triples, 0..1.
_LEAST_FALLBACK_SIMILARITY = 0.6
FILE = Path(__file__).with_name("fallback_texts.yml")
_CLAUSE = re.compile(r"[^.,;!?…\n]+")
_SENTENCE = re.compile(r"[^.!?…\n]+")


@dataclass
class Exchange:
    """What a customer writes until the agent has answered, and the answer: one message or several on each side."""

    customer: list[Message] = field(default_factory=list)
    agent: list[Message] = field(default_factory=list)
    fallback_event: Message | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the agent has written anything, or reported that it did not understand."""
        return bool(self.agent) or self.fallback_event is not None


@dataclass(frozen=True)
class Misunderstanding:
    """Why an exchange is taken as not understood, and the event that shows it."""

    signal: Signal
    event_id: str


def exchanges_of(messages: Sequence[Message]) -> list[Exchange]:
    """Return the answered exchanges of a conversation in their order; a greeting before the first customer is none."""
    found: list[Exchange] = []
    for message in messages:
        if message.role == "customer":
            if not found or found[-1].is_answered:
                found.append(Exchange())
            found[-1].customer.append(message)
        elif found and message.role == "agent":
            found[-1].agent.append(message)
        elif found and message.event_type == FALLBACK_EVENT:
            found[-1].fallback_event = message
    return [one for one in found if one.is_answered]


def misunderstanding_of(exchange: Exchange, following: Exchange | None) -> Misunderstanding | None:
    """Return the first signal, in the order of SIGNALS, that an exchange was not understood; None without one.

    `following` is the exchange after it, whose customer may repeat or rephrase the message.
    """
    if exchange.fallback_event is not None:
        return Misunderstanding("fallback_event", exchange.fallback_event.event_id)
    for message in exchange.agent:
        if is_fallback(unwrap(message.content)):
            return Misunderstanding("fallback_text", message.event_id)
    if following is not None and compare(_said(exchange), _said(following)).is_again:
        return Misunderstanding("rephrase", following.customer[0].event_id)
    return None


@lru_cache(maxsize=16_384)
def is_fallback(text: str) -> bool:
    """Whether a sentence of an agent's text is close to one of not having understood, and closer than to any other."""
    return any(_is_close(triples_of(one), "not_understood", "understood") for one in _SENTENCE.findall(text))


@lru_cache(maxsize=16_384)
def is_unsolved(text: str) -> bool:
    """Whether an agent's text says that it has not understood, that it cannot help, or that something failed."""
    clauses = [triples_of(clause) for clause in _CLAUSE.findall(text)]
    return is_fallback(text) or any(_is_close(one, "not_solved", "solved") for one in clauses)


def _is_close(sentence: Triples, kind: str, opposite: str) -> bool:
    closest = max(similarity(sentence, one) for one in _prototypes(kind))
    # A few letters make the opposite of it.
    return closest >= _LEAST_FALLBACK_SIMILARITY and closest > max(
        similarity(sentence, one) for one in _prototypes(opposite)
    )


@cache
def hash_of_fallback_texts() -> str:
    """Return the sha256 (hex) of the shipped texts as they are written."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


@cache
def _prototypes(kind: str) -> tuple[Triples, ...]:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(triples_of(line) for language in content.values() for line in language[kind])


def _said(exchange: Exchange) -> str:
    return " ".join(message.content for message in exchange.customer)
