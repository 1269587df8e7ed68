"""Landed conversations that the shipped model is not sure of, and an endpoint that is right about them."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.classification.conversation import Conversation, Message, Role
from orchestration.classification.llm.running import Dependencies
from orchestration.ledger.llm_labelling import LlmStep
from tests.support.llm_cases import PRICE, FakeClock, configuration
from tests.support.llm_server import Action, Answer, LlmServer, Request, answer_text

NO_OWN_MODEL = Path("no-own-model")
PROPOSED, THANKED = "You could turn the valve a little to the left.", "hm, maybe"
ANSWER = answer_text(problem_identified=("yes", "m2"), solution_proposed=("yes", "m2"))
# What the server counts of an answer, in USD.
USD_PER_ANSWER = PRICE.cost_usd(800, 90)
# The only text with the number.
_NUMBER = re.compile(r"The light blinks, number (\d+)\.")


def said(name: str, minute: int, event_type: str, text: str = "", **properties: Any) -> dict[str, Any]:
    """Return one event of a conversation, on the first of June."""
    return {
        "event_id": f"{name}-{minute}",
        "conversation_id": name,
        "event_type": event_type,
        "timestamp": f"2025-06-01T10:{minute:02}:00Z",
        "properties": ({"content": text} if text else {}) | properties,
    }


def unsure(name: str, number: int = 1) -> list[dict[str, Any]]:
    """Return a conversation of which the model cannot tell whether the proposal was accepted; it ends in minute 9."""
    return [*unsure_so_far(name, number), said(name, 9, "conversation_ended")]


def unsure_so_far(name: str, number: int = 1) -> list[dict[str, Any]]:
    """Return the same without its end."""
    texts = (("user", f"The light blinks, number {number}."), ("agent", PROPOSED), ("user", THANKED))
    told = [said(name, minute, f"{role}_message", text) for minute, (role, text) in enumerate(texts)]
    return [*told, said(name, 3, "agent_message", "That should do it then.")]


def sure(name: str) -> list[dict[str, Any]]:
    """Return a conversation of which the model is sure."""
    texts = (
        ("user", "I cannot find the parcel that I ordered for my mother last week."),
        ("agent", "Would you like me to send you a new one?"),
        ("user", "Yes, that works for me, thank you."),
        ("agent", "I have sent you a new one, it is on the way."),
    )
    told = [said(name, minute, f"{role}_message", text) for minute, (role, text) in enumerate(texts)]
    return [*told, said(name, 9, "conversation_ended")]


def conversation_of(name: str, talk: list[dict[str, Any]]) -> Conversation:
    """Return the messages of a conversation as a classifier sees them."""
    roles: dict[str, Role] = {"user_message": "customer", "agent_message": "agent"}
    messages = (
        Message(line["event_id"], line["event_type"], roles[line["event_type"]], line["properties"]["content"], seq)
        for seq, line in enumerate(talk)
        if line["event_type"] in roles
    )
    return Conversation(name, tuple(messages))


def right(request: Request) -> Action:
    """Keep to the schema, and answer that something was proposed and nothing more."""
    return Answer(answer_text() if request.is_probe else ANSWER)


def number_of(request: Request) -> int:
    """Return the number of the conversation a request is about."""
    found = _NUMBER.search(request.user_text)
    assert found, request.user_text
    return int(found[1])


def asking(server: LlmServer, clock: FakeClock, most_conversations: int = 5_000, **changes: Any) -> LlmStep:
    """Return the step that asks the server, with no waits; `changes` are those of its configuration."""
    return LlmStep(
        configuration(server, **changes),
        PRICE,
        NO_OWN_MODEL,
        Dependencies(clock=clock, rng=random.Random(7)),  # noqa: S311
        most_conversations,
    )


def unless(fails: Callable[[Request], Action | None]) -> Callable[[Request], Action]:
    """Be right where `fails` returns nothing; the first question always passes."""
    return lambda request: right(request) if request.is_probe else fails(request) or right(request)
