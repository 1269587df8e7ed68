"""What the ledger knows of an excerpt: the first answer of the definition asked for, and the last failure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration.classification.llm.call_log import CacheEntry
from orchestration.classification.llm.replies import Failure
from orchestration.ledger.llm_history import LedgerHistory
from orchestration.warehouse.raw_tables import open_raw

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_first_answer_and_the_last_failure_of_one_definition(tmp_path: Path) -> None:
    with open_raw(tmp_path / "raw.duckdb") as connection:
        answers = [
            ("d", "twice", "second", 2),
            ("d", "twice", "first", 1),
            ("other", "elsewhere", "not asked for", 1),
            # An erased person, and a row from before answers were kept.
            ("d", "erased", None, 1),
            ("d", None, None, 1),
            ("d", "late", "yes", 9),
        ]
        for definition, excerpt, answer, hours in answers:
            connection.execute(
                """insert into ledger.llm_answers (definition_hash, excerpt_hash, answer, answered_at)
                values (?, ?, ?, ?)""",
                [definition, excerpt, answer, (NOON + timedelta(hours=hours)).replace(tzinfo=None)],
            )
        letters = [
            ("d", "failed", "server_error", 5, 1, 2),
            ("d", "failed", "server_error", 0, 1, 2),
            ("d", "failed", "timed_out", 5, 2, 4),
            ("d", "given up", "server_error", 5, 1, 2),
            ("d", "given up", "length", 2, 3, None),
            ("d", "late", "timed_out", 5, 1, 2),
            ("other", "elsewhere", "length", 2, 1, None),
        ]
        for definition, excerpt, reason, attempts, failed, again in letters:
            connection.execute(
                """insert into ledger.llm_dead_letters
                (definition_hash, excerpt_hash, reason, attempts, failed_at, next_retry_at)
                values (?, ?, ?, ?, ?, ?)""",
                [
                    *(definition, excerpt, reason, attempts, (NOON + timedelta(hours=failed)).replace(tzinfo=None)),
                    None if again is None else (NOON + timedelta(hours=again)).replace(tzinfo=None),
                ],
            )
        wanted = ["twice", "elsewhere", "erased", "late", "failed", "given up", "unheard of"]
        assert LedgerHistory(connection).cached(wanted, "d") == {
            "twice": CacheEntry("first"),
            "late": CacheEntry("yes", 1, Failure.TIMED_OUT, NOON + timedelta(hours=2)),
            "failed": CacheEntry(None, 2, Failure.TIMED_OUT, NOON + timedelta(hours=4)),
            "given up": CacheEntry(None, 2, Failure.LENGTH, None),
        }
        assert LedgerHistory(connection).cached(["late"], "d").keys() == {"late"}


def test_a_failure_is_shared_while_it_is_not_time() -> None:
    waiting = CacheEntry(None, 1, Failure.TIMED_OUT, NOON)
    assert waiting.failure_to_share(NOON - timedelta(seconds=1)) == Failure.TIMED_OUT
    assert waiting.failure_to_share(NOON) is None
    assert CacheEntry(None, 1, Failure.LENGTH, None).failure_to_share(NOON) == Failure.LENGTH
    assert CacheEntry("yes", 1, Failure.LENGTH, None).failure_to_share(NOON) is None
    assert CacheEntry(None, 1, Failure.DENIED, None).failure_to_share(NOON) is None
