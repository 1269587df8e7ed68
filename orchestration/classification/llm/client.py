"""The endpoint behind the openai SDK; the only place that knows it, and the only one that holds the key."""

import asyncio
import email.utils
import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from orchestration.classification.llm.clock import Clock
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.prompt import request_body
from orchestration.classification.llm.replies import CallFailedError, Failure, Reply, read_reply
from orchestration.redaction.redactor import redact

if TYPE_CHECKING:
    from openai import APIStatusError

# The SDK refuses an empty key; self-hosted servers ask for none.
_NO_KEY = "none"
_MOST_RAW_CHARACTERS = 4_000
_MOST_READ_CHARACTERS = 100_000
_DENIED = frozenset({401, 402, 403, 404})
_PASSING = frozenset({408, 409, 425})
_OUT_OF_MONEY = "insufficient_quota"


class OpenAiEndpoint(AbstractAsyncContextManager["OpenAiEndpoint"]):
    """An OpenAI-compatible endpoint, as a context that holds its connections.

    Redirects are not followed: the texts go to the configured endpoint and nowhere else. The SDK's own retries are
    off, and so is everything it would take from variables of its own (another key, an organisation).
    """

    def __init__(self, configuration: LlmConfiguration, clock: Clock) -> None:
        # Imported here: it takes a second, and most runs call no endpoint.
        from openai import AsyncOpenAI  # noqa: PLC0415

        from orchestration.classification.llm.bounded_client import BoundedClient  # noqa: PLC0415

        key = configuration.api_key.get_secret_value() if configuration.api_key else ""
        self._key = key
        self._configuration = configuration
        self._clock = clock
        self._client = AsyncOpenAI(
            api_key=key or _NO_KEY,
            base_url=configuration.base_url,
            timeout=configuration.timeout_seconds,
            max_retries=0,
            http_client=BoundedClient(
                follow_redirects=False,
                timeout=configuration.timeout_seconds,
                # A server on this machine is not behind the proxy of the network.
                trust_env=not _is_loopback(configuration.base_url),
            ),
        )
        # Imported with the first use: that would count as the first answer's time.
        self._completions = self._client.chat.completions.with_raw_response
        self._client.organization = self._client.project = self._client.admin_api_key = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def complete(self, messages: list[dict[str, str]], max_tokens: int) -> Reply:
        """Return the reply. Raises CallFailedError for every way a call can fail."""
        async with self._failures():
            body = request_body(self._configuration.model, messages, max_tokens)
            response = await self._completions.create(**cast(Any, body))
        return read_reply(response.text, self._kept(response.text))

    @asynccontextmanager
    async def _failures(self) -> AsyncIterator[None]:
        """Turn every way a call can fail into CallFailedError."""
        import openai  # noqa: PLC0415

        from orchestration.classification.llm.bounded_client import UnboundedAnswerError  # noqa: PLC0415

        try:
            # The SDK's limit is for each read; a server that sends byte by byte would hold a call for ever.
            async with asyncio.timeout(self._configuration.timeout_seconds):
                yield
        except (openai.APITimeoutError, TimeoutError):
            raise CallFailedError(
                Failure.TIMED_OUT, f"no answer within {self._configuration.timeout_seconds:g} seconds"
            ) from None
        except openai.APIStatusError as error:
            # Without the cause: the SDK's errors hold the request and its key.
            raise self._status_error(error) from None
        except openai.APIConnectionError as error:
            raise CallFailedError(
                Failure.CONNECTION_CUT, f"no connection ({type(error.__cause__ or error).__name__})"
            ) from None
        except UnboundedAnswerError as error:
            raise CallFailedError(Failure.TOO_LARGE, f"the endpoint sent {error}", status=200) from None
        except (openai.OpenAIError, AttributeError, RecursionError, TypeError, ValueError) as error:
            # The SDK reads what other calls than those for a chat return, and takes it for what it should be.
            raise CallFailedError(
                Failure.BROKEN_RESPONSE, f"the response cannot be read ({type(error).__name__})", status=200
            ) from None

    def _status_error(self, error: "APIStatusError") -> CallFailedError:
        status, body = error.status_code, error.response.text
        failure = failure_of(status, is_out_of_money=error.code == _OUT_OF_MONEY)
        wait = retry_after_seconds(error.response.headers, self._clock) if status >= 429 else None
        return CallFailedError(failure, f"the endpoint answered {status}", status, wait, self._kept(body))

    def _kept(self, body: str) -> str:
        """Return a response as it may be kept: an echo from the server must hold neither the key nor redacted text."""
        body = body.replace(self._key, "[key]") if self._key else body
        return redact(body[:_MOST_READ_CHARACTERS]).text[:_MOST_RAW_CHARACTERS]


def failure_of(status: int, *, is_out_of_money: bool = False) -> Failure:
    """Return what a status other than 200 means."""
    if status in _DENIED or is_out_of_money:
        return Failure.DENIED
    if status == 429:
        return Failure.RATE_LIMITED
    if status >= 500 or status in _PASSING:
        return Failure.SERVER_ERROR
    return Failure.REQUEST_REFUSED


def retry_after_seconds(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return the wait a server asks for (seconds, milliseconds or a date), None when it names none that is readable."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        if value.strip().isdigit():
            return float(value)
        until = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - clock.now()).total_seconds())


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
