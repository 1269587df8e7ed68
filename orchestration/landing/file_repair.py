"""Takes back what a file brought, and puts its present content in its place, or nothing.

What other files carried of the same events must not go with it. Raw keeps only the first line of an event, so every
file that had a duplicate of this one's, or a line refused because of one, is read again, in the order in which they
first landed, after the corrected file: that one keeps its place. All of it is one transaction.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.landing.file_load import FileLoad, Progress, StillWrittenError, load_within, transaction
from orchestration.landing.forgetting import KnownPath, forget_path, known_path, reopen_file, sharing_files
from orchestration.landing.landed_files import LandedFile, UnreadFile, find_files
from orchestration.landing.repair_summary import RepairSummary, Reread
from orchestration.landing.stage import LoadContext, make_context
from orchestration.warehouse.load_records import Counts, ManifestRow, next_load, read_when_found, write_files
from orchestration.warehouse.operations import mark_repaired, record_operation
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.utc import stored


class RepairError(Exception):
    """A file cannot be reloaded or excluded; nothing was changed, and the message gives the remedy."""


def repair_file(
    operation: Literal["reload", "exclude"],
    raw_database: Path,
    landing: Path,
    file: Path,
    *,
    seeds: Path,
    hash_key: bytes,
    stable_after: timedelta,
    now: datetime,
    on_progress: Progress,
) -> RepairSummary:
    """Take out all that the path of `file` ever brought; `reload` puts its present content in its place.

    An excluded file stays where it is and does not land again while its content is what it was. The other arguments are
    those of load_landing. Raises RepairError for a file that never landed, and for one that has to be read and is
    missing or not whole; nothing is changed then.
    """
    if not raw_database.exists():
        raise RepairError(f"{raw_database} does not exist: nothing has landed yet; make run loads the landing folder")
    entries = {entry.name: entry for entry in find_files(landing)}
    with open_raw(raw_database) as connection:
        known = _known(connection, landed_name(landing, file))
        load_id, loaded_at = next_load(connection, stored(now))
        context = make_context(connection, seeds, hash_key, load_id, loaded_at)
        with transaction(connection):
            summary = _Repair(context, entries, stable_after, now, on_progress).repair(operation, known)
            record_operation(connection, operation, performed_at=loaded_at, load_id=load_id, detail=summary.detail())
    return summary


def landed_name(landing: Path, file: Path) -> str:
    """Return the name a file has in raw: its path relative to the landing folder, with forward slashes.

    `file` is a path of the file system, or already such a name.
    """
    for path, folder in ((file.absolute(), landing.absolute()), (file.resolve(), landing.resolve())):
        normal = Path(os.path.normpath(path))
        if normal.is_relative_to(folder):
            return normal.relative_to(folder).as_posix()
    return file.as_posix()


@dataclass(frozen=True)
class _Repair:
    """One repair inside its transaction; `entries` is the landing folder by name."""

    context: LoadContext
    entries: Mapping[str, LandedFile | UnreadFile]
    stable_after: timedelta
    now: datetime
    on_progress: Progress

    def repair(self, operation: Literal["reload", "exclude"], known: KnownPath) -> RepairSummary:
        connection, load_id = self.context.connection, self.context.load_id
        mark_repaired(
            connection,
            operation,
            source=known.source,
            load_id=load_id,
            condition="_file = $file",
            parameters={"file": known.file},
        )
        # Before the path is forgotten: its first load determines which files came after it.
        sharing = sharing_files(connection, known)
        forgotten = forget_path(connection, known)
        if operation == "reload":
            counts = self._load(known.file, "put the corrected file there, or exclude it").counts
        else:
            counts = _keep_out(self.context, known)
        rereads, missing = self._read_again(sharing)
        return RepairSummary(operation, known.file, load_id, forgotten, counts, rereads, missing)

    def _read_again(self, sharing: list[str]) -> tuple[tuple[Reread, ...], tuple[str, ...]]:
        """Read the files that may hold lines of forgotten events; those that are away are read when they come back."""
        rereads: list[Reread] = []
        missing: list[str] = []
        for name in sharing:
            reopen_file(self.context.connection, name)
            if isinstance(self.entries.get(name), LandedFile):
                rereads.append(Reread(name, self._load(name, "put it back").counts))
            else:
                read_when_found(self.context.connection, name)
                missing.append(name)
        return tuple(rereads), tuple(missing)

    def _load(self, name: str, advice: str) -> FileLoad:
        entry = self.entries.get(name)
        if entry is None:
            raise RepairError(f"{name} is not in the landing folder: {advice}")
        if isinstance(entry, UnreadFile):
            raise RepairError(f"{name}: {entry.cause}")
        modified_at = datetime.fromtimestamp(entry.modified_ns / 1e9, tz=UTC)
        try:
            return load_within(
                self.context, entry, is_stable=self.now - modified_at >= self.stable_after, on_progress=self.on_progress
            )
        except StillWrittenError as error:
            raise RepairError(f"{name} is not whole ({error}): write it to its end and try again") from error
        except OSError as error:
            raise RepairError(f"{name} cannot be read: {error.strerror or error}") from error


def _known(connection: duckdb.DuckDBPyConnection, name: str) -> KnownPath:
    known = known_path(connection, name)
    if known is None:
        names = [file for (file,) in connection.execute("select distinct file from raw.loaded_files").fetchall()]
        similar = get_close_matches(name, names, n=3)
        hint = f"; did you mean {' or '.join(similar)}?" if similar else ""
        raise RepairError(f"{name} has never landed: name a file of the landing folder{hint}")
    return known


def _keep_out(context: LoadContext, known: KnownPath) -> Counts:
    """Write a manifest row without lines: the content is known, so that no run loads it."""
    if not known.sha256:
        raise RepairError(f"{known.file} waits to be read again: put it back, run, and exclude it then")
    counts = Counts()
    row = ManifestRow(known.file, known.source, known.size_bytes, known.modified_ns, None, known.sha256, counts)
    write_files(context.connection, [row], context.load_id, context.loaded_at)
    return counts
