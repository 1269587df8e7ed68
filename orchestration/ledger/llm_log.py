"""The ledger as the LLM step sees it: calls, labels and dead letters, committed together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from orchestration.classification.conversation import StageAnswer
from orchestration.classification.llm.answer_evidence import Believed
from orchestration.classification.llm.call_log import AnswerRow, CallRow, DeadLetter
from orchestration.configuration.label_stages import CLAIMED_RESOLVED
from orchestration.ledger.content import StoredConversation
from orchestration.ledger.label_evidence import shown_labels
from orchestration.ledger.label_writing import LabelledConversation, Labelling, append_rows, label_row
from orchestration.ledger.llm_history import LedgerHistory
from orchestration.ledger.scope import naive

_ANSWERED = "answered"
_Row = dict[str, object]


class LedgerLog(LedgerHistory):
    """A CallLog over raw.duckdb for the conversations of one part of a run; the caller holds the lock.

    `labelling` names the embedded labeller, whose answer stays where the LLM's is not believed: such a row carries its
    name. `connection` has raw as its current catalog and no transaction open. Commits raise duckdb.Error, and keep
    what was recorded for the next one.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        labelling: Labelling,
        conversations: Mapping[str, StoredConversation],
    ) -> None:
        super().__init__(connection)
        self._labelling = labelling
        self._conversations = conversations
        self._pending: dict[str, list[_Row]] = {}

    def record(self, calls: Sequence[CallRow], outcome: AnswerRow | DeadLetter | None) -> None:
        """Take the calls about one conversation and their outcome."""
        self.keep("llm_calls", [self._call(call) for call in calls])
        if isinstance(outcome, AnswerRow):
            self.keep("stage_labels", self._label_rows(outcome))
            self.keep("llm_answers", [self._answer(outcome)])
        elif outcome is not None:
            self.keep("llm_dead_letters", [self._dead_letter(outcome)])

    def commit(self) -> None:
        """Keep everything recorded so far, or nothing of it."""
        if not any(self._pending.values()):
            return
        self._connection.execute("begin")
        try:
            for table, rows in self._pending.items():
                append_rows(self._connection, table, rows)
            self._connection.execute("commit")
        except duckdb.Error:
            self._connection.execute("rollback")
            raise
        self._pending.clear()

    def keep(self, table: str, rows: Sequence[_Row]) -> None:
        """Take rows of a table of the ledger; they are committed with everything else."""
        self._pending.setdefault(table, []).extend(rows)

    def _call(self, call: CallRow) -> _Row:
        return {
            **self._identity(call.conversation_id),
            "model": call.model,
            "definition_hash": call.definition_hash,
            "content_hash": call.content_hash,
            "attempt": call.attempt,
            "outcome": call.failure.value if call.failure else _ANSWERED,
            "http_status": call.http_status,
            "tokens_in": call.tokens_in,
            "tokens_out": call.tokens_out,
            "cost_usd": call.cost_usd,
            "latency_ms": round(call.latency_ms),
            "called_at": naive(call.called_at),
            "is_cost_estimated": call.is_cost_estimated,
        }

    def _label_rows(self, answer: AnswerRow) -> list[_Row]:
        stored = self._conversations[answer.key.conversation_id]
        labels = shown_labels(stored, _quoted(answer.believed))
        needs_review = answer.believed.needs_review or any(shown.is_refused for shown in labels.values())
        one = LabelledConversation(stored, answer.key.content_hash, labels, needs_review)
        # `greeted` is a fact to the LLM step; where its answer is not believed, the embedded model's label stays.
        of_model = {"greeted", *answer.believed.kept}
        said = {
            "classifier_kind": "llm",
            "model": answer.model,
            "definition_hash": answer.definition_hash,
        }
        common = {
            "redaction_count": stored.redaction_count + answer.redaction_count,
            "is_truncated": answer.is_truncated,
            "is_cache_hit": answer.is_cache_hit,
            "labelled_at": naive(answer.labelled_at),
        }
        # In one row of the six, so that sums are right.
        spent = {"tokens_in": answer.tokens_in, "tokens_out": answer.tokens_out, "cost_usd": answer.cost_usd}
        return [
            label_row(self._labelling, one, stage, shown)
            | common
            | ({} if stage in of_model else said)
            | (spent if stage == "resolved" else {})
            for stage, shown in labels.items()
        ]

    def _answer(self, answer: AnswerRow) -> _Row:
        return {
            **self._identity(answer.key.conversation_id),
            "model": answer.model,
            "definition_hash": answer.definition_hash,
            "content_hash": answer.key.content_hash,
            "excerpt_hash": answer.excerpt_hash,
            "answer": answer.answer,
            "is_cache_hit": answer.is_cache_hit,
            "answered_at": naive(answer.labelled_at),
        }

    def _dead_letter(self, letter: DeadLetter) -> _Row:
        return {
            **self._identity(letter.key.conversation_id),
            "model": letter.model,
            "definition_hash": letter.definition_hash,
            "content_hash": letter.key.content_hash,
            "reason": letter.reason.value,
            "attempts": letter.attempts,
            "next_retry_at": None if letter.next_retry_at is None else naive(letter.next_retry_at),
            "raw_response": letter.raw_response,
            "failed_at": naive(letter.died_at),
            "detail": letter.detail,
            "excerpt_hash": letter.excerpt_hash,
        }

    def _identity(self, conversation_key: str | None) -> _Row:
        """Name the conversation as raw does, so that an erasure finds it; the first question is about none."""
        stored = None if conversation_key is None else self._conversations[conversation_key]
        return {
            "source": stored.source if stored else None,
            "conversation_id": stored.conversation_id if stored else None,
            "run_id": self._labelling.run_id,
            "_load_id": self._labelling.load_id,
        }


def _quoted(believed: Believed) -> StageAnswer:
    """Put the words that show something next to each label."""
    answer = believed.answer
    labels = {
        stage: replace(label, evidence_quote=believed.quotes.get(stage) or None)
        for stage, label in answer.labels.items()
    }
    claimed = replace(answer.claimed_resolved, evidence_quote=believed.quotes.get(CLAIMED_RESOLVED) or None)
    return replace(answer, labels=labels, claimed_resolved=claimed)
