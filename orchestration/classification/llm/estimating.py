"""How many tokens a call may take, before the endpoint has counted them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.classification.llm.prompt import response_format
from orchestration.configuration.model_prices import Price

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
    """What asking about conversations would likely take; `cache_hits` of them need no call."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    cache_hits: int = 0

    def plus(self, other: "RunEstimate") -> "RunEstimate":
        """Return what both take together."""
        return RunEstimate(
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.cost_usd + other.cost_usd,
            self.cache_hits + other.cache_hits,
        )


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
