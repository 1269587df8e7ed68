"""Loads a file in one transaction, small ones together: rows, texts, refusals and manifest rows, or nothing."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from orchestration.landing.landed_files import LandedFile, open_file
from orchestration.landing.lines import BrokenEnd, Chunk, RefusedLine
from orchestration.landing.rejects import RejectJudge, RejectRow, insert_rejects
from orchestration.landing.stage import LoadContext, Stage, StagedFile
from orchestration.landing.streams import read_file
from orchestration.landing.summary import KEPT_REJECTIONS
from orchestration.redaction.printable import one_line
from orchestration.warehouse.load_records import Counts, ManifestRow, RejectKey, known_rejects, write_files
from orchestration.warehouse.source_contracts import SOURCES

Progress = Callable[[str], None]


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
    with open_file(file) as stream:
        while left > 0 and (block := stream.read(min(1 << 20, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class WholeFile:
    """A small file, read to its end and not yet loaded."""

    file: LandedFile
    chunk: Chunk
    sha256: str
    note: str


def read_whole(file: LandedFile, *, is_stable: bool) -> WholeFile | None:
    """Read a file that fits one chunk; None when it does not.

    Raises StillWrittenError for an unfinished file that is not stable yet, OSError when it cannot be read.
    """
    digest = hashlib.sha256()
    chunk: Chunk | None = None
    end: list[RefusedLine] = []
    note = ""
    for part in read_file(file, digest):
        if isinstance(part, BrokenEnd):
            end, note = [_broken_end(part, is_stable=is_stable)], part.cause
        elif chunk is None:
            chunk = part
        else:
            return None
    if chunk is None:
        chunk = Chunk.empty()
    return WholeFile(file, Chunk(chunk.numbers, chunk.lines, [*chunk.refused, *end]), digest.hexdigest(), note)


def load_together(context: LoadContext, files: list[WholeFile], on_progress: Progress) -> list[FileLoad]:
    """Load small files of one source, of different names: judged together, in their order, and in one transaction."""
    names = [one.file.name for one in files]
    stage = Stage(context, SOURCES[files[0].file.source], names, [one.chunk for one in files])
    refusing = [name for file_no, name in enumerate(names) if stage.file(file_no).refused]
    known = known_rejects(context.connection, refusing)
    writers = [_Writer(context, one.file, known.get(one.file.name)) for one in files]
    rejected: list[RejectRow] = []
    with transaction(context.connection):
        stage.insert()
        for file_no, writer in enumerate(writers):
            rejected += writer.take(stage.file(file_no))
            on_progress(f"{one_line(names[file_no])}: {writer.counts.lines:,} lines")
        insert_rejects(context.connection, stage.source, rejected, context.load_id, context.loaded_at)
        rows = [writer.manifest_row(one.sha256) for writer, one in zip(writers, files, strict=True)]
        write_files(context.connection, rows, context.load_id, context.loaded_at)
    return [writer.outcome(one.note) for writer, one in zip(writers, files, strict=True)]


def load_file(context: LoadContext, file: LandedFile, *, is_stable: bool, on_progress: Progress) -> FileLoad:
    """Load a file of any size chunk by chunk; what fails on the way takes everything of it back.

    Raises StillWrittenError for an unfinished file that is not stable yet, OSError when it cannot be read.
    """
    with transaction(context.connection):
        return load_within(context, file, is_stable=is_stable, on_progress=on_progress)


def load_within(context: LoadContext, file: LandedFile, *, is_stable: bool, on_progress: Progress) -> FileLoad:
    """Load a file as `load_file` does, as a part of the caller's transaction."""
    digest = hashlib.sha256()
    writer = _Writer(context, file)
    note = ""
    for part in read_file(file, digest):
        if isinstance(part, BrokenEnd):
            rejected = writer.refuse([_broken_end(part, is_stable=is_stable)])
            note = part.cause
        else:
            stage = Stage(context, SOURCES[file.source], [file.name], [part])
            stage.insert()
            rejected = writer.take(stage.file(0))
            on_progress(f"{one_line(file.name)}: {writer.counts.lines:,} lines")
        insert_rejects(context.connection, file.source, rejected, context.load_id, context.loaded_at)
    write_files(context.connection, [writer.manifest_row(digest.hexdigest())], context.load_id, context.loaded_at)
    return writer.outcome(note)


def _broken_end(part: BrokenEnd, *, is_stable: bool) -> RefusedLine:
    if part.may_be_completed and not is_stable:
        raise StillWrittenError(part.cause)
    return part.refused


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block did, or take all of it back when it raises."""
    connection.execute("begin")
    is_done = False
    try:
        yield
        is_done = True
    finally:
        if not is_done:
            connection.execute("rollback")
    # A commit that fails has taken everything back itself; a rollback after it would hide why, a full disk for one.
    connection.execute("commit")


class _Writer:
    """What one file has brought into the tables so far; `known` are its earlier refused lines, None if unread."""

    def __init__(self, context: LoadContext, file: LandedFile, known: Counter[RejectKey] | None = None) -> None:
        self._context = context
        self._file = file
        self._known = known
        self._rejects: RejectJudge | None = None
        self.counts = Counts()

    def take(self, staged: StagedFile) -> list[RejectRow]:
        """Count what a stage holds of the file; returns the refused lines that are to be kept."""
        self.counts.accepted += staged.accepted
        self.counts.duplicates += staged.duplicates
        self.counts.reread += staged.reread
        return self.refuse(staged.refused)

    def refuse(self, refused: list[RefusedLine]) -> list[RejectRow]:
        if not refused:
            return []
        context, file = self._context, self._file
        if self._rejects is None:
            if self._known is None:
                self._known = known_rejects(context.connection, [file.name])[file.name]
            self._rejects = RejectJudge(file.name, self._known, context.suppressions)
        return self._rejects.new_rows(refused, self.counts, KEPT_REJECTIONS)

    def manifest_row(self, sha256: str) -> ManifestRow:
        file = self._file
        return ManifestRow(
            file.name, file.source, file.size_bytes, file.modified_ns, file.identity, sha256, self.counts
        )

    def outcome(self, note: str) -> FileLoad:
        if self._rejects is None:
            return FileLoad(self.counts, Counter(), (), note)
        return FileLoad(self.counts, self._rejects.reasons, tuple(self._rejects.first), note)
