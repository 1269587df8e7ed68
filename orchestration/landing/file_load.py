"""Loads each file in one transaction: rows, texts, refusals and the manifest row together, or nothing."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from orchestration.landing.contracts import SOURCES
from orchestration.landing.files import LandedFile, open_file
from orchestration.landing.lines import BrokenEnd, Chunk, RefusedLine
from orchestration.landing.manifest import Counts, known_rejects, write_file
from orchestration.landing.rejects import RejectWriter
from orchestration.landing.stage import LoadContext, Stage
from orchestration.landing.streams import read_file
from orchestration.landing.summary import KEPT_REJECTIONS
from orchestration.printable import one_line

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


def read_whole(file: LandedFile, *, is_settled: bool) -> WholeFile | None:
    """Read a file that fits one chunk; None when it does not.

    Raises StillWrittenError for an unfinished file that has not settled, OSError when it cannot be read.
    """
    digest = hashlib.sha256()
    chunk: Chunk | None = None
    end: list[RefusedLine] = []
    note = ""
    for part in read_file(file, digest):
        if isinstance(part, BrokenEnd):
            end, note = [_broken_end(part, is_settled=is_settled)], part.cause
        elif chunk is None:
            chunk = part
        else:
            return None
    if chunk is None:
        chunk = Chunk.empty()
    return WholeFile(file, Chunk(chunk.numbers, chunk.lines, [*chunk.refused, *end]), digest.hexdigest(), note)


def load_together(context: LoadContext, files: list[WholeFile], on_progress: Progress) -> Iterator[FileLoad]:
    """Load small files of one source: judged together, in their order, then each in a transaction of its own."""
    contract = SOURCES[files[0].file.source]
    stage = Stage(context, contract, [one.file.name for one in files], [one.chunk for one in files])
    for file_no, one in enumerate(files):
        writer = _Writer(context, one.file)
        with transaction(context.connection):
            writer.take(stage, file_no)
            on_progress(f"{one_line(one.file.name)}: {writer.counts.lines:,} lines")
            writer.finish(one.sha256)
        yield writer.outcome(one.note)


def load_file(context: LoadContext, file: LandedFile, *, is_settled: bool, on_progress: Progress) -> FileLoad:
    """Load a file of any size chunk by chunk; what fails on the way takes everything of it back.

    Raises StillWrittenError for an unfinished file that has not settled, OSError when it cannot be read.
    """
    with transaction(context.connection):
        return load_within(context, file, is_settled=is_settled, on_progress=on_progress)


def load_within(context: LoadContext, file: LandedFile, *, is_settled: bool, on_progress: Progress) -> FileLoad:
    """Load a file as `load_file` does, as a part of the caller's transaction."""
    digest = hashlib.sha256()
    writer = _Writer(context, file)
    note = ""
    for part in read_file(file, digest):
        if isinstance(part, BrokenEnd):
            writer.refuse([_broken_end(part, is_settled=is_settled)])
            note = part.cause
        else:
            writer.take(Stage(context, SOURCES[file.source], [file.name], [part]), 0)
            on_progress(f"{one_line(file.name)}: {writer.counts.lines:,} lines")
    writer.finish(digest.hexdigest())
    return writer.outcome(note)


def _broken_end(part: BrokenEnd, *, is_settled: bool) -> RefusedLine:
    if part.may_be_completed and not is_settled:
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
    """What one file has brought into the tables so far."""

    def __init__(self, context: LoadContext, file: LandedFile) -> None:
        self._context = context
        self._file = file
        self._rejects: RejectWriter | None = None
        self.counts = Counts()

    def take(self, stage: Stage, file_no: int) -> None:
        """Insert what a stage holds of the file."""
        staged = stage.file(file_no)
        stage.insert(file_no)
        self.counts.accepted += staged.accepted
        self.counts.duplicates += staged.duplicates
        self.counts.reread += staged.reread
        self.refuse(staged.refused)

    def refuse(self, refused: list[RefusedLine]) -> None:
        if not refused:
            return
        context, file = self._context, self._file
        if self._rejects is None:
            known = known_rejects(context.connection, file.name)
            self._rejects = RejectWriter(
                file.source, file.name, context.load_id, context.loaded_at, known, context.suppressions
            )
        self._rejects.write(context.connection, refused, self.counts, KEPT_REJECTIONS)

    def finish(self, sha256: str) -> None:
        """Write the manifest row."""
        write_file(
            self._context.connection,
            file=self._file.name,
            source=self._file.source,
            size_bytes=self._file.size_bytes,
            modified_ns=self._file.modified_ns,
            sha256=sha256,
            counts=self.counts,
            load_id=self._context.load_id,
            loaded_at=self._context.loaded_at,
        )

    def outcome(self, note: str) -> FileLoad:
        if self._rejects is None:
            return FileLoad(self.counts, Counter(), (), note)
        return FileLoad(self.counts, self._rejects.reasons, tuple(self._rejects.first), note)
