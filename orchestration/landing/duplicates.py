"""Separates new events from those that have landed before: same id and content, or same id and other content.

The probe runs over every event of the source ever loaded: first the 64-bit hash of the id, then the id.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import duckdb

from orchestration.warehouse.source_contracts import SourceContract, content_columns

Canonical = tuple[Any, ...]
_BATCH_ROWS = 20_000


@dataclass
class Verdicts:
    """What is known of a stage's rows: duplicates by number of the file, and the rows refused as conflicting."""

    duplicates: Counter[int] = field(default_factory=Counter)
    reread: Counter[int] = field(default_factory=Counter)
    conflicting: list[int] = field(default_factory=list)


def find_duplicates(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, files: list[str], load_id: int
) -> Verdicts:
    """Judge the events of `parsed`, whose `_file_no` counts `files`; takes those that are not new out of it."""
    verdicts = Verdicts()
    _against_stored(connection, contract, files, load_id, verdicts)
    _within_stage(connection, contract, verdicts)
    return verdicts


def _against_stored(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, files: list[str], load_id: int, verdicts: Verdicts
) -> None:
    # An event whose content was erased or has expired has no hash: nothing is left that a line could contradict, and
    # its line read again must not be refused.
    connection.execute(
        f"""
        create or replace temp table stored_hits as
        select p._row, p._file_no, coalesce(s._line_hash = p._line_hash, true) as is_same,
            s._file = list_extract($files, p._file_no + 1) and s._load_id < $load_id as is_reread
        from raw.{contract.name} as s
        join parsed as p on p._event_hash = s._event_hash and p.event_id = s.event_id
        where p.refusal is null""",
        {"files": files, "load_id": load_id},
    )
    rows = connection.execute(
        """select _file_no, count(*) filter (is_same), count(*) filter (is_same and is_reread), count(*)
        from stored_hits group by _file_no"""
    ).fetchall()
    for file_no, same, reread, _ in rows:
        verdicts.duplicates[file_no] += same
        verdicts.reread[file_no] += reread
    if not rows:
        return
    if any(same < hits for _, same, _, hits in rows):
        _compare_with_stored(connection, contract, verdicts)
    connection.execute("delete from parsed where _row in (select _row from stored_hits)")


def _compare_with_stored(connection: duckdb.DuckDBPyConnection, contract: SourceContract, verdicts: Verdicts) -> None:
    # Another line hash may still be the same content: other order of keys, white space, spelling of the instant.
    names = list(content_columns(contract))
    new = ", ".join(f"p.{name}" for name in names)
    old = ", ".join(f"s.{name}" for name in names)
    pairs = connection.execute(
        f"""
        select h._row, h._file_no, h.is_reread, {new}, p.content, {old}, t.content
        from stored_hits as h
        join parsed as p on p._row = h._row
        join raw.{contract.name} as s on s._event_hash = p._event_hash and s.event_id = p.event_id
        left join raw.message_texts as t on t.source = $source and t.event_id = s.event_id
        where not h.is_same
        order by h._row""",
        {"source": contract.name},
    )
    width = len(names) + 1
    while batch := pairs.fetchmany(_BATCH_ROWS):
        for row, file_no, is_reread, *values in batch:
            if canonical(values[:width]) == canonical(values[width:]):
                verdicts.duplicates[file_no] += 1
                verdicts.reread[file_no] += bool(is_reread)
            else:
                verdicts.conflicting.append(row)


def _within_stage(connection: duckdb.DuckDBPyConnection, contract: SourceContract, verdicts: Verdicts) -> None:
    """Take the first line of an id that can be accepted as the event, and compare the later ones with it."""
    repeated = connection.execute(
        "select _event_hash from parsed where refusal is null group by _event_hash having count(*) > 1"
    ).fetchall()
    if not repeated:
        return
    connection.execute(
        """
        create or replace temp table repeated as
        select _row, _file_no, row_number() over (partition by event_id order by _row) > 1 as is_later,
            min(_line_hash) over of_id = max(_line_hash) over of_id and not bool_or(needs_role) over of_id as is_same
        from parsed
        where refusal is null and _event_hash in (select unnest($repeated::ubigint[]))
        window of_id as (partition by event_id)""",
        {"repeated": [event_hash for (event_hash,) in repeated]},
    )
    # Lines of one hash have one content: only others are taken out of the database to be looked at.
    equal = connection.execute("select _row, _file_no from repeated where is_same and is_later").fetchall()
    verdicts.duplicates.update(file_no for _, file_no in equal)
    dropped = [row for row, _ in equal] + _compare_within_stage(connection, contract, verdicts)
    if dropped:
        connection.execute("delete from parsed where _row in (select unnest($dropped::bigint[]))", {"dropped": dropped})


def _compare_within_stage(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, verdicts: Verdicts
) -> list[int]:
    """Judge the lines of one id that differ by their content; return those that are not the event."""
    names = ", ".join(f"p.{name}" for name in content_columns(contract))
    rows = connection.execute(
        f"""
        select p._row, p._file_no, p.needs_role, p._line_hash, {names}, p.content
        from parsed as p
        where p._row in (select _row from repeated where not is_same)
        order by p._row"""
    )
    first: dict[str, tuple[int, Canonical]] = {}
    dropped: list[int] = []
    while batch := rows.fetchmany(_BATCH_ROWS):
        for row, file_no, needs_role, line_hash, *values in batch:
            event_id = values[0]
            if event_id not in first:
                if not needs_role:
                    first[event_id] = (line_hash, tuple(values))
                continue
            first_hash, first_values = first[event_id]
            dropped.append(row)
            if line_hash == first_hash or canonical(values) == canonical(list(first_values)):
                verdicts.duplicates[file_no] += 1
            else:
                verdicts.conflicting.append(row)
    return dropped


def canonical(values: list[Any]) -> Canonical:
    """Values of an event in a form in which equal content is equal; the one but last is the properties' JSON text."""
    *columns, properties, content = values
    return (
        *columns,
        # By pairs: of a name given twice, both values count.
        _sorted(json.loads(properties, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number)),
        content,
    )


class _Number(str):
    """A JSON number by its text: no rounding, no limit of digits, and not equal to the string of the same letters."""

    __slots__ = ()


class _Pairs(list[tuple[str, object]]):
    """The fields of a JSON object as they come."""


def _sorted(value: object) -> Canonical:
    if isinstance(value, _Pairs):
        # Sorted by name alone: which of two values of one name comes first decides which of them is read.
        return ("object", tuple((key, _sorted(item)) for key, item in sorted(value, key=itemgetter(0))))
    if isinstance(value, list):
        return ("array", tuple(_sorted(item) for item in value))
    return (type(value).__name__, value)
