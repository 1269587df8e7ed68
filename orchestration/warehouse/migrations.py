"""The layout of raw.duckdb by version: an older file is brought up to date in one transaction, a newer one refused.

Raw rows cannot be made again, so a migration adds tables and columns and never takes a row away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb


class RawVersionError(Exception):
    """The raw database has a layout that this release cannot use; the message gives the remedy."""


@dataclass(frozen=True)
class Migration:
    """What brings a file of the version before to `version`."""

    version: int
    description: str
    statements: tuple[str, ...]


def add_column(table: str, column: str, kind: str) -> str:
    """Return the statement that adds a column; the rows there are have null in it."""
    return f"alter table raw.{table} add column {column} {kind}"


# With the columns of the conversation and of the user.
_EVENT_TABLES = {
    "events": ("conversation_id", "user_id"),
    "agent_events": ("conversation_id", "user_id"),
    "chat_events": ("session_id", "user_id"),
    "ab_test_exposures": ("session_id", "properties ->> '$.user_id'"),
    "sales_events": ("conversation_id", "properties ->> '$.user_id'"),
    "agentsight_interactions": ("conversation_id", "customer_id"),
}


def _refuse_long_ids(table: str, conversation: str, user: str) -> tuple[str, ...]:
    has_long_id = " or ".join(f"coalesce(strlen({one}), 0) > 512" for one in ("event_id", conversation, user))
    return _refuse(table, "id_too_long", has_long_id)


def _refuse(table: str, reason: str, condition: str) -> tuple[str, ...]:
    """Return what makes refused lines of events that landing takes no more: lines read stay accounted for."""
    return (
        "insert into raw.rejected_events (source, _file, _line, reason, line_bytes, line_sha256, _load_id, _loaded_at) "
        f"select '{table}', _file, _line, '{reason}', strlen(properties::varchar), sha256(event_id), _load_id, "
        f"_loaded_at from raw.{table} where {condition}",
        "update raw.loaded_files set accepted = accepted - gone.events, rejected = rejected + gone.events "
        f"from (select _file, _load_id, count(*) as events from raw.{table} where {condition} group by all) as gone "
        "where file = gone._file and load_id = gone._load_id",
        *(
            f"delete from raw.{texts} where source = '{table}' "
            f"and event_id in (select event_id from raw.{table} where {condition})"
            for texts in ("message_texts", "message_redactions")
        ),
        f"delete from raw.{table} where {condition}",
    )


_WITHOUT_VARIANT = "coalesce(trim(test_name), '') = '' or coalesce(trim(variant), '') = ''"
_LLM_TABLES = ("llm_calls", "llm_dead_letters", "llm_answers", "llm_batch_requests")

# Version 1 is a file that no version was written into, 2 to 12 are those of development before the first release: one
# step brings any of them to the first release, so each statement does nothing where its work is done. Later, one
# step for each release that changes the layout; a step that has been released is never changed.
MIGRATIONS = (
    Migration(
        15,
        "the layout of the first release",
        (
            "create table if not exists raw.operations "
            "(operation VARCHAR, performed_at TIMESTAMP, load_id BIGINT, detail VARCHAR)",
            "create table if not exists raw.repaired_conversations "
            "(source VARCHAR, conversation_id VARCHAR, load_id BIGINT, operation VARCHAR)",
            "alter table raw.loaded_files add column if not exists identity VARCHAR",
            "update raw.operations set operation = case operation when 'reland' then 'reload' else 'exclude' end "
            "where operation in ('reland', 'drop')",
            "update raw.repaired_conversations set operation = case operation when 'reland' then 'reload' "
            "else 'exclude' end where operation in ('reland', 'drop')",
            "create table if not exists raw.message_redactions (source VARCHAR, event_id VARCHAR, content VARCHAR, "
            "redaction_count BIGINT, redactor_version BIGINT, _load_id BIGINT)",
            "create table if not exists raw.redaction_progress (redactor_version BIGINT, through_load_id BIGINT)",
            "create table if not exists raw.suppressions (key_hash VARCHAR, scope VARCHAR, id_namespace VARCHAR, "
            "surrogate VARCHAR, id_length BIGINT, key_check VARCHAR, is_rewritten BOOLEAN)",
            *(
                statement
                for table in _EVENT_TABLES
                for statement in (
                    f"alter table raw.{table} add column if not exists tokens_cached BIGINT",
                    f"alter table raw.{table} alter column cost_usd type DECIMAL(18,9)",
                    # What the properties still hold; of those that expired the rounded cost stays.
                    f"update raw.{table} set "
                    "tokens_cached = coalesce(try_cast((properties ->> 'tokens_cached') as BIGINT), tokens_cached), "
                    "cost_usd = coalesce(try_cast((properties ->> 'cost_usd') as DECIMAL(18,9)), cost_usd) "
                    "where (properties ->> 'tokens_cached') is not null or (properties ->> 'cost_usd') is not null",
                )
            ),
            "create schema if not exists ledger",
            "create table if not exists ledger.stage_labels (source VARCHAR, conversation_id VARCHAR, stage VARCHAR, "
            "reached BOOLEAN, evidence_source VARCHAR, evidence_event_id VARCHAR, evidence_quote VARCHAR, "
            "confidence DOUBLE, classifier_kind VARCHAR, model VARCHAR, definition_hash VARCHAR, "
            "content_hash VARCHAR, tokens_in BIGINT, tokens_out BIGINT, cost_usd DOUBLE, is_cache_hit BOOLEAN, "
            "redaction_count BIGINT, is_truncated BOOLEAN, needs_review BOOLEAN, run_id VARCHAR, "
            "labelled_at TIMESTAMP, _load_id BIGINT)",
            "create table if not exists ledger.llm_calls (source VARCHAR, conversation_id VARCHAR, model VARCHAR, "
            "definition_hash VARCHAR, content_hash VARCHAR, attempt BIGINT, outcome VARCHAR, http_status BIGINT, "
            "tokens_in BIGINT, tokens_out BIGINT, cost_usd DOUBLE, latency_ms BIGINT, run_id VARCHAR, "
            "called_at TIMESTAMP, _load_id BIGINT)",
            "alter table ledger.llm_calls add column if not exists is_cost_estimated BOOLEAN",
            "create table if not exists ledger.llm_dead_letters (source VARCHAR, conversation_id VARCHAR, "
            "model VARCHAR, definition_hash VARCHAR, content_hash VARCHAR, reason VARCHAR, attempts BIGINT, "
            "next_retry_at TIMESTAMP, raw_response VARCHAR, run_id VARCHAR, failed_at TIMESTAMP, _load_id BIGINT)",
            "alter table ledger.llm_dead_letters add column if not exists detail VARCHAR",
            "alter table ledger.llm_dead_letters add column if not exists excerpt_hash VARCHAR",
            "create table if not exists ledger.labelling_progress (through_load_id BIGINT)",
            "create table if not exists ledger.human_labels (source VARCHAR, conversation_id VARCHAR, stage VARCHAR, "
            "reached BOOLEAN, labelled_by VARCHAR, content_hash VARCHAR, landed_at TIMESTAMP, _load_id BIGINT)",
            "create table if not exists ledger.llm_answers (source VARCHAR, conversation_id VARCHAR, model VARCHAR, "
            "definition_hash VARCHAR, content_hash VARCHAR, excerpt_hash VARCHAR, answer VARCHAR, "
            "is_cache_hit BOOLEAN, run_id VARCHAR, answered_at TIMESTAMP, _load_id BIGINT)",
            # What was answered before answers were kept is not asked about again; the answer itself is not known.
            "insert into ledger.llm_answers select source, conversation_id, model, definition_hash, content_hash, "
            "null, null, false, run_id, called_at, _load_id from ledger.llm_calls "
            "where outcome = 'answered' and content_hash is not null "
            "and not exists (select 1 from ledger.llm_answers)",
            "create table if not exists ledger.llm_batches (reservation_id VARCHAR, state VARCHAR, batch_id VARCHAR, "
            "outcome VARCHAR, model VARCHAR, definition_hash VARCHAR, requests BIGINT, most_usd DOUBLE, "
            "run_id VARCHAR, happened_at TIMESTAMP, _load_id BIGINT)",
            "create table if not exists ledger.llm_batch_requests (reservation_id VARCHAR, source VARCHAR, "
            "conversation_id VARCHAR, content_hash VARCHAR, excerpt_hash VARCHAR, _load_id BIGINT)",
            "create table if not exists ledger.message_labels (source VARCHAR, event_id VARCHAR, "
            "conversation_id VARCHAR, language VARCHAR, sentiment DOUBLE, intent VARCHAR, intent_confidence DOUBLE, "
            "objection VARCHAR, objection_confidence DOUBLE, escalation_reason VARCHAR, "
            "escalation_reason_confidence DOUBLE, dropoff_reason VARCHAR, dropoff_reason_confidence DOUBLE, "
            "definition_hash VARCHAR, content_hash VARCHAR, run_id VARCHAR, labelled_at TIMESTAMP, _load_id BIGINT)",
            *(statement for table, ids in _EVENT_TABLES.items() for statement in _refuse_long_ids(table, *ids)),
            *_refuse("ab_test_exposures", "missing_variant", _WITHOUT_VARIANT),
            *(
                f"delete from ledger.{table} where strlen(conversation_id) > 512"
                for table in ("stage_labels", "message_labels", "human_labels", *_LLM_TABLES)
            ),
            *(
                f"alter table ledger.message_labels add column if not exists {column}"
                for column in (
                    *("rephrase_similarity DOUBLE", "is_rephrase BOOLEAN", "is_repeat BOOLEAN"),
                    "is_courtesy BOOLEAN",
                )
            ),
            "alter table ledger.stage_labels add column if not exists is_unsure BOOLEAN",
            "create table if not exists ledger.message_labelling_progress (through_load_id BIGINT)",
        ),
    ),
)


def migrate(connection: duckdb.DuckDBPyConnection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> bool:
    """Bring the open raw database at `path` to the newest layout; False when it is new and has no tables yet.

    Raises RawVersionError for a file of a newer release; a step that fails leaves the file as it was.
    """
    version = _version(connection)
    if version == 0:
        return False
    newest = migrations[-1].version
    if version > newest:
        raise RawVersionError(
            f"{path} has layout {version}, this release knows {newest} at most: it was written by a newer release of "
            "Colloquy. Use that release or a later one; nothing was changed"
        )
    due = [step for step in migrations if step.version > version]
    if due:
        _apply(connection, due)
    return True


def record_layout(connection: duckdb.DuckDBPyConnection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Note that the tables just made have the newest layout."""
    _create_versions(connection)
    connection.execute("insert into raw.schema_versions values (?, 'made new')", [migrations[-1].version])


