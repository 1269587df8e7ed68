"""Opens a landed file as chunks of lines: plain text, gzip or Parquet."""

import io
import json
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

import duckdb

from orchestration.landing import reasons
from orchestration.landing.landed_files import LandedFile, open_file
from orchestration.landing.lines import BrokenEnd, Chunk, LineSplitter, RefusedLine, refuse
from orchestration.warehouse.scratch import scratch_folder

# Some 120,000 rows, a row group of DuckDB: it is written to the file as it is inserted, a part of one twice.
CHUNK_BYTES = 64 << 20
# A block is the least a chunk can be: of lines of two bytes it holds 131,072.
_BLOCK_BYTES = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
_PARQUET_ROWS = 500
# A small Parquet file can hold gigabytes of the same text; over this it is refused instead of filling the memory.
_PARQUET_LIMITS: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "memory_limit": "1GB"}


class Digest(Protocol):
    """A running checksum, as hashlib makes them."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""


class _BrokenStreamError(Exception):
    """The bytes of a file end or go wrong before its content does."""

    def __init__(self, cause: str, reason: str, *, may_be_completed: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.reason = reason
        self.may_be_completed = may_be_completed


class _Hashing(io.RawIOBase):
    """Reads at most `size` bytes of a file, what a writer appends meanwhile is not seen, and sums them up."""

    def __init__(self, file: BinaryIO, size: int, digest: Digest) -> None:
        self._file = file
        self._left = size
        self._digest = digest

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        self._digest.update(data)
        return data


def read_file(file: LandedFile, digest: Digest) -> Iterator[Chunk | BrokenEnd]:
    """Chunks of a file as far as its size when it was found, then its broken end if it has one.

    `digest` (hashlib) has taken every byte once the iterator is used up. Raises OSError when the file cannot be read.
    """
    size = file.size_bytes
    with open_file(file) as opened:
        source = _Hashing(opened, size, digest)
        if file.name.endswith(".parquet"):
            yield from _read_parquet(opened, source, size)
            return
        yield from _split(_gunzip(source, size) if file.name.endswith(".gz") else _plain(source))
        while source.read(_BLOCK_BYTES):
            pass


def _plain(source: _Hashing) -> Iterator[bytes]:
    while block := source.read(_BLOCK_BYTES):
        yield block


def _gunzip(source: _Hashing, size: int) -> Iterator[bytes]:
    """Blocks of a gzip file of one or more members, at most _BLOCK_BYTES each however well it is compressed."""
    if size == 0:
        raise _BrokenStreamError("empty file", reasons.TRUNCATED_FILE, may_be_completed=True)
    pending = source.read(_BLOCK_BYTES)
    if not _GZIP_MAGIC.startswith(pending[:2]) and not pending.startswith(_GZIP_MAGIC):
        raise _BrokenStreamError("not a gzip file", reasons.MALFORMED_JSON, may_be_completed=False)
    while pending:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            pending = pending or source.read(_BLOCK_BYTES)
            is_at_end = not pending
            try:
                block = member.decompress(pending, _BLOCK_BYTES)
            except zlib.error as error:
                raise _BrokenStreamError(
                    f"gzip stream is corrupt: {error}", reasons.TRUNCATED_FILE, may_be_completed=False
                ) from error
            # Without input zlib may still hold output back, so the end shows only when it gives none.
            if is_at_end and not block and not member.eof:
                raise _BrokenStreamError("gzip stream is cut", reasons.TRUNCATED_FILE, may_be_completed=True)
            pending = member.unconsumed_tail
            if block:
                yield block
        # Zeros after a member are padding by the format's custom.
        pending = member.unused_data.lstrip(b"\0")
        while not pending and (more := source.read(_BLOCK_BYTES)):
            pending = more.lstrip(b"\0")


def _split(blocks: Iterator[bytes]) -> Iterator[Chunk | BrokenEnd]:
    splitter = LineSplitter()
    broken: _BrokenStreamError | None = None
    try:
        for block in blocks:
            splitter.feed(block)
            if splitter.held_bytes >= CHUNK_BYTES:
                yield splitter.chunk()
    except _BrokenStreamError as error:
        broken = error
    rest = splitter.rest()
    complete = broken is None and (rest is None or _is_whole(rest))
    splitter.close(complete=complete)
    yield splitter.chunk()
    if broken is not None:
        end = refuse(splitter.next_number, broken.reason, rest or b"")
        yield BrokenEnd(end, broken.cause, broken.may_be_completed)
    elif not complete:
        end = refuse(splitter.next_number, reasons.TRUNCATED_FILE, rest or b"")
        yield BrokenEnd(end, "last line is incomplete", may_be_completed=True)


def _is_whole(line: bytes) -> bool:
    """Whether a last line without a newline is JSON to its end."""
    try:
        # Numbers stay text: Python makes no int of more than 4,300 digits.
        json.loads(line.decode("utf-8"), parse_int=str, parse_float=str)
    except RecursionError:
        # Too deep to be checked here; as a line it is refused for its depth, which is clearer than a file that waits.
        return True
    except ValueError:
        return False
    return True


def _read_parquet(opened: BinaryIO, source: _Hashing, size: int) -> Iterator[Chunk | BrokenEnd]:
    head = tail = b""
    while block := source.read(_BLOCK_BYTES):
        head = head or block[:4]
        tail = (tail + block)[-4:]
    if head != _PARQUET_MAGIC and size >= len(_PARQUET_MAGIC):
        cause = "not a Parquet file"
        yield BrokenEnd(RefusedLine(1, reasons.MALFORMED_JSON, "", size), cause, may_be_completed=False)
    elif tail != _PARQUET_MAGIC or size < 12:
        cause = "Parquet file without its footer"
        yield BrokenEnd(RefusedLine(1, reasons.TRUNCATED_FILE, "", size), cause, may_be_completed=True)
    else:
        yield from _parquet_rows(opened, size)


def _parquet_rows(opened: BinaryIO, size: int) -> Iterator[Chunk | BrokenEnd]:
    """Each row as a line of JSON, so that Parquet goes the same way as text; absent values are left out as there."""
    splitter = LineSplitter()
    with (
        scratch_folder() as folder,
        duckdb.connect(config=_PARQUET_LIMITS | {"temp_directory": str(folder)}) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'")
        try:
            # By its descriptor: the name may lead elsewhere by now, and read_parquet would take it for a pattern.
            rows = connection.execute(
                "select json_merge_patch('{}', to_json(r)) from read_parquet(?) as r", [f"/dev/fd/{opened.fileno()}"]
            )
            while batch := rows.fetchmany(_PARQUET_ROWS):
                splitter.feed("".join(f"{line}\n" for (line,) in batch).encode())
                if splitter.held_bytes >= CHUNK_BYTES:
                    yield splitter.chunk()
        except duckdb.Error as error:
            is_too_large = isinstance(error, duckdb.OutOfMemoryException)
            reason = reasons.TOO_LARGE if is_too_large else reasons.MALFORMED_JSON
            cause = f"Parquet file cannot be read: {str(error).splitlines()[0]}"
            yield splitter.chunk()
            end = RefusedLine(splitter.next_number, reason, "", size)
            yield BrokenEnd(end, cause, may_be_completed=False)
            return
    yield splitter.chunk()
