"""One question until it is answered: tries, waits, budget, and what every call has cost."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from orchestration.classification.llm.answer_evidence import EvidenceRefusedError
from orchestration.classification.llm.budget import Budget
from orchestration.classification.llm.call_log import CallRow, ContentKey
from orchestration.classification.llm.circuit_breaker import CircuitBreaker
from orchestration.classification.llm.clock import Clock
from orchestration.classification.llm.estimating import TokenEstimate, estimate_tokens
from orchestration.classification.llm.prompt import OUTPUT_TOKENS
from orchestration.classification.llm.rate_limiter import RateLimiter
from orchestration.classification.llm.replies import PASSING, POSSIBLY_BILLED, CallFailedError, Endpoint, Failure, Reply
from orchestration.classification.llm.schema import AnswerError
from orchestration.configuration.model_prices import Price

MOST_TRIES = 5
# A third reply is hardly better than the second, and every reply is paid for.
_MOST_WRONG_ANSWERS = 2
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 30.0
_LONGEST_RETRY_AFTER_SECONDS = 120.0
CIRCUIT_OPEN = "circuit_open"
NOT_ASKED = "not_asked"
_RETRIED = PASSING - {Failure.WRONG_SCHEMA}

T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """A chat, the conversation it is about (None for the startup probe), and how a reply is read.

    `read` raises AnswerError for a reply that is not of the schema, EvidenceRefusedError for one not to be believed.
    """

    key: ContentKey | None
    messages: list[dict[str, str]]
    read: Callable[[str], T]


@dataclass
class Asked(Generic[T]):
    """The outcome of a question: `answer`, or the last `failure`, or `blocked` by a cap or the circuit; and its calls.

    `not_before` is the earliest time at which the server allows another try.
    """

    answer: T | None = None
    failure: Failure | None = None
    detail: str = ""
    blocked: str | None = None
    raw: str = ""
    not_before_seconds: float | None = None
    calls: list[CallRow] = field(default_factory=list)


@dataclass(frozen=True)
class _Attempt:
    """One try: what it may take, and when it began (seconds of the clock, and the time of day)."""

    tokens: TokenEstimate
    max_tokens: int
    most_usd: float
    started: float
    called_at: datetime


class LlmClient:
    """Asks one endpoint; the budget, the pace and the circuit breaker are shared by all questions."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        model: str,
        definition_hash: str,
        price: Price,
        budget: Budget,
        pace: RateLimiter,
        breaker: CircuitBreaker,
        clock: Clock,
        rng: random.Random,
        most_tries: int = MOST_TRIES,
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._definition_hash = definition_hash
        self._price = price
        self._budget = budget
        self._pace = pace
        self._breaker = breaker
        self._clock = clock
        self._rng = rng
        self._most_tries = most_tries

    async def ask(self, question: Question[T]) -> Asked[T]:
        """Ask until there is an answer, a permanent failure, or a reason that forbids another try."""
        asked: Asked[T] = Asked()
        tokens = estimate_tokens(question.messages)
        max_tokens, wrong_answers = OUTPUT_TOKENS, 0
        for number in range(self._most_tries):
            await self._pace.admit(tokens.likely + max_tokens)
            # After the waits: others may have spent the money or opened the circuit meanwhile.
            most_usd = self._price.cost_usd(tokens.most, max_tokens)
            asked.blocked = await self._budget.reserve(most_usd)
            if asked.blocked is None and self._breaker.is_open:
                self._budget.charge(most_usd, 0.0)
                asked.blocked = CIRCUIT_OPEN
            if asked.blocked:
                return asked
            attempt = _Attempt(tokens, max_tokens, most_usd, self._clock.seconds(), self._clock.now())
            await self._try(question, asked, attempt)
            if asked.answer is not None or number == self._most_tries - 1:
                return asked
            if asked.failure == Failure.LENGTH and max_tokens == OUTPUT_TOKENS:
                max_tokens *= 2
            elif asked.failure == Failure.WRONG_SCHEMA and wrong_answers + 1 < _MOST_WRONG_ANSWERS:
                wrong_answers += 1
            elif asked.failure in _RETRIED:
                if not await self._wait(number, asked.not_before_seconds):
                    return asked
            else:
                return asked
        return asked

    async def _try(self, question: Question[T], asked: Asked[T], attempt: _Attempt) -> None:
        status: int | None = 200
        reply: Reply | None = None
        asked.failure = asked.not_before_seconds = None
        try:
            reply = await self._endpoint.complete(question.messages, attempt.max_tokens)
            asked.raw = reply.raw
            asked.answer = _read(question, reply)
        except CallFailedError as error:
            status = error.status
            asked.failure, asked.detail, asked.raw = error.failure, str(error), error.raw
            asked.not_before_seconds = error.retry_after_seconds
        except AnswerError as error:
            asked.failure, asked.detail = Failure.WRONG_SCHEMA, str(error)
        except EvidenceRefusedError as error:
            asked.failure, asked.detail = Failure.EVIDENCE_REFUSED, str(error)
        finally:
            # Also when the run is stopped during the call: it may be billed all the same.
            asked.calls.append(self._row(question.key, asked, attempt, reply, status))
            self._budget.charge(attempt.most_usd, asked.calls[-1].cost_usd)
        self._count(asked)

    def _row(
        self, key: ContentKey | None, asked: Asked[T], attempt: _Attempt, reply: Reply | None, status: int | None
    ) -> CallRow:
        tokens_in, tokens_out, cost_usd, is_estimated = 0, 0, 0.0, False
        if reply is not None and reply.tokens_in is not None and reply.tokens_out is not None:
            tokens_in, tokens_out = reply.tokens_in, reply.tokens_out
            cost_usd = self._price.cost_usd(tokens_in, tokens_out)
        elif reply is not None or asked.failure is None or asked.failure in POSSIBLY_BILLED:
            tokens_in, tokens_out = attempt.tokens.likely, attempt.max_tokens
            cost_usd, is_estimated = attempt.most_usd, True
        return CallRow(
            conversation_id=key.conversation_id if key else None,
            content_hash=key.content_hash if key else None,
            definition_hash=self._definition_hash,
            model=self._model,
            attempt=len(asked.calls) + 1,
            failure=asked.failure,
            http_status=status,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost_usd=cost_usd,
            is_cost_estimated=is_estimated,
            latency_ms=(self._clock.seconds() - attempt.started) * 1000,
            called_at=attempt.called_at,
        )

    def _count(self, asked: Asked[T]) -> None:
        if asked.failure is None:
            self._breaker.succeeded()
        elif asked.failure == Failure.DENIED:
            self._breaker.open(
                f"{asked.detail}: it refuses every call; check COLLOQUY_LLM_BASE_URL, COLLOQUY_LLM_API_KEY, "
                "COLLOQUY_LLM_MODEL and the account behind them"
            )
        else:
            self._breaker.failed(f"{asked.failure} ({asked.detail})")

    async def _wait(self, number: int, retry_after_seconds: float | None) -> bool:
        """Wait before the next try; False when the server wants a pause longer than a run may wait."""
        if retry_after_seconds is None:
            longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**number)
            await self._clock.sleep(self._rng.uniform(0, longest))
            return True
        if retry_after_seconds > _LONGEST_RETRY_AFTER_SECONDS:
            return False
        # The wait holds for all questions: the next admission waits, whichever question it is for.
        self._pace.pause(retry_after_seconds)
        return True


def _read(question: Question[T], reply: Reply) -> T:
    if reply.finish_reason == "length":
        raise CallFailedError(Failure.LENGTH, "the answer was longer than allowed", status=200, raw=reply.raw)
    try:
        return question.read(reply.text)
    except (AnswerError, EvidenceRefusedError):
        raise
    except Exception as error:
        # The call is paid for whatever its answer does to the reader: it is recorded, and counts as one that failed.
        raise AnswerError(f"the answer cannot be read ({type(error).__name__})") from error
