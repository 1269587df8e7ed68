"""The raw tables as this release makes them; `migrations` brings older ones to the same shape."""

from pathlib import Path

import duckdb

from orchestration.warehouse.migrations import migrate, open_refusal, record_layout
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.source_contracts import LINEAGE_COLUMNS, SOURCES, content_columns

_OTHERS = {
    "message_texts": {
        "source": "VARCHAR",
        "event_id": "VARCHAR",
        "content": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "_load_id": "BIGINT",
    },
    # Of the messages whose published text differs from the original; those of other redactors are redacted again.
    "message_redactions": {
        "source": "VARCHAR",
        "event_id": "VARCHAR",
        "content": "VARCHAR",
        "redaction_count": "BIGINT",
        "redactor_version": "BIGINT",
        "_load_id": "BIGINT",
    },
    # One row: the newest load whose messages have been through the redactor.
    "redaction_progress": {"redactor_version": "BIGINT", "through_load_id": "BIGINT"},
    # The people who asked to be forgotten: keyed hashes of ids, and what stands in their place.
    "suppressions": {
        "key_hash": "VARCHAR",
        "scope": "VARCHAR",
        "id_namespace": "VARCHAR",
        "surrogate": "VARCHAR",
        "id_length": "BIGINT",
        "key_check": "VARCHAR",
        "is_rewritten": "BOOLEAN",
    },
    "rejected_events": {
        "source": "VARCHAR",
        "_file": "VARCHAR",
        "_line": "BIGINT",
        "reason": "VARCHAR",
        "line": "VARCHAR",
        "line_bytes": "BIGINT",
        "line_sha256": "VARCHAR",
        "_load_id": "BIGINT",
        "_loaded_at": "TIMESTAMP",
    },
    "loaded_files": {
        "file": "VARCHAR",
        "source": "VARCHAR",
        "size_bytes": "BIGINT",
        "modified_ns": "BIGINT",
        "sha256": "VARCHAR",
        "lines": "BIGINT",
        "accepted": "BIGINT",
        "rejected": "BIGINT",
        "duplicates": "BIGINT",
        "reread": "BIGINT",
        "load_id": "BIGINT",
        "loaded_at": "TIMESTAMP",
        "identity": "VARCHAR",
    },
    # What people did to raw tables apart from landing: rebuild, reload, exclude, erase, retention, relabel, judge.
    # `detail` is a JSON object without personal data.
    "operations": {
        "operation": "VARCHAR",
        "performed_at": "TIMESTAMP",
        "load_id": "BIGINT",
        "detail": "VARCHAR",
    },
    # Conversations whose raw rows an operation changed or removed: the next build recomputes them.
    "repaired_conversations": {
        "source": "VARCHAR",
        "conversation_id": "VARCHAR",
        "load_id": "BIGINT",
        "operation": "VARCHAR",
    },
    "pending_files": {
        "file": "VARCHAR",
        "source": "VARCHAR",
        "size_bytes": "BIGINT",
        "modified_ns": "BIGINT",
        "pending_since": "TIMESTAMP",
        "cause": "VARCHAR",
    },
}

