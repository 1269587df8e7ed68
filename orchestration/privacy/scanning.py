"""Looks through every file of a warehouse for a person who should be gone.

DuckDB and Parquet compress what they hold and SQLite splits it over pages, so their columns are read; the raw bytes of
every file are read as well.
"""

import gzip
import json
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.landing.landed_files import LandedFile, find_files
from orchestration.privacy.search_terms import SearchTerms, matches
from orchestration.warehouse.quoting import quoted, text_literal

_BLOCK_BYTES = 16 << 20
# Longer than any search term with what has to stand around it.
_OVERLAP_BYTES = 4096
_SQLITE_MAGIC = b"SQLite format 3\0"
_WORD = re.compile(rb"[0-9A-Za-z_]")
_ID_COLUMNS = ("_id", "_key")


@dataclass(frozen=True)
class Hit:
    """Where a person was found; `place` is a table and column, or the bytes. Never what was found."""

    file: Path
    place: str


def scan(root: Path, search_terms: SearchTerms, without: Collection[Path] = ()) -> tuple[Hit, ...]:
    """Return every place under `root` that holds a search term; files and folders in `without` are left out.

    Raises OSError, duckdb.Error or sqlite3.Error for a file that cannot be read: not looked at is not proven.
    """
    # A published file has two names, and what is linked elsewhere lies there.
    seen: set[tuple[int, int]] = set()
    hits: list[Hit] = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file() or any(path.is_relative_to(one) for one in without):
            continue
        status = path.stat()
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            hits += _scan_file(path, search_terms)
    return tuple(hits)


def landed_files_of(landing: Path, search_terms: SearchTerms) -> tuple[str, ...]:
    """Return the files of the landing folder that still hold a search term: they belong to their writers."""
    if not landing.is_dir():
        return ()
    found = []
    for entry in find_files(landing):
        if isinstance(entry, LandedFile) and (
            any(_scan_parquet(entry.path, search_terms))
            if entry.name.endswith(".parquet")
            else _holds_bytes(entry.path, search_terms)
        ):
            found.append(entry.name)
    return tuple(found)


def _scan_file(path: Path, search_terms: SearchTerms) -> Iterator[Hit]:
    if path.suffix == ".duckdb":
        yield from _scan_duckdb(path, search_terms)
    elif path.suffix == ".parquet":
        yield from _scan_parquet(path, search_terms)
    else:
        with path.open("rb") as file:
            is_sqlite = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
        if is_sqlite:
            yield from _scan_sqlite(path, search_terms)
    if _holds_bytes(path, search_terms):
        yield Hit(path, "its bytes")


def _scan_duckdb(path: Path, search_terms: SearchTerms) -> Iterator[Hit]:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"attach {text_literal(str(path))} as looked (read_only)")
        columns = connection.execute(
            """select schema_name, table_name, column_name, data_type from duckdb_columns()
            where database_name = 'looked' and (schema_name, table_name) in (
                select (schema_name, table_name) from duckdb_tables() where database_name = 'looked')"""
        ).fetchall()
        for schema, table, column, kind in columns:
            if _holds_column(connection, f"looked.{quoted(schema)}.{quoted(table)}", column, kind, search_terms):
                yield Hit(path, f"{schema}.{table}.{column}")


def _scan_parquet(path: Path, search_terms: SearchTerms) -> Iterator[Hit]:
    with duckdb.connect(config={"threads": 2}) as connection:
        # read_parquet takes a pattern: in a list of brackets every special letter stands for itself.
        name = re.sub(r"[*?\[]", lambda match: f"[{match[0]}]", str(path))
        table = f"read_parquet({text_literal(name)})"
        for column, kind, *_ in connection.execute(f"describe select * from {table}").fetchall():
            if _holds_column(connection, table, column, kind, search_terms):
                yield Hit(path, column)


def _holds_column(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: str, search_terms: SearchTerms
) -> bool:
    if not any(one in kind for one in ("VARCHAR", "JSON")):
        return False
    value = f"{quoted(column)}::varchar"
    condition, parameters = matches(value, search_terms.patterns())
    if column.endswith(_ID_COLUMNS):
        condition += f" or {value} in (select unnest(?::varchar[]))"
        parameters = [*parameters, [*search_terms.ids, *search_terms.keys]]  # type: ignore[list-item]
    row = connection.execute(f"select exists (select 1 from {table} where {condition})", parameters).fetchone()
    return bool(row and row[0])


def _scan_sqlite(path: Path, search_terms: SearchTerms) -> Iterator[Hit]:
    wanted = [re.compile(one) for one in search_terms.patterns()]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            cursor = connection.execute(f"select * from {quoted(table)}")
            if any(
                pattern.search(value) for row in cursor for value in row if isinstance(value, str) for pattern in wanted
            ):
                yield Hit(path, table)


def _holds_bytes(path: Path, search_terms: SearchTerms) -> bool:
    long_ids = [one.encode() for name in search_terms.long_ids for one in _spellings(name)]
    texts = [one.encode() for name in search_terms.texts for one in _spellings(name)]
    short_ids = "|".join(re.escape(one) for one in search_terms.short_ids)
    # Only where an id is expected: a number of one digit stands in every file.
    short = re.compile(rf"id[^0-9A-Za-z_\n]{{1,8}}(?:{short_ids})[\"',}}\s]".encode()) if short_ids else None
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        before = b""
        while block := file.read(_BLOCK_BYTES):
            data = before + block
            if any(one in data for one in texts) or (short is not None and short.search(data)):
                return True
            if any(_stands_alone(data, one) for one in long_ids):
                return True
            before = data[-_OVERLAP_BYTES:]
    return False


def _spellings(name: str) -> set[str]:
    return {name, json.dumps(name)[1:-1]}


def _stands_alone(data: bytes, search_term: bytes) -> bool:
    """Whether the search term stands in the data with no letter or digit around it."""
    start = data.find(search_term)
    while start >= 0:
        end = start + len(search_term)
        if not _WORD.match(data[max(0, start - 1) : start]) and not _WORD.match(data[end : end + 1]):
            return True
        start = data.find(search_term, start + 1)
    return False
