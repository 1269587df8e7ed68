"""Batches in the ledger: reserved before they are submitted, so that a killed run neither loses nor repeats one."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import duckdb

from orchestration.ledger.content import StoredConversation
from orchestration.ledger.label_writing import Labelling, append_rows
from orchestration.ledger.scope import naive


class BatchState(StrEnum):
    """How far a batch has come; the rows of a batch follow each other in this order."""

    RESERVED = "reserved"
    SUBMITTED = "submitted"
    ENDED = "ended"


@dataclass(frozen=True)
class Reservation:
    """A batch that has not ended. `batch_id` None: it is not recorded whether the provider has it."""

    reservation_id: str
    batch_id: str | None
    model: str
    definition_hash: str
    requests: int
    most_usd: float
    excerpt_hashes: frozenset[str]


class BatchLedger:
    """Reads and writes the batches; `connection` has raw as its current catalog and no transaction open."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, labelling: Labelling) -> None:
        self._connection = connection
        self._labelling = labelling

    def open_reservations(self) -> list[Reservation]:
        """Return the batches that have not ended, oldest first."""
        rows = self._connection.execute(
            """
            with reserved as (from ledger.llm_batches where state = 'reserved'),
            submitted as (
                select reservation_id, any_value(batch_id) as batch_id
                from ledger.llm_batches where state = 'submitted' group by all
            ),
            asked as (
                select reservation_id, list(distinct excerpt_hash) as excerpt_hashes
                from ledger.llm_batch_requests group by all
            )
            select
                reservation_id, submitted.batch_id, reserved.model, reserved.definition_hash, reserved.requests,
                reserved.most_usd, asked.excerpt_hashes
            from reserved
            left join submitted using (reservation_id)
            inner join asked using (reservation_id)
            where reservation_id not in (select reservation_id from ledger.llm_batches where state = 'ended')
            order by reserved.happened_at, reservation_id"""
        ).fetchall()
        return [
            Reservation(name, batch_id, model, definition, requests, most_usd, frozenset(excerpts))
            for name, batch_id, model, definition, requests, most_usd, excerpts in rows
        ]

    def reserve(
        self,
        questions: Mapping[str, Sequence[StoredConversation]],
        *,
        model: str,
        definition_hash: str,
        most_usd: float,
        now: datetime,
    ) -> Reservation:
        """Write down what is about to be submitted: the conversations by the excerpt they share."""
        name = str(uuid.uuid4())
        made = Reservation(name, None, model, definition_hash, len(questions), most_usd, frozenset(questions))
        rows = [
            {
                "reservation_id": name,
                "source": stored.source,
                "conversation_id": stored.conversation_id,
                "content_hash": stored.content_hash,
                "excerpt_hash": excerpt_hash,
                "_load_id": self._labelling.load_id,
            }
            for excerpt_hash, group in questions.items()
            # All of them: when one is erased, the others still wait for the answer.
            for stored in group
        ]
        self._connection.execute("begin")
        append_rows(self._connection, "llm_batch_requests", rows)
        append_rows(self._connection, "llm_batches", [self._row(made, BatchState.RESERVED, "", now)])
        self._connection.execute("commit")
        return made

    def submitted(self, reservation: Reservation, batch_id: str, now: datetime) -> Reservation:
        """Write down the id the provider gave."""
        known = replace(reservation, batch_id=batch_id)
        append_rows(self._connection, "llm_batches", [self._row(known, BatchState.SUBMITTED, "", now)])
        return known

    def ended(self, reservation: Reservation, outcome: str, now: datetime) -> dict[str, object]:
        """Return the row of `llm_batches` that marks a batch as ended; it goes with what was taken in.

        `outcome` is the provider's word or `never_submitted`.
        """
        return self._row(reservation, BatchState.ENDED, outcome, now)

    def _row(self, reservation: Reservation, state: BatchState, outcome: str, now: datetime) -> dict[str, object]:
        return {
            "reservation_id": reservation.reservation_id,
            "state": state.value,
            "batch_id": reservation.batch_id,
            "outcome": outcome or None,
            "model": reservation.model,
            "definition_hash": reservation.definition_hash,
            "requests": reservation.requests,
            "most_usd": reservation.most_usd,
            "run_id": self._labelling.run_id,
            "happened_at": naive(now),
            "_load_id": self._labelling.load_id,
        }
