"""Forgets by age: texts, what labels quote of them, free properties, and refused lines; every count stays."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.configuration.kept import Kept, read_kept
from orchestration.landing.anonymising import stripped_columns
from orchestration.privacy.fresh_copy import column_types, open_copy, replace_raw, write_tables
from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import record_operation
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.source_contracts import SOURCES
from orchestration.warehouse.utc import stored

# No event is as old: before 2000 it is refused.
_EVER = timedelta(days=36_500)


@dataclass(frozen=True)
class Expired:
    """How many texts, events' free properties and refused lines expired."""

    texts: int
    events: int
    rejected: int

    @property
    def is_any(self) -> bool:
        """Whether anything did."""
        return self.texts + self.events + self.rejected > 0


def expire(
    raw_database: Path,
    seeds: Path,
    *,
    texts_after: timedelta | None,
    rejected_after: timedelta | None,
    now: datetime,
    discard_derived: Callable[[], None] = lambda: None,
) -> Expired:
    """Rewrite raw without what is older than allowed at `now` (aware); does nothing when nothing is, or no raw.

    Texts go by the time of their event, refused lines by that of their load. The caller holds the lock.
    `discard_derived` removes the build, whose file holds the texts as well. It is called before raw is switched: a run
    that is killed between the two finds the texts in raw again, and in no other file.
    """
    nothing = Expired(0, 0, 0)
    moment = stored(now)
    bounds = {
        "texts": moment - (texts_after or _EVER),
        "rejected": moment - (rejected_after or _EVER),
    }
    if (texts_after is None and rejected_after is None) or not raw_database.exists():
        return nothing
    with duckdb.connect() as connection:
        connection.execute(f"attach {text_literal(str(raw_database))} as clear (read_only)")
        connection.execute("use clear")
        if not _count(connection, bounds).is_any:
            return nothing
    kept = read_kept(seeds)
    with open_copy(raw_database) as connection:
        expired = _count(connection, bounds)
        texts, rejected = (f"timestamp '{bounds[name]:%Y-%m-%d %H:%M:%S.%f}'" for name in ("texts", "rejected"))
        selects = {f"raw.{name}": _source(connection, name, kept, texts) for name in SOURCES}
        selects["raw.message_texts"] = f"""select * from raw.message_texts where "timestamp" >= {texts}"""
        selects["raw.message_redactions"] = f"""
            select * from raw.message_redactions where (source, event_id) in (
                select (source, event_id) from raw.message_texts where "timestamp" >= {texts})"""
        selects["raw.rejected_events"] = f"""
            select * replace (case when _loaded_at >= {rejected} then line end as line) from raw.rejected_events"""
        selects |= _ledger(texts)
        write_tables(connection, selects)
        connection.execute("use fresh")
        load_id, performed_at = next_load(connection, moment)
        detail = {"texts": expired.texts, "events": expired.events, "rejected": expired.rejected}
        record_operation(connection, "retention", performed_at=performed_at, load_id=load_id, detail=detail)
    discard_derived()
    replace_raw(raw_database)
    return expired


def _count(connection: duckdb.DuckDBPyConnection, bounds: dict[str, datetime]) -> Expired:
    """Count what is due; what has expired before carries no hash, no text and no line any more."""

    def one(query: str, bound: datetime) -> int:
        return int(connection.execute(f"select count(*) from {query}", [bound]).fetchall()[0][0])

    events = sum(
        one(f'raw.{name} where "timestamp" < ? and _line_hash is not null', bounds["texts"]) for name in SOURCES
    )
    return Expired(
        one('raw.message_texts where "timestamp" < ?', bounds["texts"]),
        events,
        one("raw.rejected_events where _loaded_at < ? and line is not null", bounds["rejected"]),
    )


def _source(connection: duckdb.DuckDBPyConnection, name: str, kept: Kept, bound: str) -> str:
    stripped = stripped_columns(SOURCES[name], kept)
    chosen = ", ".join(
        f"""case when "timestamp" < {bound} then {stripped[column]} else {column} end as {column}"""
        if column in stripped
        else f'"{column}"'
        for column in column_types(connection, f"raw.{name}")
    )
    return f"select {chosen} from raw.{name}"


def _ledger(bound: str) -> dict[str, str]:
    """Return the selects of the ledger: a quote goes with its message, an answer with any message of its conversation.

    The hash of a conversation stays: it shows what was labelled, so that it is not labelled again. That of a message
    goes: a few words can be guessed by it.
    """
    aged = " union ".join(
        f"""select '{name}' as source, {contract.conversation} as id from raw.{name} where "timestamp" < {bound}"""
        for name, contract in SOURCES.items()
    )
    return {
        "ledger.stage_labels": f"""
            select * replace (
                case when (evidence_source, evidence_event_id) in (
                    select (source, event_id) from raw.message_texts where "timestamp" >= {bound}
                ) then evidence_quote end as evidence_quote)
            from ledger.stage_labels""",
        "ledger.message_labels": f"""
            select * replace (
                case when (source, event_id) in (
                    select (source, event_id) from raw.message_texts where "timestamp" >= {bound}
                ) then content_hash end as content_hash)
            from ledger.message_labels""",
        "ledger.llm_dead_letters": f"""
            select * replace (
                case when conversation_id not in (select id from ({aged})) then raw_response end as raw_response)
            from ledger.llm_dead_letters""",
    }
