"""Looks through every file of a warehouse for a person who should be gone.

DuckDB, Parquet and gzip compress what they hold and SQLite splits it over pages, so what is in them is read; the bytes
of every file are read as well, and its name. What a file is, its first bytes show, whatever its name.
"""

import gzip
import os
import re
import sqlite3
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import quote

import duckdb

from orchestration.landing.landed_files import LandedFile, find_files
from orchestration.privacy.proof_search import AROUND_BYTES, ProofSearch
from orchestration.privacy.search_terms import SearchTerms
from orchestration.warehouse.quoting import quoted, text_literal

_BLOCK_BYTES = 16 << 20
_ROWS_AT_ONCE = 10_000
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
# After a checksum of eight bytes.
_DUCKDB_MAGIC = b"DUCK"
_SQLITE_MAGIC = b"SQLite format 3\0"
_ID_COLUMNS = ("_id", "_key")
# What a damaged or half written file raises, and one that another program holds.
_UNREADABLE = (OSError, EOFError, zlib.error, duckdb.Error, sqlite3.Error)
Identity = tuple[int, int]


@dataclass(frozen=True)
class Hit:
    """Where a person was found; `place` is a table and column, or the bytes. Never what was found."""

    file: Path
    place: str


@dataclass(frozen=True)
class Scan:
    """What a search found, and what it looked at: devices and inodes, for a file may have several names."""

    hits: tuple[Hit, ...]
    files: frozenset[Identity]
    size_bytes: int


