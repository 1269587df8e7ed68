"""The outcome of each conversation of a run, and the record of it.

Of conversations with the same excerpt one is asked about, in this run or an earlier one. The answer is checked against
each of them by itself, with messages of its own as evidence. A failure is shared too, so that it is paid for once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestration.classification.embedded.model import Model
from orchestration.classification.llm.answer_evidence import Believed, believe
from orchestration.classification.llm.asking import CIRCUIT_OPEN, Asked
from orchestration.classification.llm.call_log import (
    AnswerRow,
    CacheEntry,
    CallLog,
    CallRow,
    ContentKey,
    DeadLetter,
    Standing,
)
from orchestration.classification.llm.candidate_outcomes import Accounted, LlmSummary, Outcome
from orchestration.classification.llm.candidates import Candidate, ReadCandidate, by_excerpt, read
from orchestration.classification.llm.clock import Clock
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.replies import PASSING, Failure
from orchestration.classification.llm.schema import Said, answer_text, parse_answer
from orchestration.configuration.model_prices import Price

_FIRST_RETRY, _LONGEST_RETRY = timedelta(hours=1), timedelta(hours=24)
_MOST_DEAD_LETTERS = 5

# The answer of a model, and what of it is believed for one conversation.
Told = tuple[Mapping[str, Said], Believed]


@dataclass(frozen=True)
class Terms:
    """The terms of a run: the endpoint and its price, the embedded model, the definition and the log."""

    configuration: LlmConfiguration
    price: Price
    model: Model
    definition_hash: str
    log: CallLog


class Recording:
    """Accounts for the conversations of one run: `accounted` by id, `calls` made, things redacted before sending."""

    def __init__(self, terms: Terms, clock: Clock) -> None:
        self._terms = terms
        self._log = terms.log
        self._clock = clock
        self._standings: dict[ContentKey, Standing] = {}
        self._cached: dict[str, CacheEntry] = {}
        self._uncommitted_calls = 0
        self.accounted: dict[str, Accounted] = {}
        self.calls: list[CallRow] = []
        self.redactions = 0

    def pending(self, candidates: Sequence[Candidate], *, is_relabelling: bool) -> list[Candidate]:
        """Account for those answered before or waiting for another try, and return the others."""
        definition = self._terms.definition_hash
        self._standings = dict(self._log.standings([candidate.key for candidate in candidates], definition))
        pending = []
        now = self._clock.now()
        for candidate in candidates:
            name = candidate.conversation.conversation_id
            standing = self._standings.get(candidate.key, Standing())
            is_answered = definition in standing.answered if is_relabelling else bool(standing.answered)
            is_waiting = standing.dead_letters > 0 and not (standing.next_retry_at and standing.next_retry_at <= now)
            if is_answered:
                self.accounted[name] = Accounted(Outcome.ALREADY_LABELLED)
            elif is_waiting:
                self.accounted[name] = Accounted(Outcome.WAITING, answer=candidate.embedded)
            else:
                pending.append(candidate)
        return pending

    def record_cached(self, pending: Sequence[Candidate]) -> list[list[ReadCandidate]]:
        """Apply the earlier outcomes of excerpts; return the other candidates, grouped by excerpt."""
        groups = by_excerpt(read(self._terms.model, pending))
        self._cached = dict(self._log.cached(groups, self._terms.definition_hash))
        now = self._clock.now()
        due = []
        for excerpt_hash, group in groups.items():
            entry = self._cached.get(excerpt_hash, CacheEntry())
            if entry.answer is not None:
                self._share_answer(group, parse_answer(entry.answer))
            elif (failure := entry.failure_to_share(now)) is not None:
                self._share_failure(group, failure, entry.next_retry_at)
            else:
                due.append(group)
        return due

    def record(self, group: Sequence[ReadCandidate], asked: Asked[Told]) -> None:
        """Apply the outcome for the first of those with the same excerpt to all of them."""
        first, *others = group
        if asked.calls:
            self.redactions += first.excerpt.redaction_count
        if asked.answer is not None:
            said, believed = asked.answer
            self.note(asked.calls, self._answer_row(first, said, believed, asked.calls))
            self._share_answer(others, said)
        elif asked.failure is not None:
            letter = self._dead_letter(first, asked, asked.failure)
            self.accounted[first.conversation_id] = Accounted(
                Outcome.DEAD_LETTERED, letter.reason.value, first.candidate.embedded
            )
            self.note(asked.calls, letter)
            if letter.reason == Failure.DENIED:
                self.leave((one.candidate for one in others), CIRCUIT_OPEN)
            else:
                self._share_failure(others, letter.reason, letter.next_retry_at)
        else:
            self.leave((one.candidate for one in group), asked.blocked or "")
            if asked.calls:
                self.note(asked.calls, None)

    def leave(self, candidates: Iterable[Candidate], reason: str) -> None:
        """Let those without an outcome keep the embedded answer."""
        for candidate in candidates:
            self.accounted.setdefault(
                candidate.conversation.conversation_id, Accounted(Outcome.FALLEN_BACK, reason, candidate.embedded)
            )

    def summary(self, problem: str | None = None) -> LlmSummary:
        """Return the outcome of every conversation, and what it took."""
        return LlmSummary(
            accounted=self.accounted,
            calls=len(self.calls),
            tokens_in=sum(call.tokens_in for call in self.calls),
            tokens_out=sum(call.tokens_out for call in self.calls),
            cost_usd=sum(call.cost_usd for call in self.calls),
            redactions=self.redactions,
            problem=problem,
        )

    def note(self, calls: Sequence[CallRow], outcome: AnswerRow | DeadLetter | None) -> None:
        """Write calls and their outcome down; after so many calls it is committed."""
        self.calls += calls
        self._log.record(calls, outcome)
        self._uncommitted_calls += len(calls)
        if self._uncommitted_calls >= self._terms.configuration.commit_every:
            self._log.commit()
            self._uncommitted_calls = 0

    def _share_answer(self, group: Sequence[ReadCandidate], said: Mapping[str, Said]) -> None:
        for one in group:
            # Of the same excerpt, so nothing is refused; what the whole conversation supports may differ.
            self.note((), self._answer_row(one, said, believed_of(one, said), ()))

    def _share_failure(self, group: Sequence[ReadCandidate], failure: Failure, next_retry_at: datetime | None) -> None:
        for one in group:
            self.accounted[one.conversation_id] = Accounted(
                Outcome.DEAD_LETTERED, failure.value, one.candidate.embedded, is_cache_hit=True
            )
            letter = DeadLetter(
                key=one.candidate.key,
                excerpt_hash=one.excerpt.excerpt_hash,
                definition_hash=self._terms.definition_hash,
                model=self._terms.configuration.model,
                reason=failure,
                detail="another conversation with the same words was asked about in vain",
                attempts=0,
                next_retry_at=next_retry_at,
                raw_response="",
                died_at=self._clock.now(),
            )
            self.note((), letter)

    def _answer_row(
        self, found: ReadCandidate, said: Mapping[str, Said], believed: Believed, calls: Sequence[CallRow]
    ) -> AnswerRow:
        """Account for a conversation as labelled and return its row; without calls it is a cache hit."""
        is_cache_hit = not calls
        self.accounted[found.conversation_id] = Accounted(
            Outcome.LABELLED, answer=believed.answer, needs_review=believed.needs_review, is_cache_hit=is_cache_hit
        )
        return AnswerRow(
            key=found.candidate.key,
            excerpt_hash=found.excerpt.excerpt_hash,
            definition_hash=self._terms.definition_hash,
            model=self._terms.configuration.model,
            answer=answer_text(said),
            is_cache_hit=is_cache_hit,
            believed=believed,
            tokens_in=sum(call.tokens_in for call in calls),
            tokens_out=sum(call.tokens_out for call in calls),
            cost_usd=sum(call.cost_usd for call in calls),
            redaction_count=found.excerpt.redaction_count,
            is_truncated=found.excerpt.is_truncated,
            labelled_at=self._clock.now(),
        )

    def _dead_letter(self, found: ReadCandidate, asked: Asked[Told], failure: Failure) -> DeadLetter:
        excerpt_hash = found.excerpt.excerpt_hash
        earlier = max(
            self._standings.get(found.candidate.key, Standing()).dead_letters,
            self._cached.get(excerpt_hash, CacheEntry()).dead_letters,
        )
        now = self._clock.now()
        next_retry_at = None
        if failure in PASSING | {Failure.DENIED} and earlier + 1 < _MOST_DEAD_LETTERS:
            wait = min(_LONGEST_RETRY, _FIRST_RETRY * 2**earlier)
            next_retry_at = now + max(wait, timedelta(seconds=asked.not_before_seconds or 0))
        return DeadLetter(
            key=found.candidate.key,
            excerpt_hash=excerpt_hash,
            definition_hash=self._terms.definition_hash,
            model=self._terms.configuration.model,
            reason=failure,
            detail=asked.detail,
            attempts=len(asked.calls),
            next_retry_at=next_retry_at,
            raw_response=asked.raw,
            died_at=now,
        )


def read_answer(text: str, found: ReadCandidate) -> Told:
    """Read a reply about a conversation. Raises AnswerError and EvidenceRefusedError."""
    said = parse_answer(text)
    return said, believed_of(found, said)


def believed_of(found: ReadCandidate, said: Mapping[str, Said]) -> Believed:
    """Return what of an answer is believed for one conversation. Raises EvidenceRefusedError."""
    return believe(said, found.excerpt, found.support, found.candidate.embedded)
