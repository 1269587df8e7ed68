"""What has been loaded, and what waits: raw.loaded_files and raw.pending_files."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import duckdb

RejectKey = tuple[str, str]


@dataclass(frozen=True)
class KnownFile:
    """The newest manifest row of a path."""

    size_bytes: int
    modified_ns: int
    identity: str | None
    sha256: str
    load_id: int

    def is_same(self, size_bytes: int, modified_ns: int, identity: str) -> bool:
        """Whether a file that is found at the path shows nothing of a change, unread."""
        return (self.size_bytes, self.modified_ns, self.identity) == (size_bytes, modified_ns, identity)


@dataclass(frozen=True)
class PendingFile:
    """A file that was not whole when it was looked at; `pending_since` UTC, naive."""

    file: str
    source: str
    size_bytes: int
    modified_ns: int
    pending_since: datetime
    cause: str


@dataclass
class Counts:
    """Lines of one load of a file: lines = accepted + rejected + duplicates; reread is a part of duplicates."""

    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    reread: int = 0

    @property
    def lines(self) -> int:
        """Lines of the file, blank ones apart."""
        return self.accepted + self.rejected + self.duplicates


@dataclass(frozen=True)
class ManifestRow:
    """The counts of raw.loaded_files for one load of a file."""

    file: str
    source: str
    size_bytes: int
    modified_ns: int
    identity: str | None
    sha256: str
    counts: Counts


def known_files(connection: duckdb.DuckDBPyConnection) -> dict[str, KnownFile]:
    """Read the newest manifest row of every path."""
    rows = connection.execute(
        """select file, size_bytes, modified_ns, identity, sha256, load_id from raw.loaded_files
        qualify row_number() over (partition by file order by load_id desc) = 1"""
    ).fetchall()
    return {file: KnownFile(*values) for file, *values in rows}


def pending_files(connection: duckdb.DuckDBPyConnection) -> dict[str, PendingFile]:
    """Read the files that waited when the last run ended."""
    rows = connection.execute(
        "select file, source, size_bytes, modified_ns, pending_since, cause from raw.pending_files"
    ).fetchall()
    return {row[0]: PendingFile(*row) for row in rows}


def replace_pending(connection: duckdb.DuckDBPyConnection, pending: list[PendingFile]) -> None:
    """Rewrite the list of waiting files."""
    connection.execute("begin")
    connection.execute("delete from raw.pending_files")
    for entry in pending:
        connection.execute(
            "insert into raw.pending_files (file, source, size_bytes, modified_ns, pending_since, cause) "
            "values (?, ?, ?, ?, ?, ?)",
            [entry.file, entry.source, entry.size_bytes, entry.modified_ns, entry.pending_since, entry.cause],
        )
    connection.execute("commit")


def next_load(connection: duckdb.DuckDBPyConnection, now: datetime) -> tuple[int, datetime]:
    """Give number and time (UTC, naive) of this load; the time never goes back, whatever the machine's clock does.

    Loads, operations and labellings share one count: a build covers all of them up to a number.
    """
    row = connection.execute(
        """select max(load_id), max(happened_at) from (
            select load_id, loaded_at as happened_at from raw.loaded_files
            union all
            select load_id, performed_at from raw.operations
            union all
            select _load_id, labelled_at from ledger.stage_labels
            union all
            select _load_id, labelled_at from ledger.message_labels
            union all
            select _load_id, called_at from ledger.llm_calls
            union all
            select _load_id, landed_at from ledger.human_labels)"""
    ).fetchone()
    last_id, last_at = row or (None, None)
    return (last_id or 0) + 1, now if last_at is None else max(now, last_at)


def known_rejects(connection: duckdb.DuckDBPyConnection, files: list[str]) -> dict[str, Counter[RejectKey]]:
    """Count how often each refused line (sha256, reason) of these paths is already kept; every path has its counts."""
    known: dict[str, Counter[RejectKey]] = {file: Counter() for file in files}
    if files:
        rows = connection.execute(
            """select _file, line_sha256, reason, count(*) from raw.rejected_events
            where _file in (select unnest($files::varchar[])) group by all""",
            {"files": files},
        ).fetchall()
        for file, sha256, reason, count in rows:
            known[file][sha256, reason] = count
    return known


def refresh_file(
    connection: duckdb.DuckDBPyConnection, file: str, load_id: int, *, size_bytes: int, modified_ns: int, identity: str
) -> None:
    """Note the new size, time and identity of a file whose content is the same, so that it is not read again."""
    connection.execute(
        "update raw.loaded_files set size_bytes = ?, modified_ns = ?, identity = ? where file = ? and load_id = ?",
        [size_bytes, modified_ns, identity, file, load_id],
    )


def read_when_found(connection: duckdb.DuckDBPyConnection, file: str) -> None:
    """Forget the content of a path that is known, not what it brought: the next run that finds it reads it again."""
    connection.execute("update raw.loaded_files set size_bytes = -1, sha256 = '' where file = ?", [file])


def write_files(
    connection: duckdb.DuckDBPyConnection, rows: list[ManifestRow], load_id: int, loaded_at: datetime
) -> None:
    """Add the manifest rows of a load."""
    # Bound as lists: a statement a file would cost as much as a small file's lines.
    columns = zip(
        *(
            (row.file, row.source, row.size_bytes, row.modified_ns, row.identity, row.sha256, *_numbers(row.counts))
            for row in rows
        ),
        strict=True,
    )
    kinds = ("varchar", "varchar", "bigint", "bigint", "varchar", "varchar", *("bigint",) * 5)
    connection.execute(
        f"""insert into raw.loaded_files (file, source, size_bytes, modified_ns, identity, sha256, lines, accepted,
            rejected, duplicates, reread, load_id, loaded_at)
        select {", ".join(f"unnest(?::{kind}[])" for kind in kinds)}, ?, ?""",
        [*(list(column) for column in columns), load_id, loaded_at],
    )


def _numbers(counts: Counts) -> tuple[int, ...]:
    return counts.lines, counts.accepted, counts.rejected, counts.duplicates, counts.reread
