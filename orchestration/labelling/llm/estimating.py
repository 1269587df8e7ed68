"""How many tokens a call may take, before the endpoint has counted them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.labelling.llm.prices import Price
from orchestration.labelling.llm.prompt import response_format

# Four bytes a token is what English takes; endpoints add some tokens a message and some of them the schema.
_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 16
_SCHEMA_BYTES = len(json.dumps(response_format()))
# What an answer of the schema takes.
TYPICAL_OUTPUT_TOKENS = 90


@dataclass(frozen=True)
class TokenEstimate:
    """Tokens read: what is likely, and the most it can be (no tokenizer makes more tokens than bytes)."""

    likely: int
    most: int


@dataclass(frozen=True)
class RunEstimate:
    """What asking about conversations would likely take."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost_usd: float


def estimate_tokens(messages: Iterable[dict[str, str]]) -> TokenEstimate:
    """Estimate what a chat takes to read, the schema included."""
    sizes = [len(message["content"].encode()) for message in messages]
    size, extra = sum(sizes) + _SCHEMA_BYTES, _TOKENS_PER_MESSAGE * len(sizes)
    return TokenEstimate(size // _BYTES_PER_TOKEN + extra, size + extra)


def estimate_run(chats: Iterable[list[dict[str, str]]], price: Price) -> RunEstimate:
    """Estimate what it costs to ask about each chat once."""
    tokens = [estimate_tokens(chat).likely for chat in chats]
    output = TYPICAL_OUTPUT_TOKENS * len(tokens)
    return RunEstimate(len(tokens), sum(tokens), output, price.cost_usd(sum(tokens), output))
