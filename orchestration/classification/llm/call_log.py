"""What the step writes down, and what it reads about earlier runs: the interface to the ledger."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestration.classification.llm.answer_evidence import Believed
from orchestration.classification.llm.replies import Failure


@dataclass(frozen=True)
class ContentKey:
    """One state of one conversation."""

    conversation_id: str
    content_hash: str


@dataclass(frozen=True)
class CallRow:
    """One request. `failure` None when it brought an answer; a conversation_id of None is the startup probe.

    Where the endpoint did not count (`is_cost_estimated`), tokens are estimates and the cost is the most it can be.
    """

    conversation_id: str | None
    content_hash: str | None
    definition_hash: str
    model: str
    attempt: int
    failure: Failure | None
    http_status: int | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    is_cost_estimated: bool
    latency_ms: float
    called_at: datetime


@dataclass(frozen=True)
class AnswerRow:
    """The labels of one conversation and what all calls for them took.

    `answer` is the model's answer for the excerpt, in words of the schema. An `is_cache_hit` was given for another
    conversation with the same excerpt: it took no call, and its labels name messages of its own.
    """

    key: ContentKey
    excerpt_hash: str
    definition_hash: str
    model: str
    answer: str
    is_cache_hit: bool
    believed: Believed
    tokens_in: int
    tokens_out: int
    cost_usd: float
    redaction_count: int
    is_truncated: bool
    labelled_at: datetime


@dataclass(frozen=True)
class DeadLetter:
    """A conversation that was asked about and got no label; `next_retry_at` None = not again under this definition.

    `raw_response` is the last one: redacted, shortened, without the key. With no `attempts` it was not asked about
    itself: the question about another one with the same excerpt failed.
    """

    key: ContentKey
    excerpt_hash: str
    definition_hash: str
    model: str
    reason: Failure
    detail: str
    attempts: int
    next_retry_at: datetime | None
    raw_response: str
    died_at: datetime


@dataclass(frozen=True)
class Standing:
    """What earlier runs have done about a content: the definitions it was answered under, and its dead letters.

    The dead letters are those under the definition asked for; `next_retry_at` that of the last of them.
    """

    answered: frozenset[str] = frozenset()
    dead_letters: int = 0
    next_retry_at: datetime | None = None


@dataclass(frozen=True)
class CacheEntry:
    """The outcomes for an excerpt so far under one definition, whichever conversations it was sent for.

    `answer` is the first one, in words of the schema. `dead_letters` counts how often the question failed,
    `failure` and `next_retry_at` are those of the last time.
    """

    answer: str | None = None
    dead_letters: int = 0
    failure: Failure | None = None
    next_retry_at: datetime | None = None

    def failure_to_share(self, now: datetime) -> Failure | None:
        """Return why it is not asked about now, None when it may be."""
        is_due = self.next_retry_at is not None and self.next_retry_at <= now
        # A refused key is no failure of the excerpt.
        is_of_excerpt = self.failure is not None and self.failure != Failure.DENIED
        return self.failure if is_of_excerpt and self.answer is None and not is_due else None


class AnswerCache(Protocol):
    """Knows the outcomes of excerpts."""

    def cached(self, excerpt_hashes: Collection[str], definition_hash: str) -> Mapping[str, CacheEntry]:
        """Return what is committed of each excerpt; those never asked about may be left out."""


class CallLog(AnswerCache, Protocol):
    """Keeps what was asked and answered; nothing is kept before `commit`."""

    def standings(self, keys: Collection[ContentKey], definition_hash: str) -> Mapping[ContentKey, Standing]:
        """Return what is committed of each content; those never asked about may be left out."""

    def spent_usd(self, since: datetime) -> float:
        """Return what the committed calls from `since` on have cost."""

    def record(self, calls: Sequence[CallRow], outcome: AnswerRow | DeadLetter | None) -> None:
        """Take the calls about one conversation and their outcome; they are committed together or not at all.

        An answer or a dead letter without calls is one shared with another conversation.
        """

    def commit(self) -> None:
        """Keep everything recorded so far."""


class MemoryLog:
    """A log that lasts as long as the process: for trying out and for tests."""

    def __init__(self) -> None:
        self.calls: list[CallRow] = []
        self.answers: list[AnswerRow] = []
        self.dead_letters: list[DeadLetter] = []
        self.commits = 0
        self._pending: list[tuple[Sequence[CallRow], AnswerRow | DeadLetter | None]] = []

    def standings(self, keys: Collection[ContentKey], definition_hash: str) -> Mapping[ContentKey, Standing]:
        """Return what is committed of each content."""
        found = {}
        for key in keys:
            letters = [one for one in self.dead_letters if one.key == key and one.definition_hash == definition_hash]
            answered = frozenset(one.definition_hash for one in self.answers if one.key == key)
            found[key] = Standing(answered, len(letters), letters[-1].next_retry_at if letters else None)
        return found

    def cached(self, excerpt_hashes: Collection[str], definition_hash: str) -> Mapping[str, CacheEntry]:
        """Return what is committed of each excerpt."""
        found = {}
        for one in excerpt_hashes:
            answers = [
                row.answer for row in self.answers if (row.excerpt_hash, row.definition_hash) == (one, definition_hash)
            ]
            letters = [
                row for row in self.dead_letters if (row.excerpt_hash, row.definition_hash) == (one, definition_hash)
            ]
            last = letters[-1] if letters else None
            found[one] = CacheEntry(
                answers[0] if answers else None,
                sum(letter.attempts > 0 for letter in letters),
                last.reason if last else None,
                last.next_retry_at if last else None,
            )
        return found

    def spent_usd(self, since: datetime) -> float:
        """Return what the committed calls from `since` on have cost."""
        return sum(call.cost_usd for call in self.calls if call.called_at >= since)

    def record(self, calls: Sequence[CallRow], outcome: AnswerRow | DeadLetter | None) -> None:
        """Take the calls about one conversation and their outcome."""
        self._pending.append((calls, outcome))

    def commit(self) -> None:
        """Keep everything recorded so far."""
        for calls, outcome in self._pending:
            self.calls += calls
            if isinstance(outcome, AnswerRow):
                self.answers.append(outcome)
            elif outcome is not None:
                self.dead_letters.append(outcome)
        self._pending.clear()
        self.commits += 1
