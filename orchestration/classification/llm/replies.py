"""What comes back from an endpoint: a reply, or one of the ways a call fails."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Failure(StrEnum):
    """Why a conversation got no label from the LLM."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    CONNECTION_CUT = "connection_cut"
    BROKEN_RESPONSE = "broken_response"
    TOO_LARGE = "too_large"
    WRONG_SCHEMA = "wrong_schema"
    LENGTH = "length"
    EVIDENCE_REFUSED = "evidence_refused"
    REQUEST_REFUSED = "request_refused"
    DENIED = "denied"


# It is unknown whether the endpoint bills a call whose answer did not arrive.
POSSIBLY_BILLED = frozenset({Failure.TIMED_OUT, Failure.CONNECTION_CUT, Failure.BROKEN_RESPONSE, Failure.TOO_LARGE})
# Worth another try after a while; the others would fail in the same way.
PASSING = frozenset(
    {
        *(Failure.RATE_LIMITED, Failure.SERVER_ERROR, Failure.TIMED_OUT, Failure.CONNECTION_CUT),
        *(Failure.BROKEN_RESPONSE, Failure.TOO_LARGE, Failure.WRONG_SCHEMA),
    }
)


# More than any context that is sold: a mistake of the endpoint, which no budget could count.
MOST_TOKENS = 100_000_000


@dataclass(frozen=True)
class Reply:
    """What the model wrote, why it stopped, and the tokens the endpoint counted (None when it reports none).

    `raw` is the response as it may be kept: redacted, shortened, without the key.
    """

    text: str
    finish_reason: str
    tokens_in: int | None
    tokens_out: int | None
    raw: str


class CallFailedError(Exception):
    """A call without a reply; the message is fit to be shown and never holds the key.

    `retry_after_seconds` is what the server asks for, `raw` its response as it may be kept.
    """

    def __init__(
        self,
        failure: Failure,
        message: str,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        raw: str = "",
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.raw = raw


class Endpoint(Protocol):
    """Answers chats."""

    async def complete(self, messages: list[dict[str, str]], max_tokens: int) -> Reply:
        """Return the reply. Raises CallFailedError for every way a call can fail."""


def read_reply(body: str, raw: str) -> Reply:
    """Read the body of a chat completion. Raises CallFailedError when it is not one."""
    try:
        content = json.loads(body)
        (choice, *_) = content["choices"]
        text = choice["message"].get("content")
        finish_reason = str(choice.get("finish_reason") or "stop")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CallFailedError(
            Failure.BROKEN_RESPONSE, "the response is no chat completion", status=200, raw=raw
        ) from error
    usage = content.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        text if isinstance(text, str) else "",
        finish_reason,
        # No chat has none: an endpoint that reports 0 does not count.
        _count(usage.get("prompt_tokens")) or None,
        _count(usage.get("completion_tokens")),
        raw,
    )


def _count(value: Any) -> int | None:  # noqa: ANN401 - parsed JSON
    """Return a count of tokens; None for what cannot be one, so that the call counts with its estimate."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if is_count else None
