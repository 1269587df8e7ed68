"""Rewrites raw without the people on the list: their ids become surrogates, their texts go, counts stay."""

import secrets
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.configuration.kept import Kept, read_kept
from orchestration.configuration.sources import read_namespaces
from orchestration.landing.anonymising import VOCABULARY, anonymise
from orchestration.landing.fixed_strings import FixedStrings
from orchestration.landing.suppression import (
    Suppression,
    Suppressions,
    read_suppressions,
    write_suppressions,
)
from orchestration.privacy.fresh_copy import column_types, open_copy, tables_of, write_tables
from orchestration.privacy.search_terms import WITHHELD, SearchTerms, collect_search_terms, longer_ids, values_of
from orchestration.privacy.withholding import TEXT_TABLES
from orchestration.warehouse.quoting import quoted
from orchestration.warehouse.source_contracts import SOURCES

_OWN_TEXTS = ("raw.message_texts", "raw.message_redactions")
_WITHHELD_TEXTS = tuple(f"{WITHHELD}.{table}" for table in TEXT_TABLES)
# Words of the person, and answers about them, which conversations with the same excerpt would share.
_LEDGER_WORDS = ("evidence_quote", "raw_response", "answer")
_LEDGER_HASHES = ("content_hash", "excerpt_hash")
_LEDGER_EVENTS = ("event_id", "evidence_event_id")


def rewrite_without(raw_database: Path, seeds: Path, hash_key: bytes, requested: Iterable[Suppression]) -> None:
    """Write the fresh copy of raw in which the people on the list, and those requested, are surrogates.

    A person mentioned by name in the rows of others is replaced there too, long ids only. Raises OtherKeyError,
    duckdb.Error.
    """
    with open_copy(raw_database) as connection:
        known = read_suppressions(connection, hash_key, read_namespaces(seeds))
        suppressions = Suppressions(hash_key, (*(known.entries if known else ()), *requested), read_namespaces(seeds))
        search_terms = collect_search_terms(connection, suppressions)
        copy = _Copy(connection, suppressions, search_terms, read_kept(seeds))
        selects = {f"raw.{name}": copy.source(name) for name in SOURCES}
        selects |= {table: f"select * from {table} where false" for table in _WITHHELD_TEXTS}
        selects |= {table: copy.other(table) for table in tables_of(connection) if table not in selects}
        write_tables(connection, selects | {"raw.suppressions": "select * from raw.suppressions where false"})
        connection.execute(f"drop schema if exists fresh.{WITHHELD} cascade")
        connection.execute("use fresh")
        write_suppressions(connection, hash_key, suppressions.entries, is_rewritten=True)


def _ids_of_others(connection: duckdb.DuckDBPyConnection, search_terms: SearchTerms) -> set[str]:
    """Return ids that stay although they contain an erased one: later events of these users bear them as well."""
    longer = {one for ids in longer_ids(connection, search_terms).values() for one in ids}
    return longer.difference(search_terms.ids, search_terms.keys)


