"""Looks through every file of a warehouse for a person who should be gone.

DuckDB and Parquet compress what they hold and SQLite splits it over pages, so their columns are read; the raw bytes of
every file are read as well.
"""

import gzip
import os
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.landing.fixed_strings import FixedStrings, spellings
from orchestration.landing.landed_files import LandedFile, find_files
from orchestration.privacy.search_terms import SearchTerms, TermFinder, term_finder, values_of
from orchestration.warehouse.quoting import quoted, text_literal

_BLOCK_BYTES = 16 << 20
_SQLITE_MAGIC = b"SQLite format 3\0"
_ID_COLUMNS = ("_id", "_key")


@dataclass(frozen=True)
class Hit:
    """Where a person was found; `place` is a table and column, or the bytes. Never what was found."""

    file: Path
    place: str


@dataclass(frozen=True)
class Scan:
    """What a search found, and how much it looked at."""

    hits: tuple[Hit, ...]
    files: int
    size_bytes: int


@dataclass(frozen=True)
class _Wanted:
    """The search terms, made ready for texts and for bytes."""

    finder: TermFinder
    ids: frozenset[str]
    in_bytes: FixedStrings
    short_ids: re.Pattern[bytes] | None
    overlap_bytes: int


def _wanted(search_terms: SearchTerms) -> _Wanted:
    in_bytes = search_terms.distinctive(is_bytes=True)
    short = b"|".join(re.escape(spelling.encode()) for one in search_terms.short_ids for spelling in spellings(one))
    return _Wanted(
        term_finder(search_terms),
        frozenset((*search_terms.ids, *search_terms.keys)),
        in_bytes,
        # Only where an id is expected: a number of one digit stands in every file.
        re.compile(rb"id[^0-9A-Za-z_\n]{1,8}(?:" + short + rb")[\"',}\s]") if short else None,
        # Longer than any search term with the letters around it.
        max(in_bytes.longest, 64) + 2,
    )


def scan(root: Path, search_terms: SearchTerms, without: Collection[Path] = ()) -> Scan:
    """Look at every file under `root`, linked folders included; files and folders in `without` are left out.

    A folder in `without` that holds `root` itself leaves nothing out. Raises OSError, duckdb.Error or sqlite3.Error for
    a file that cannot be read: not looked at is not proven.
    """
    wanted = _wanted(search_terms)
    left_out = [one.resolve() for one in without if not root.resolve().is_relative_to(one.resolve())]
    hits: list[Hit] = []
    files = size_bytes = 0
    for path in _files_of(root, left_out):
        files += 1
        size_bytes += path.stat().st_size
        hits += _scan_file(path, wanted)
    return Scan(tuple(hits), files, size_bytes)


def _files_of(root: Path, left_out: Collection[Path]) -> Iterator[Path]:
    """Yield every file once, whatever its names: a published file has two, and a folder may be linked in a loop."""
    seen: set[tuple[int, int]] = set()
    for name, folders, files in os.walk(root, followlinks=True):
        folder = Path(name)
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen or any(folder.resolve().is_relative_to(one) for one in left_out):
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        for path in sorted(folder / file for file in files):
            if not path.is_file() or any(path.resolve().is_relative_to(one) for one in left_out):
                continue
            status = path.stat()
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                yield path


def landed_files_of(landing: Path, search_terms: SearchTerms) -> tuple[str, ...]:
    """Return the files of the landing folder that still hold a search term: they belong to their writers."""
    if not landing.is_dir():
        return ()
    wanted = _wanted(search_terms)
    found = []
    for entry in find_files(landing):
        if isinstance(entry, LandedFile) and (
            any(_scan_parquet(entry.path, wanted))
            if entry.name.endswith(".parquet")
            else _holds_bytes(entry.path, wanted)
        ):
            found.append(entry.name)
    return tuple(found)


def _scan_file(path: Path, wanted: _Wanted) -> Iterator[Hit]:
    if path.suffix == ".duckdb":
        yield from _scan_duckdb(path, wanted)
    elif path.suffix == ".parquet":
        yield from _scan_parquet(path, wanted)
    else:
        with path.open("rb") as file:
            is_sqlite = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
        if is_sqlite:
            yield from _scan_sqlite(path, wanted)
    if _holds_bytes(path, wanted):
        yield Hit(path, "its bytes")


def _scan_duckdb(path: Path, wanted: _Wanted) -> Iterator[Hit]:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"attach {text_literal(str(path))} as looked (read_only)")
        columns = connection.execute(
            """select schema_name, table_name, column_name, data_type from duckdb_columns()
            where database_name = 'looked' and (schema_name, table_name) in (
                select (schema_name, table_name) from duckdb_tables() where database_name = 'looked')"""
        ).fetchall()
        for schema, table, column, kind in columns:
            if _holds_column(connection, f"looked.{quoted(schema)}.{quoted(table)}", column, kind, wanted):
                yield Hit(path, f"{schema}.{table}.{column}")


def _scan_parquet(path: Path, wanted: _Wanted) -> Iterator[Hit]:
    with duckdb.connect(config={"threads": 2}) as connection:
        # read_parquet takes a pattern: in a list of brackets every special letter stands for itself.
        name = re.sub(r"[*?\[]", lambda match: f"[{match[0]}]", str(path))
        table = f"read_parquet({text_literal(name)})"
        for column, kind, *_ in connection.execute(f"describe select * from {table}").fetchall():
            if _holds_column(connection, table, column, kind, wanted):
                yield Hit(path, column)


def _holds_column(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: str, wanted: _Wanted) -> bool:
    if not any(one in kind for one in ("VARCHAR", "JSON")):
        return False
    is_id = column.endswith(_ID_COLUMNS)
    held = connection.execute(f"select distinct {quoted(column)}::varchar from {table}")
    return any(wanted.finder.is_in(value) or (is_id and value in wanted.ids) for value in values_of(held))


def _scan_sqlite(path: Path, wanted: _Wanted) -> Iterator[Hit]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            cursor = connection.execute(f"select * from {quoted(table)}")
            if any(wanted.finder.is_in(value) for row in cursor for value in row if isinstance(value, str)):
                yield Hit(path, table)


def _holds_bytes(path: Path, wanted: _Wanted) -> bool:
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        before = b""
        while block := file.read(_BLOCK_BYTES):
            data = before + block
            # Latin-1 has a letter for every byte.
            if wanted.in_bytes.is_in(data.decode("latin-1")):
                return True
            if wanted.short_ids is not None and wanted.short_ids.search(data):
                return True
            before = data[-wanted.overlap_bytes :]
    return False