# The labels of classifiers and people, append-only; nothing but orchestration/classification writes here. A
# conversation is known by (source, conversation_id), as in raw, so that an erasure finds it.
_LEDGER = {
    # One row per labelling, conversation and stage, or `claimed_resolved` for what the agent's side claims.
    "stage_labels": {
        "source": "VARCHAR",
        "conversation_id": "VARCHAR",
        "stage": "VARCHAR",
        "reached": "BOOLEAN",
        "evidence_source": "VARCHAR",
        "evidence_event_id": "VARCHAR",
        "evidence_quote": "VARCHAR",
        "confidence": "DOUBLE",
        "classifier_kind": "VARCHAR",
        "model": "VARCHAR",
        "definition_hash": "VARCHAR",
        "content_hash": "VARCHAR",
        "tokens_in": "BIGINT",
        "tokens_out": "BIGINT",
        "cost_usd": "DOUBLE",
        "is_cache_hit": "BOOLEAN",
        "redaction_count": "BIGINT",
        "is_truncated": "BOOLEAN",
        "needs_review": "BOOLEAN",
        "is_unsure": "BOOLEAN",
        "run_id": "VARCHAR",
        "labelled_at": "TIMESTAMP",
        "_load_id": "BIGINT",
    },
    # One row per labelling and message of a customer. Of each kind the label its words show, or `unknown`, and how much
    # of a phrase was found, 0..1; a sentiment, -1..1, only where one was measured. The hash is over language and text.
    "message_labels": {
        "source": "VARCHAR",
        "event_id": "VARCHAR",
        "conversation_id": "VARCHAR",
        "language": "VARCHAR",
        "sentiment": "DOUBLE",
        "intent": "VARCHAR",
        "intent_confidence": "DOUBLE",
        "objection": "VARCHAR",
        "objection_confidence": "DOUBLE",
        "escalation_reason": "VARCHAR",
        "escalation_reason_confidence": "DOUBLE",
        "dropoff_reason": "VARCHAR",
        "dropoff_reason_confidence": "DOUBLE",
        "definition_hash": "VARCHAR",
        "content_hash": "VARCHAR",
        "run_id": "VARCHAR",
        "labelled_at": "TIMESTAMP",
        "_load_id": "BIGINT",
        "rephrase_similarity": "DOUBLE",
        "is_rephrase": "BOOLEAN",
        "is_repeat": "BOOLEAN",
        "is_courtesy": "BOOLEAN",
    },
    # One row per request; one without a conversation is the first question, which only tries the endpoint. `outcome` is
    # answered, or why it failed; the cost is the most it can be where the endpoint did not count the tokens.
    "llm_calls": {
        "source": "VARCHAR",
        "conversation_id": "VARCHAR",
        "model": "VARCHAR",
        "definition_hash": "VARCHAR",
        "content_hash": "VARCHAR",
        "attempt": "BIGINT",
        "outcome": "VARCHAR",
        "http_status": "BIGINT",
        "tokens_in": "BIGINT",
        "tokens_out": "BIGINT",
        "cost_usd": "DOUBLE",
        "latency_ms": "BIGINT",
        "run_id": "VARCHAR",
        "called_at": "TIMESTAMP",
        "_load_id": "BIGINT",
        "is_cost_estimated": "BOOLEAN",
    },
    # One row per conversation and run whose question failed; without `next_retry_at` it is not asked again. With 0
    # attempts the question was asked about another conversation with the same excerpt.
    "llm_dead_letters": {
        "source": "VARCHAR",
        "conversation_id": "VARCHAR",
        "model": "VARCHAR",
        "definition_hash": "VARCHAR",
        "content_hash": "VARCHAR",
        "reason": "VARCHAR",
        "attempts": "BIGINT",
        "next_retry_at": "TIMESTAMP",
        "raw_response": "VARCHAR",
        "run_id": "VARCHAR",
        "failed_at": "TIMESTAMP",
        "_load_id": "BIGINT",
        "detail": "VARCHAR",
        "excerpt_hash": "VARCHAR",
    },
    # One row per content that an LLM has answered for. `answer` is that for the excerpt that was sent, in words of the
    # schema and places of messages: a conversation with the same excerpt gets it too (`is_cache_hit`), for nothing.
    "llm_answers": {
        "source": "VARCHAR",
        "conversation_id": "VARCHAR",
        "model": "VARCHAR",
        "definition_hash": "VARCHAR",
        "content_hash": "VARCHAR",
        "excerpt_hash": "VARCHAR",
        "answer": "VARCHAR",
        "is_cache_hit": "BOOLEAN",
        "run_id": "VARCHAR",
        "answered_at": "TIMESTAMP",
        "_load_id": "BIGINT",
    },
    # One row per batch and state it came to: reserved (before it is sent), submitted, ended. `batch_id` is the
    # provider's, `outcome` how it ended, `most_usd` what it could cost.
    "llm_batches": {
        "reservation_id": "VARCHAR",
        "state": "VARCHAR",
        "batch_id": "VARCHAR",
        "outcome": "VARCHAR",
        "model": "VARCHAR",
        "definition_hash": "VARCHAR",
        "requests": "BIGINT",
        "most_usd": "DOUBLE",
        "run_id": "VARCHAR",
        "happened_at": "TIMESTAMP",
        "_load_id": "BIGINT",
    },
    # One row per batch and conversation that waits for the answer about its excerpt.
    "llm_batch_requests": {
        "reservation_id": "VARCHAR",
        "source": "VARCHAR",
        "conversation_id": "VARCHAR",
        "content_hash": "VARCHAR",
        "excerpt_hash": "VARCHAR",
        "_load_id": "BIGINT",
    },
    # One row per answer of a person (`make label-quality`); `content_hash` is that of the content the answer is about.
    "human_labels": {
        "source": "VARCHAR",
        "conversation_id": "VARCHAR",
        "stage": "VARCHAR",
        "reached": "BOOLEAN",
        "labelled_by": "VARCHAR",
        "content_hash": "VARCHAR",
        "landed_at": "TIMESTAMP",
        "_load_id": "BIGINT",
    },
    # One row: the newest load or operation whose conversations have been looked at.
    "labelling_progress": {"through_load_id": "BIGINT"},
    # The same for messages.
    "message_labelling_progress": {"through_load_id": "BIGINT"},
}


def open_raw(path: Path) -> duckdb.DuckDBPyConnection:
    """Open raw.duckdb for writing, its tables in place and of the newest layout.

    Raises duckdb.IOException when another process holds it, RawVersionError when a newer release or DuckDB wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The newest storage format halves the cost of writing; the file keeps the one it was made with.
    options = "" if path.exists() else " (storage_version 'latest')"
    # Attached under a neutral name: in a catalog called raw, the file's own, `raw.events` would be ambiguous.
    # One thread: measured on 200 MB, a second one tripled the CPU time of taking JSON apart and doubled the wall time.
    connection = duckdb.connect(config={"temp_directory": f"{path}.tmp", "threads": 1})
    try:
        connection.execute(f"attach {text_literal(str(path))} as store{options}")
    except duckdb.IOException as error:
        refusal = open_refusal(path, error, "Use the release of Colloquy that wrote it, or a later one.")
        if refusal is None:
            raise
        raise refusal from error
    connection.execute("use store")
    connection.execute("set TimeZone = 'UTC'")
    if not migrate(connection, path):
        create_tables(connection)
    return connection


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the schemas raw and ledger and their tables, all of them or none."""
    raw = {name: LINEAGE_COLUMNS | content_columns(contract) for name, contract in SOURCES.items()} | _OTHERS
    connection.execute("begin")
    for schema, tables in (("raw", raw), ("ledger", _LEDGER)):
        connection.execute(f"create schema if not exists {schema}")
        for name, columns in tables.items():
            body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table if not exists {schema}.{name} ({body})")
    record_layout(connection)
    connection.execute("commit")
