"""What the ledger knows of earlier runs of the LLM step."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import duckdb

from orchestration.classification.llm.call_log import CacheEntry, ContentKey, Standing
from orchestration.classification.llm.replies import Failure
from orchestration.ledger.scope import naive


class LedgerHistory:
    """Reads raw.duckdb through a connection that has raw as its current catalog; raises duckdb.Error."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def standings(self, keys: Collection[ContentKey], definition_hash: str) -> Mapping[ContentKey, Standing]:
        """Return what is committed of each content."""
        hashes = [key.content_hash for key in keys]
        answered = dict(
            self._connection.execute(
                """select content_hash, list(distinct definition_hash) from ledger.llm_answers
                where content_hash in (select unnest($hashes::varchar[])) group by all""",
                {"hashes": hashes},
            ).fetchall()
        )
        letters = {
            content_hash: (count, next_retry_at)
            for content_hash, count, next_retry_at in self._connection.execute(
                """select content_hash, count(*), arg_max_null(next_retry_at, failed_at) from ledger.llm_dead_letters
                where definition_hash = $definition and content_hash in (select unnest($hashes::varchar[]))
                group by all""",
                {"definition": definition_hash, "hashes": hashes},
            ).fetchall()
        }
        found = {}
        for key in keys:
            count, next_retry_at = letters.get(key.content_hash, (0, None))
            found[key] = Standing(frozenset(answered.get(key.content_hash, ())), count, _aware(next_retry_at))
        return found

    def cached(self, excerpt_hashes: Collection[str], definition_hash: str) -> Mapping[str, CacheEntry]:
        """Return what is committed of each excerpt."""
        rows = self._connection.execute(
            """
            with wanted as (select unnest($hashes::varchar[]) as excerpt_hash),
            answers as (
                select excerpt_hash, arg_min(answer, answered_at) as answer from ledger.llm_answers
                where definition_hash = $definition and answer is not null and excerpt_hash in (from wanted)
                group by all
            ),
            letters as (
                select
                    excerpt_hash, count_if(attempts > 0) as dead_letters, arg_max(reason, failed_at) as reason,
                    arg_max_null(next_retry_at, failed_at) as next_retry_at
                from ledger.llm_dead_letters
                where definition_hash = $definition and excerpt_hash in (from wanted)
                group by all
            )
            select
                excerpt_hash, answers.answer, coalesce(letters.dead_letters, 0), letters.reason, letters.next_retry_at
            from wanted left join answers using (excerpt_hash) left join letters using (excerpt_hash)
            where answers.answer is not null or letters.reason is not null""",
            {"hashes": list(excerpt_hashes), "definition": definition_hash},
        ).fetchall()
        return {
            excerpt_hash: CacheEntry(answer, count, None if reason is None else Failure(reason), _aware(next_retry_at))
            for excerpt_hash, answer, count, reason, next_retry_at in rows
        }

    def spent_usd(self, since: datetime) -> float:
        """Return what the committed calls from `since` (aware) on have cost."""
        row = self._connection.execute(
            "select coalesce(sum(cost_usd), 0.0) from ledger.llm_calls where called_at >= ?", [naive(since)]
        ).fetchone()
        return float(row[0]) if row else 0.0


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
