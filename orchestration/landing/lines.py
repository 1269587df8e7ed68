"""Splits a stream of bytes into numbered lines; never holds more than one chunk and one line's limit of it."""

import hashlib
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orchestration.landing import reasons
from orchestration.landing.strictness import is_strict, suspect_lines

LINE_LIMIT_BYTES = 1 << 20
# Kept of a refused line: 4 KiB, and a little more so that an address at the cut is seen whole by the masking.
HEAD_BYTES = 4096 + 64
# Far above any event; JSON readers downstream recurse and would fall over at some thousands.
MAX_NESTING = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NEWLINE, _SPACE, _DELETE = np.uint8(ord("\n")), np.uint8(ord(" ")), np.uint8(0x7F)
_OPEN_OBJECT, _LOWER = np.uint8(ord("{")), np.uint8(0x20)
# A line is held as objects many times its size: charged for at least this much, lines of two bytes cannot fill memory.
LINE_COST_BYTES = 256
# A string to its end, or to that of the line; possessive, because a line of quotes would be tried from every one.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class RefusedLine:
    """A line that no event comes from. `sha256` None: taken of the masked text when it is stored."""

    number: int
    reason: str
    head: str
    length_bytes: int
    sha256: str | None = None


@dataclass(frozen=True)
class Chunk:
    """Lines of one piece of a file: `numbers` (int64, 1-based, ascending) and `lines` go together by position."""

    numbers: NDArray[np.int64]
    lines: list[str]
    refused: list[RefusedLine]

    @property
    def held_bytes(self) -> int:
        """What the chunk holds in memory, about."""
        lines = max(sum(map(len, self.lines)), LINE_COST_BYTES * len(self.lines))
        return lines + sum(max(len(one.head), LINE_COST_BYTES) for one in self.refused)

    @classmethod
    def empty(cls) -> "Chunk":
        """No lines at all."""
        return cls(np.empty(0, dtype=np.int64), [], [])


@dataclass(frozen=True)
class BrokenEnd:
    """What stands after the last readable line. `may_be_completed`: its writer may still be at work."""

    refused: RefusedLine
    cause: str
    may_be_completed: bool


class _OversizeLine:
    """A line over the limit: its beginning, length and running checksum are kept, the rest is let go."""

    def __init__(self, beginning: bytes) -> None:
        self.head = beginning[:HEAD_BYTES]
        self.length_bytes = 0
        self._digest = hashlib.sha256()
        self.update(beginning)

    def update(self, data: bytes) -> None:
        self.length_bytes += len(data)
        self._digest.update(data)

    def refused(self, number: int) -> RefusedLine:
        head = self.head.decode("utf-8", errors="replace")
        return RefusedLine(number, reasons.TOO_LARGE, head, self.length_bytes, self._digest.hexdigest())