class _Copy:
    """Writes the select that copies each table; what it looks up waits in temporary tables."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        suppressions: Suppressions,
        search_terms: SearchTerms,
        kept: Kept,
    ) -> None:
        self._connection = connection
        self._suppressions = suppressions
        self._search_terms = search_terms
        self._mentions = FixedStrings(search_terms.long_ids, kept=_ids_of_others(connection, search_terms))
        self._own_mentions = FixedStrings(search_terms.long_ids, is_own_text=True)
        self._surrogate_of = {one: suppressions.replace_ids(one) for one in search_terms.long_ids}
        self._kept = kept
        # Without it a guessed text cannot be checked against a hash, and it is kept nowhere.
        self._salt = secrets.token_hex(32)

    def source(self, name: str) -> str:
        """Copy a source: rows of the person treated as at landing, others with what they mention replaced."""
        forgotten = f"forgotten_{name}"
        self._connection.execute(
            f"""create temp table {forgotten} as select rowid as _row, * from raw.{name}
            where {SOURCES[name].conversation} in (select id from clear_conversations where source = '{name}')"""
        )
        anonymise(
            self._connection,
            forgotten,
            SOURCES[name],
            self._suppressions,
            self._kept,
            has_content=False,
        )
        columns = column_types(self._connection, f"raw.{name}")
        joins, values = self._replacements(f"raw.{name}", columns)
        if joins:
            # Another line of the same event would now differ from it, and is no conflict.
            changed = " or ".join(f"m_{column}.new is not null" for column in values)
            values["_line_hash"] = f"case when {changed} then null else t._line_hash end"
        # A file named after a person is renamed in all rows.
        own = {column: f"f.{column}" for column in columns}
        if "_file" in values:
            own["_file"] = values["_file"]
        chosen = ", ".join(
            f"case when f._row is not null then {own[column]} else {values.get(column, f't.{column}')} end as {column}"
            for column in columns
        )
        return f"select {chosen} from raw.{name} as t left join {forgotten} as f on f._row = t.rowid {joins}"

    def other(self, name: str) -> str:
        """Copy any other table: texts of the person left out, refused lines of theirs emptied, mentions replaced."""
        columns = column_types(self._connection, name)
        if name == "raw.rejected_events":
            return self._rejected(columns)
        joins, values = self._replacements(name, columns)
        if {"source", "conversation_id"} <= set(columns):
            joins += f" {self._surrogates(name)} on s.source = t.source and s.id = t.conversation_id"
            values["conversation_id"] = f"coalesce(s.surrogate, {values.get('conversation_id', 't.conversation_id')})"
        if name.startswith("ledger."):
            joins += self._forget_labels(name, columns, values)
        chosen = ", ".join(f"{values.get(column, f't.{quoted(column)}')} as {quoted(column)}" for column in columns)
        own = "where (t.source, t.event_id) not in (select (source, event_id) from clear_events)"
        return f"select {chosen} from {name} as t {joins} {own if name in _OWN_TEXTS else ''}"

    def _rejected(self, columns: dict[str, str]) -> str:
        finder = self._search_terms.line_finder()
        lines = self._connection.execute(
            "select rowid, line from raw.rejected_events where line is not null"
        ).fetchall()
        found = [row for row, line in lines if finder.is_in(line)]
        self._connection.execute(
            "create temp table forgotten_lines as select unnest($found::bigint[]) as _row", {"found": found}
        )
        joins, values = self._replacements("raw.rejected_events", {"_file": columns["_file"]})
        values["line"] = "case when t.rowid in (select _row from forgotten_lines) then null else t.line end"
        chosen = ", ".join(f"{values.get(column, f't.{quoted(column)}')} as {quoted(column)}" for column in columns)
        return f"select {chosen} from raw.rejected_events as t {joins}"

    def _replacements(self, table: str, columns: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Return joins, and expressions by column, that put surrogates in the place of long ids mentioned anywhere."""
        joins, values = "", {}
        for column, kind in columns.items():
            if kind not in {"VARCHAR", "JSON"} or column in VOCABULARY:
                continue
            held = self._connection.execute(
                f"select distinct {quoted(column)}::varchar from {table} where {quoted(column)} is not null"
            )
            pairs = [
                (old, self._mentions.replace(old, self._surrogate_of))
                for old in values_of(held)
                if self._mentions.is_in(old)
            ]
            if not pairs:
                continue
            view, alias = f"mentions_{table.replace('.', '_')}_{column}", f"m_{column}"
            self._connection.register(view, pd.DataFrame(pairs, columns=["old", "new"], dtype=object))
            joins += f" left join {view} as {alias} on {alias}.old = t.{quoted(column)}::varchar"
            values[column] = f"coalesce({alias}.new, t.{quoted(column)})"
        return joins, values

    def _forget_labels(self, name: str, columns: dict[str, str], values: dict[str, str]) -> str:
        """Take the person's words out of a table of the ledger; its event ids become those of the rewritten events."""
        for column in _LEDGER_WORDS:
            if column in columns:
                values[column] = f"case when s.id is null then {values.get(column, f't.{column}')} end"
        for column in _LEDGER_HASHES:
            if column in columns:
                # Equal contents stay equal: a person's answer about one is still about the content that was labelled.
                values[column] = f"case when s.id is null then t.{column} else sha256('{self._salt}' || t.{column}) end"
        return "".join(self._forget_event_ids(name, column, values) for column in _LEDGER_EVENTS if column in columns)

    def _forget_event_ids(self, name: str, column: str, values: dict[str, str]) -> str:
        """Return the join that puts, in the person's rows, ids of rewritten events in the place of what they were."""
        found = self._connection.execute(
            f"""select distinct t.{column} from {name} as t
            {self._surrogates(name)} on s.source = t.source and s.id = t.conversation_id
            where s.id is not null and t.{column} is not null"""
        ).fetchall()
        # As at landing: event ids are often built from other ids, short ones too.
        pairs = [
            (old, self._own_mentions.replace(self._suppressions.replace_ids(old), self._surrogate_of))
            for (old,) in found
        ]
        view = f"ids_{name.replace('.', '_')}_{column}"
        self._connection.register(view, pd.DataFrame(pairs, columns=["old", "new"], dtype="string"))
        values[column] = f"case when s.id is null then {values.get(column, f't.{column}')} else i_{column}.new end"
        return f" left join {view} as i_{column} on i_{column}.old = t.{column}"

    def _surrogates(self, table: str) -> str:
        """Return the join with the surrogates by (source, id), for every source that shares its ids with another."""
        known = set(self._connection.execute("select source, id from clear_conversations").fetchall())
        if table.startswith("ledger."):
            # A label may have outlived the rows of its conversation.
            known |= set(self._connection.execute(f"select distinct source, conversation_id from {table}").fetchall())
        named = {
            (other, id_): surrogate
            for source, id_ in known
            if (surrogate := self._suppressions.surrogate("conversation", source, id_)) is not None
            for other in SOURCES
            if self._suppressions.namespace(other) == self._suppressions.namespace(source)
        }
        rows = [(*key, surrogate) for key, surrogate in sorted(named.items())]
        view = f"surrogates_{table.replace('.', '_')}"
        self._connection.register(view, pd.DataFrame(rows, columns=["source", "id", "surrogate"], dtype="string"))
        return f"left join {view} as s"