def require_newest_layout(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise RawVersionError unless a reader finds every table and column of this release."""
    version = _version(connection)
    if version != MIGRATIONS[-1].version:
        raise RawVersionError(
            f"{path} has layout {version}, this release needs {MIGRATIONS[-1].version}. Launch the whole job (make "
            "run): landing upgrades an older file"
        )


def open_refusal(path: Path, error: duckdb.IOException, advice: str) -> RawVersionError | None:
    """Return what to raise when DuckDB refuses a file for the version of its storage, None for every other cause."""
    if "database file with version number" not in str(error):
        return None
    return RawVersionError(f"{path} was written by another version of DuckDB: {str(error).splitlines()[0]} {advice}")


def _apply(connection: duckdb.DuckDBPyConnection, due: Sequence[Migration]) -> None:
    connection.execute("begin")
    try:
        _create_versions(connection)
        for step in due:
            for statement in step.statements:
                connection.execute(statement)
            connection.execute("insert into raw.schema_versions values (?, ?)", [step.version, step.description])
    except duckdb.Error:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _create_versions(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table if not exists raw.schema_versions (version BIGINT, description VARCHAR)")


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the layout of the current catalog: 0 without raw tables, 1 when they carry no version."""
    tables = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'raw'"
        ).fetchall()
    }
    # The list of files is as old as the project; a folder where making the tables broke off has no rows to keep.
    if "loaded_files" not in tables:
        return 0
    if "schema_versions" not in tables:
        return 1
    # Named in full: in raw.duckdb opened by itself the catalog is called like its schema.
    catalog = connection.execute("select current_database()").fetchall()[0][0]
    row = connection.execute(f'select max(version) from "{catalog}".raw.schema_versions').fetchone()
    return int(row[0]) if row and row[0] is not None else 1