@dataclass
class LineSplitter:
    """Takes blocks of bytes, gives chunks of lines.

    Lines of white space only are not lines: they are not counted, but they keep their number, so that `_line` is
    the number an editor shows.
    """

    held_bytes: int = 0
    _number: int = 0
    _tail: bytes = b""
    _oversize: _OversizeLine | None = None
    _numbers: list[NDArray[np.int64]] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _refused: list[RefusedLine] = field(default_factory=list)
    _is_start: bool = True

    def feed(self, block: bytes) -> None:
        """Add the next bytes of the stream."""
        if self._oversize is not None:
            end = block.find(b"\n")
            if end < 0:
                self._oversize.update(block)
                return
            self._oversize.update(block[:end])
            self._close_oversize()
            block = block[end + 1 :]
        data = self._tail + block
        cut = data.rfind(b"\n")
        if cut >= 0:
            self._take(data[:cut])
        self._tail = data[cut + 1 :]
        if len(self._tail) > LINE_LIMIT_BYTES:
            self._oversize = _OversizeLine(self._tail)
            self._tail = b""

    def rest(self) -> bytes | None:
        """Return what stands after the last newline; None when that is white space or a line over the limit."""
        tail = self._tail.removeprefix(_BYTE_ORDER_MARK) if self._is_start else self._tail
        # By letters, as lines are judged: white space is more than that of ASCII.
        if self._oversize is not None or not tail.decode("utf-8", errors="replace").strip():
            return None
        return tail

    def close(self, *, complete: bool) -> None:
        """End the stream. `complete`: what stands after the last newline is a line of its own."""
        if self._oversize is not None:
            self._close_oversize()
        elif complete and self._tail:
            self._take(self._tail)
        self._tail = b""

    @property
    def next_number(self) -> int:
        """Number of the line that would come next."""
        return self._number + 1

    def chunk(self) -> Chunk:
        """Everything gathered since the last call."""
        numbers = np.concatenate(self._numbers) if self._numbers else np.empty(0, dtype=np.int64)
        chunk = Chunk(numbers, self._lines, self._refused)
        self._numbers, self._lines, self._refused, self.held_bytes = [], [], [], 0
        return chunk

    def _close_oversize(self) -> None:
        if self._oversize is not None:
            self._number += 1
            self._refused.append(self._oversize.refused(self._number))
        self._oversize = None

    def _take(self, body: bytes) -> None:
        """Split complete lines, `body` without the last newline. One look at all of them finds those to look closer at.

        Line by line only these are judged: the checks of a clean line cost more than splitting it off.
        """
        if self._is_start:
            body = body.removeprefix(_BYTE_ORDER_MARK)
            self._is_start = False
        if not body.strip():
            # A block of blank lines: one by one they would keep a small gzip file busy for an hour.
            self._number += body.count(b"\n") + 1
            return
        if b"\r" in body:
            body = body.replace(b"\r\n", b"\n").removesuffix(b"\r")
        starts, ends = _borders(body)
        self.held_bytes += max(len(body), LINE_COST_BYTES * len(starts))
        try:
            lines = body.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            for line in body.split(b"\n"):
                self._look_closer(line)
            return
        done = 0
        for place in _odd_lines(body, starts, ends):
            self._append(lines[done:place])
            self._look_closer(body[starts[place] : ends[place]])
            done = place + 1
        self._append(lines[done:] if done else lines)

    def _append(self, lines: list[str]) -> None:
        if lines:
            self._numbers.append(np.arange(self._number + 1, self._number + 1 + len(lines), dtype=np.int64))
            self._number += len(lines)
            self._lines.extend(lines)

    def _look_closer(self, raw: bytes) -> None:
        """Judge one line."""
        if len(raw) > LINE_LIMIT_BYTES:
            self._number += 1
            self._refused.append(_OversizeLine(raw).refused(self._number))
            return
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            self._number += 1
            self._refused.append(refuse(self._number, reasons.MALFORMED_JSON, raw))
            return
        if not line.strip():
            self._number += 1
        elif is_too_deep(line) or not is_strict(line):
            self._number += 1
            self._refused.append(refuse(self._number, reasons.MALFORMED_JSON, raw))
        else:
            self._append([line])


def _borders(body: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places where the lines of `body` start and end."""
    newlines = np.flatnonzero(np.frombuffer(body, dtype=np.uint8) == _NEWLINE)
    return np.concatenate(([0], newlines + 1)), np.append(newlines, len(body))


def _odd_lines(body: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[int]:
    """Places (from 0) of lines that may be blank, too long, too deep or no strict JSON; the others are none of it."""
    letters = np.frombuffer(body, dtype=np.uint8)
    # An empty last line starts behind the end.
    first = letters[np.minimum(starts, len(body) - 1)]
    # White space is more than that of ASCII, none of it is ASCII beyond the space.
    may_be_blank = (starts == ends) | (first <= _SPACE) | (first >= _DELETE)
    # Setting this bit makes { of [, and of nothing else but { itself.
    brackets = np.flatnonzero((letters | _LOWER) == _OPEN_OBJECT)
    bracket_counts = np.searchsorted(brackets, ends) - np.searchsorted(brackets, starts)
    is_odd = may_be_blank | (ends - starts > LINE_LIMIT_BYTES) | (bracket_counts > MAX_NESTING)
    is_odd[suspect_lines(body)] = True
    return [int(place) for place in np.flatnonzero(is_odd)]


def refuse(number: int, reason: str, raw: bytes) -> RefusedLine:
    """Make a refused line from its bytes; what is no UTF-8 becomes replacement characters."""
    return RefusedLine(number, reason, raw.decode("utf-8", errors="replace"), len(raw))


def is_too_deep(line: str) -> bool:
    """Whether the brackets of a JSON text nest deeper than MAX_NESTING."""
    if line.count("[") + line.count("{") <= MAX_NESTING:
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(line):
        bracket = match.group()
        if bracket[0] != '"':
            depth += 1 if bracket in "[{" else -1
        if depth > MAX_NESTING:
            return True
    return False
