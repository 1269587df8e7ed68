"""Loads one file in one transaction: rows, texts, refusals and the manifest row together, or nothing."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import numpy as np
import pandas as pd

from orchestration.landing.addresses import replace_addresses
from orchestration.landing.contracts import LINEAGE_COLUMNS, SOURCES, SourceContract, content_columns
from orchestration.landing.directions import Directions, create_direction_tables
from orchestration.landing.duplicates import Verdicts, find_duplicates
from orchestration.landing.files import LandedFile
from orchestration.landing.lines import BrokenEnd, Chunk, RefusedLine
from orchestration.landing.manifest import Counts, known_rejects, write_file
from orchestration.landing.parsing import parse_statement
from orchestration.landing.reasons import CONFLICTING_DUPLICATE, UNKNOWN_SENDER_ROLE
from orchestration.landing.rejects import RejectWriter
from orchestration.landing.streams import read_file
from orchestration.landing.summary import KEPT_REJECTIONS


class StillWrittenError(Exception):
    """The file is not whole and may still be completed by its writer."""


@dataclass(frozen=True)
class FileLoad:
    """What the load of one file did; `first_refused` are (line, reason)."""

    counts: Counts
    reasons: Counter[str]
    first_refused: tuple[tuple[int, str], ...]
    note: str


def content_sha256(file: LandedFile) -> str:
    """Checksum of the file's content as far as its size when it was found. Raises OSError."""
    digest = hashlib.sha256()
    left = file.size_bytes
    with file.path.open("rb") as stream:
        while left > 0 and (block := stream.read(min(1 << 20, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def load_file(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    *,
    directions: Directions,
    hash_key: bytes,
    is_settled: bool,
    load_id: int,
    loaded_at: datetime,
    on_progress: Callable[[str], None],
) -> FileLoad:
    """Load a file whole; what fails on the way takes everything of it back.

    Raises StillWrittenError for an unfinished file that has not settled, OSError when it cannot be read.
    """
    digest = hashlib.sha256()
    connection.execute("begin")
    committed = False
    try:
        create_direction_tables(connection, directions, file.source)
        rejects = RejectWriter(file.source, file.name, load_id, loaded_at, known_rejects(connection, file.name))
        load = _Load(connection, SOURCES[file.source], file, hash_key, load_id, loaded_at, rejects)
        note = ""
        for part in read_file(file.path, file.size_bytes, digest):
            if isinstance(part, BrokenEnd):
                if part.may_be_completed and not is_settled:
                    raise StillWrittenError(part.cause)
                note = part.cause
                load.refuse([part.refused])
            else:
                load.take(part)
                on_progress(f"{file.name}: {load.counts.lines:,} lines")
        write_file(
            connection,
            file=file.name,
            source=file.source,
            size_bytes=file.size_bytes,
            modified_ns=file.modified_ns,
            sha256=digest.hexdigest(),
            counts=load.counts,
            load_id=load_id,
            loaded_at=loaded_at,
        )
        connection.execute("commit")
        committed = True
    finally:
        if not committed:
            connection.execute("rollback")
    return FileLoad(load.counts, load.rejects.reasons, tuple(load.rejects.first), note)


@dataclass
class _Load:
    """The chunks of one file on their way into the tables."""

    connection: duckdb.DuckDBPyConnection
    contract: SourceContract
    file: LandedFile
    hash_key: bytes
    load_id: int
    loaded_at: datetime
    rejects: RejectWriter
    counts: Counts = field(default_factory=Counts)

    def refuse(self, refused: list[RefusedLine]) -> None:
        self.rejects.write(self.connection, refused, self.counts, KEPT_REJECTIONS)

    def take(self, chunk: Chunk) -> None:
        """Parse, judge and insert a chunk."""
        refused = list(chunk.refused)
        if chunk.lines:
            self._parse(chunk)
            replace_addresses(self.connection, self.contract, self.hash_key)
            verdicts = find_duplicates(self.connection, self.contract, self.file.name, self.load_id)
            self.counts.duplicates += verdicts.duplicates
            self.counts.reread += verdicts.reread
            self.counts.accepted += self._insert(verdicts)
            refused.extend(self._refused_by_checks(chunk, verdicts))
        self.refuse(refused)

    def _parse(self, chunk: Chunk) -> None:
        # DuckDB keeps `parsed` of earlier chunks until the commit, and spills it to disk over its memory limit.
        lines = np.empty(len(chunk.lines), dtype=object)
        lines[:] = chunk.lines
        self.connection.register("chunk", pd.DataFrame({"_line": chunk.numbers, "line": lines}, copy=False))
        self.connection.execute(parse_statement(self.contract), {"loaded_at": self.loaded_at})
        self.connection.unregister("chunk")

    def _insert(self, verdicts: Verdicts) -> int:
        """Insert the new events in time order, so that a reader of some days skips the rest; return their number.

        The order holds within a chunk. Files are mostly written in time order, and sorting 50 columns costs as much
        as writing them: looking first is a hundredth of it.
        """
        row = self.connection.execute(
            """select count(*) from (
                select timestamp < lag(timestamp) over (order by _line) as goes_back from parsed where refusal is null
            ) where goes_back"""
        ).fetchone()
        order = "order by timestamp, _line" if row and row[0] else ""
        names = ", ".join(content_columns(self.contract))
        is_new = "refusal is null and not needs_role and _line not in (select _line from dropped)"
        rows = self.connection.execute(
            f"""
            insert into raw.{self.contract.name} ({", ".join(LINEAGE_COLUMNS)}, {names})
            select $load_id, $file, _line, $loaded_at, _event_hash, _line_hash, {names}
            from parsed where {is_new} {order}""",
            {"load_id": self.load_id, "file": self.file.name, "loaded_at": self.loaded_at},
        ).fetchone()
        self.connection.execute(
            f"""
            insert into raw.message_texts
            select $source, event_id, content, $load_id from parsed
            where {is_new} and content is not null {order}""",
            {"source": self.contract.name, "load_id": self.load_id},
        )
        return int(rows[0]) if rows else 0

    def _refused_by_checks(self, chunk: Chunk, verdicts: Verdicts) -> list[RefusedLine]:
        rows = self.connection.execute(
            f"""
            select _line, coalesce(refusal, '{UNKNOWN_SENDER_ROLE}') from parsed
            where refusal is not null or (needs_role and _line not in (select _line from dropped))"""
        ).fetchall()
        rows.extend((line, CONFLICTING_DUPLICATE) for line in verdicts.conflicting)
        refused = []
        for line, reason in rows:
            text = chunk.lines[int(np.searchsorted(chunk.numbers, line))]
            refused.append(RefusedLine(line, reason, text, len(text.encode())))
        return refused
