"""Keeps the texts of people from being published while their erasure cannot be done, without room for a second raw."""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from orchestration.configuration.sources import read_namespaces
from orchestration.landing.suppression import Suppression, Suppressions, read_suppressions
from orchestration.privacy.search_terms import WITHHELD, find_clear_rows
from orchestration.warehouse.raw_tables import open_raw

TEXT_TABLES = ("message_texts", "message_redactions")


def withhold_texts(raw_database: Path, seeds: Path, hash_key: bytes, requested: Iterable[Suppression]) -> int:
    """Move texts of the people on the list, and of those requested, to where no model reads them; labels quote nothing.

    Returns the number of texts and quotes. What was built from them is to be built again when there are any.
    """
    with open_raw(raw_database) as connection:
        namespaces = read_namespaces(seeds)
        known = read_suppressions(connection, hash_key, namespaces)
        people = Suppressions(hash_key, (*(known.entries if known else ()), *requested), namespaces)
        find_clear_rows(connection, people)
        connection.execute("begin")
        connection.execute(f"create schema if not exists {WITHHELD}")
        moved = sum(_move(connection, table) for table in TEXT_TABLES)
        quotes = connection.execute(
            """update ledger.stage_labels set evidence_quote = null
            where evidence_quote is not null
                and (source, conversation_id) in (select (source, id) from clear_conversations)"""
        ).fetchall()
        connection.execute("commit")
    return moved + int(quotes[0][0])


def _move(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    theirs = f"from raw.{table} where (source, event_id) in (select (source, event_id) from clear_events)"
    connection.execute(f"create table if not exists {WITHHELD}.{table} as select * from raw.{table} where false")
    moved = connection.execute(f"insert into {WITHHELD}.{table} select * {theirs}").fetchall()
    connection.execute(f"delete {theirs}")
    return int(moved[0][0])