def scan(
    root: Path,
    search_terms: SearchTerms,
    without: Collection[Path] = (),
    others: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Scan:
    """Look at every file under `root`, linked folders included; files and folders in `without` are left out.

    `others` holds, by search term, ids of others that contain it. A folder in `without` that holds `root` itself
    leaves nothing out. A file that cannot be read is a hit: not looked at is not proven.
    """
    search = Search(search_terms, others)
    left_out = [one.resolve() for one in without if not root.resolve().is_relative_to(one.resolve())]
    hits: list[Hit] = []
    files: set[Identity] = set()
    size_bytes = 0
    for path in _files_of(root, left_out):
        files.add(identity(path))
        size_bytes += path.stat().st_size
        hits += search.hits_in(path, name=str(path.relative_to(root)))
    return Scan(tuple(hits), frozenset(files), size_bytes)


def landed_files_of(landing: Path, search_terms: SearchTerms) -> tuple[str, ...]:
    """Return the files of the landing folder that still hold a search term, or cannot be read: others write them."""
    if not landing.is_dir():
        return ()
    search = Search(search_terms, {})
    return tuple(
        entry.name
        for entry in find_files(landing)
        if isinstance(entry, LandedFile) and next(search.hits_in(entry.path, name=entry.name), None)
    )


def _files_of(root: Path, left_out: Collection[Path]) -> Iterator[Path]:
    """Yield every file once, whatever its names: a published file has two, and a folder may be linked in a loop."""
    seen: set[Identity] = set()
    for name, folders, files in os.walk(root, followlinks=True):
        folder = Path(name)
        if identity(folder) in seen or any(folder.resolve().is_relative_to(one) for one in left_out):
            folders.clear()
            continue
        seen.add(identity(folder))
        folders.sort()
        for path in sorted(folder / file for file in files):
            if not path.is_file() or any(path.resolve().is_relative_to(one) for one in left_out):
                continue
            if identity(path) not in seen:
                seen.add(identity(path))
                yield path


def identity(path: Path) -> Identity:
    """Return the device and the inode of a file, which all its names share."""
    status = path.stat()
    return status.st_dev, status.st_ino


class Search:
    """What is looked for, and the ways into a file; `others` holds, by search term, ids of others that contain it."""

    def __init__(self, search_terms: SearchTerms, others: Mapping[str, tuple[str, ...]]) -> None:
        self._search = ProofSearch(search_terms.long_ids, search_terms.short_ids, search_terms.texts, others)
        self._ids = frozenset((*search_terms.ids, *search_terms.keys))

    def hits_in(self, path: Path, *, name: str) -> Iterator[Hit]:
        """Yield where in a file, called `name` in its folder, something is found, or why it cannot be read."""
        try:
            yield from self._hits_in(path, name)
        except _UNREADABLE as error:
            yield Hit(path, f"cannot be read ({type(error).__name__})")

    def _hits_in(self, path: Path, name: str) -> Iterator[Hit]:
        with path.open("rb") as file:
            first = file.read(16)
        if first[8:12] == _DUCKDB_MAGIC:
            yield from self._in_duckdb(path)
        elif first.startswith(_PARQUET_MAGIC):
            yield from self._in_parquet(path)
        elif first == _SQLITE_MAGIC:
            yield from self._in_sqlite(path)
        elif first.startswith(_GZIP_MAGIC):
            with gzip.open(path, "rb") as stream:
                if self._is_in_stream(stream):
                    yield Hit(path, "what it unpacks to")
        with path.open("rb") as file:
            if self._is_in_stream(file):
                yield Hit(path, "its bytes")
        if self._search.is_in(os.fsencode(name)):
            # A path with the id in it is not shown.
            yield Hit(path.parent, "the name of a file in it")

    def _in_duckdb(self, path: Path) -> Iterator[Hit]:
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.execute(f"attach {text_literal(str(path))} as looked (read_only)")
            connection.execute("use looked")
            for schema, table, column in text_columns(connection):
                if self._is_in_column(connection, f"{quoted(schema)}.{quoted(table)}", column):
                    yield Hit(path, f"{schema}.{table}.{column}")

    def _in_parquet(self, path: Path) -> Iterator[Hit]:
        with duckdb.connect(config={"threads": 2}) as connection:
            # read_parquet takes a pattern: in a list of brackets every special letter stands for itself.
            name = re.sub(r"[*?\[]", lambda match: f"[{match[0]}]", str(path))
            table = f"read_parquet({text_literal(name)})"
            for column, kind, *_ in connection.execute(f"describe select * from {table}").fetchall():
                if _holds_text(kind) and self._is_in_column(connection, table, column):
                    yield Hit(path, column)

    def _is_in_column(self, connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
        return next(self._blocks_with(connection, table, column), None) is not None

    def values_in_column(self, connection: duckdb.DuckDBPyConnection, table: str, column: str) -> Iterator[str]:
        """Yield the values of a column, as text, in which something is found."""
        is_id = column.endswith(_ID_COLUMNS)
        for values in self._blocks_with(connection, table, column):
            for value in values:
                if self._search.is_in(value.encode(errors="surrogatepass")) or (is_id and value in self._ids):
                    yield value

    def _blocks_with(self, connection: duckdb.DuckDBPyConnection, table: str, column: str) -> Iterator[list[str]]:
        is_id = column.endswith(_ID_COLUMNS)
        held = connection.execute(f"select distinct {quoted(column)}::varchar from {table}")
        while rows := held.fetchmany(_ROWS_AT_ONCE):
            values = [value for (value,) in rows if value is not None]
            # Two lines apart, so that a value is never the continuation of another.
            if self._search.is_in("\n\n".join(values).encode(errors="surrogatepass")) or (
                is_id and not self._ids.isdisjoint(values)
            ):
                yield values

    def _in_sqlite(self, path: Path) -> Iterator[Hit]:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                if any(self._search.is_in(value) for value in _values(connection, table)):
                    yield Hit(path, table)

    def _is_in_stream(self, stream: IO[bytes] | gzip.GzipFile) -> bool:
        overlap = self._search.longest + 2 * AROUND_BYTES
        before, first = b"", 0
        while block := stream.read(_BLOCK_BYTES):
            data = before + block
            # What ends near the end is seen again, with what follows it; what begins near the start has been.
            if self._search.is_in(data, first=first, last=len(data) - AROUND_BYTES):
                return True
            before = data[-overlap:]
            first = AROUND_BYTES if len(before) < len(data) or first else 0
        return self._search.is_in(before, first=first)


def text_columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Return schema, table and name of every column of the current catalog's tables that can hold text."""
    columns = connection.execute(
        """select columns.schema_name, columns.table_name, columns.column_name, columns.data_type
        from duckdb_columns() as columns
        inner join duckdb_tables() as tables using (database_name, schema_name, table_name)
        where columns.database_name = current_database()
        order by columns.schema_name, columns.table_name, columns.column_index"""
    ).fetchall()
    return [(schema, table, column) for schema, table, column, kind in columns if _holds_text(kind)]


def _holds_text(kind: str) -> bool:
    return any(one in kind for one in ("VARCHAR", "JSON", "BLOB"))


def _values(connection: sqlite3.Connection, table: str) -> Iterator[bytes]:
    for row in connection.execute(f"select * from {quoted(table)}"):
        for value in row:
            if isinstance(value, str):
                yield value.encode(errors="surrogatepass")
            elif isinstance(value, bytes):
                yield value
