"""Tells new events from those that have landed before: same id and content, or same id and other content.

The probe runs over every event of the source ever loaded: first the 64-bit hash of the id, then the id.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pandas as pd

from orchestration.landing.contracts import SourceContract, content_columns

Canonical = tuple[Any, ...]
_BATCH_ROWS = 20_000


@dataclass
class Verdicts:
    """What is known of a chunk's lines: counts of duplicates, and the lines refused as conflicting."""

    duplicates: int = 0
    reread: int = 0
    conflicting: list[int] = field(default_factory=list)
    _dropped: list[int] = field(default_factory=list)

    def drop(self, line: int) -> None:
        """Leave a line out of what is inserted."""
        self._dropped.append(line)

    @property
    def dropped(self) -> list[int]:
        """Lines that are not inserted though no check refused them."""
        return self._dropped


def find_duplicates(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, file: str, load_id: int
) -> Verdicts:
    """Judge the events of `parsed`; makes the temporary table `dropped(_line)` of those that are not new."""
    verdicts = Verdicts()
    connection.execute("create or replace temp table dropped (_line bigint)")
    _against_stored(connection, contract, file, load_id, verdicts)
    _within_chunk(connection, contract, verdicts)
    if verdicts.dropped:
        frame = pd.DataFrame({"_line": verdicts.dropped})
        connection.register("dropped_lines", frame)
        connection.execute("insert into dropped select _line from dropped_lines")
        connection.unregister("dropped_lines")
    return verdicts


def _against_stored(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, file: str, load_id: int, verdicts: Verdicts
) -> None:
    connection.execute(
        f"""
        create or replace temp table stored_hits as
        select p._line, s._line_hash = p._line_hash as is_same, s._file = $file and s._load_id < $load_id as is_reread
        from raw.{contract.name} as s
        join parsed as p on p._event_hash = s._event_hash and p.event_id = s.event_id
        where p.refusal is null""",
        {"file": file, "load_id": load_id},
    )
    row = connection.execute(
        "select count(*) filter (is_same), count(*) filter (is_same and is_reread), count(*) from stored_hits"
    ).fetchone()
    same, reread, hits = row or (0, 0, 0)
    verdicts.duplicates += same
    verdicts.reread += reread
    if not hits:
        return
    connection.execute("insert into dropped select _line from stored_hits")
    if same == hits:
        return
    # Another line hash may still be the same content: other order of keys, white space, spelling of the instant.
    names = list(content_columns(contract))
    new = ", ".join(f"p.{name}" for name in names)
    old = ", ".join(f"s.{name}" for name in names)
    pairs = connection.execute(
        f"""
        select h._line, h.is_reread, {new}, p.content, {old}, t.content
        from stored_hits as h
        join parsed as p on p._line = h._line
        join raw.{contract.name} as s on s._event_hash = p._event_hash and s.event_id = p.event_id
        left join raw.message_texts as t on t.source = $source and t.event_id = s.event_id
        where not h.is_same
        order by h._line""",
        {"source": contract.name},
    )
    width = len(names) + 1
    while batch := pairs.fetchmany(_BATCH_ROWS):
        for line, is_reread, *values in batch:
            if canonical(values[:width]) == canonical(values[width:]):
                verdicts.duplicates += 1
                verdicts.reread += bool(is_reread)
            else:
                verdicts.conflicting.append(line)


def _within_chunk(connection: duckdb.DuckDBPyConnection, contract: SourceContract, verdicts: Verdicts) -> None:
    """Take the first line of an id that can be accepted as the event, and compare the later ones with it."""
    names = ", ".join(f"p.{name}" for name in content_columns(contract))
    rows = connection.execute(
        f"""
        with repeated as (
            select _event_hash from parsed where refusal is null group by _event_hash having count(*) > 1
        )
        select p._line, p.needs_role, p._line_hash, {names}, p.content
        from parsed as p
        where p.refusal is null
            and p._event_hash in (select _event_hash from repeated)
            and p._line not in (select _line from dropped)
        order by p._line"""
    )
    first: dict[str, tuple[int, Canonical]] = {}
    while batch := rows.fetchmany(_BATCH_ROWS):
        for line, needs_role, line_hash, *values in batch:
            event_id = values[0]
            if event_id not in first:
                if not needs_role:
                    first[event_id] = (line_hash, tuple(values))
                continue
            first_hash, first_values = first[event_id]
            verdicts.drop(line)
            if line_hash == first_hash or canonical(values) == canonical(list(first_values)):
                verdicts.duplicates += 1
            else:
                verdicts.conflicting.append(line)


def canonical(values: list[Any]) -> Canonical:
    """Values of an event in a form in which equal content is equal; the one but last is the properties' JSON text."""
    *columns, properties, content = values
    return (
        *columns,
        _sorted(json.loads(properties, parse_int=_Number, parse_float=_Number, parse_constant=_Number)),
        content,
    )


class _Number(str):
    """A JSON number by its text: no rounding, no limit of digits, and not equal to the string of the same letters."""

    __slots__ = ()


def _sorted(value: object) -> Canonical:
    if isinstance(value, dict):
        return ("object", tuple(sorted((key, _sorted(item)) for key, item in value.items())))
    if isinstance(value, list):
        return ("array", tuple(_sorted(item) for item in value))
    return (type(value).__name__, value)
