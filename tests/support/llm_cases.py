"""Conversations, a clock and a labeller for the tests of the LLM step."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.embedded.shipped import classify_by_model, shipped_model
from orchestration.classification.llm.call_log import CallLog
from orchestration.classification.llm.candidates import Candidate
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.running import Dependencies
from orchestration.classification.llm.step import Labeller
from orchestration.configuration.model_prices import Price
from tests.support.llm_server import Action, Answer, LlmServer, Request, answer_text

# A key that no pattern of the redactor knows.
KEY = "open-sesame-to-the-endpoint"
PRICE = Price(0.15, 0.60)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_KINDS = {"c": ("user_message", "customer"), "a": ("agent_message", "agent"), "t": ("tool_called", "tool")}


def talk(name: str, *lines: str) -> Conversation:
    """`c text`, `a text`, `t tool_name` (`t! tool_name` failed) one after the other."""
    messages = []
    for number, line in enumerate(lines, start=1):
        head, _, text = line.partition(" ")
        event_type, role = _KINDS[head[0]]
        is_tool = head[0] == "t"
        messages.append(
            Message(
                f"{name}-e{number}",
                event_type,
                role,  # type: ignore[arg-type]
                "" if is_tool else text,
                number,
                text if is_tool else None,
                is_error=head.endswith("!"),
                is_write=is_tool,
            )
        )
    return Conversation(name, tuple(messages))


def retold(conversation: Conversation, name: str) -> Conversation:
    """Return a conversation of the same text, word for word, with ids of its own."""
    messages = tuple(
        replace(message, event_id=f"{name}-e{number}", seq=10 * number)
        for number, message in enumerate(conversation.messages, start=1)
    )
    return Conversation(name, messages)


def booking(number: int) -> Conversation:
    """Return a short conversation in which a table is booked, different for each number."""
    return talk(
        f"booking-{number}",
        f"c I need a table for {number} in town, at seven",
        "a There is a table at Blue Door at 7 pm. Shall I book it?",
        "c Yes, please do",
        f"a I have booked your table, the reference is KX{number}.",
    )


BOOKING_ANSWER = answer_text(
    problem_identified=("yes", "m2"),
    solution_proposed=("yes", "m2"),
    solution_accepted=("yes", "m3"),
    resolved=("yes", "m4"),
    claimed_resolved=("yes", "m4"),
)


def candidate(conversation: Conversation) -> Candidate:
    (embedded,) = classify_by_model([conversation])
    text = repr([(message.role, message.content) for message in conversation.messages])
    return Candidate(conversation, hashlib.sha256(text.encode()).hexdigest(), embedded)


def candidates(conversations: Sequence[Conversation]) -> list[Candidate]:
    return [candidate(conversation) for conversation in conversations]


def obedient(request: Request) -> Action:
    """Behave as a good endpoint: in the schema, even if a message asks otherwise, and right about bookings."""
    return Answer(answer_text() if request.is_probe else BOOKING_ANSWER)


def after_probe(behaviour: Callable[[Request], Action]) -> Callable[[Request], Action]:
    """Let the probe pass, then behave."""
    return lambda request: obedient(request) if request.is_probe else behaviour(request)


@dataclass
class FakeClock:
    """Time that passes only while the code sleeps; `slept` holds every wait."""

    passed_seconds: float = 0.0
    slept: list[float] = field(default_factory=list)
    start: datetime = NOON

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed_seconds)

    def seconds(self) -> float:
        return self.passed_seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed_seconds += seconds
        await asyncio.sleep(0)


def configuration(server: LlmServer, **changes: Any) -> LlmConfiguration:
    values: dict[str, Any] = {"base_url": server.base_url, "model": "tested", "api_key": SecretStr(KEY)}
    return LlmConfiguration(**(values | {"requests_per_minute": 100_000, "tokens_per_minute": 10**9} | changes))


def labeller(server: LlmServer, log: CallLog, clock: FakeClock | None = None, **changes: Any) -> Labeller:
    """Return a labeller that asks the server; `price`, or any field of the configuration, may be changed."""
    price = changes.pop("price", PRICE)
    dependencies = Dependencies(clock=clock or FakeClock(), rng=random.Random(7))  # noqa: S311
    return Labeller(configuration(server, **changes), price, shipped_model(), log, dependencies)
