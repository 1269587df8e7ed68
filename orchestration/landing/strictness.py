"""Finds what DuckDB's JSON reader takes though it is no JSON: trailing commas, NaN and Infinity in any letter case.

Everything else it refuses as the standard library does, and half surrogates too, which no UTF-8 text can hold.
"""

import json

import numpy as np
from numpy.typing import NDArray

_COMMA, _COLON, _NEWLINE, _MINUS = (np.uint8(ord(letter)) for letter in ",:\n-")
_OPEN_LIST, _CLOSE_OBJECT = (np.uint8(ord(letter)) for letter in "[}")
_A, _F, _I, _N = (np.uint8(ord(letter)) for letter in "afin")
# Two letters as a little-endian number.
_NA, _AN, _IN, _NF = (np.uint16(ord(pair[0]) | ord(pair[1]) << 8) for pair in ("na", "an", "in", "nf"))
_SPACE = np.uint8(ord(" "))
_LOWER = np.uint8(0x20)
# What the comparisons make of a block must stay in the processor's cache: at 1 MiB they take four times as long.
_BLOCK_BYTES = 1 << 17


def suspect_lines(body: bytes) -> list[int]:
    """Places (from 0) of the lines of `body` that may not be strict JSON; all others are, or DuckDB refuses them.

    Whole blocks at once: a regular expression over every line costs three times as much.
    """
    # The padding spares the comparisons below their ends.
    letters = np.frombuffer(b"\n" + body + b"\n\n", dtype=np.uint8)
    blocks = ((start, letters[start : start + _BLOCK_BYTES + 3]) for start in range(0, len(body), _BLOCK_BYTES))
    hits = np.concatenate([start + found(block) for start, block in blocks for found in (_after_comma, _not_finite)])
    if not hits.size:
        return []
    newlines = np.flatnonzero(letters[1:] == _NEWLINE)
    return [int(place) for place in np.unique(np.searchsorted(newlines, hits - 1))]


def _after_comma(letters: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Places of closing brackets behind a comma, or behind white space that a comma may stand before."""
    # Setting this bit makes } of ], and of nothing else but } itself.
    closing = np.flatnonzero((letters[1:] | _LOWER) == _CLOSE_OBJECT)
    before = letters[closing]
    return np.asarray(closing[(before == _COMMA) | (before <= _SPACE)] + 1, dtype=np.int64)


def _not_finite(letters: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Places of nan and inf where a value may begin."""
    lower = letters | _LOWER
    # Two letters at a time, at even places: a word that starts at an odd one shows its second and third.
    pairs = lower[: len(lower) & ~1].view("<u2")
    evens = np.flatnonzero((pairs == _NA) | (pairs == _IN)) * 2
    odds = np.flatnonzero((pairs == _AN) | (pairs == _NF)) * 2 - 1
    words = np.concatenate([evens, odds])
    words = words[(words > 0) & (words < len(lower) - 2)]
    before, first, second, third = letters[words - 1], lower[words], lower[words + 1], lower[words + 2]
    is_word = ((first == _N) & (second == _A) & (third == _N)) | ((first == _I) & (second == _N) & (third == _F))
    starts = (before <= _SPACE) | (before == _COLON) | (before == _COMMA) | (before == _OPEN_LIST) | (before == _MINUS)
    return np.asarray(words[is_word & starts], dtype=np.int64)


def is_strict(line: str) -> bool:
    """Whether the standard library reads a line as JSON, NaN and Infinity refused."""
    try:
        # Numbers stay text: one of more than 4,300 digits is JSON, though Python would not make an int of it.
        json.loads(line, parse_constant=_refuse_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
