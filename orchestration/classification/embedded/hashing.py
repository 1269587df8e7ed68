"""Hashes the words and letter sequences of many texts at once, without a Python loop over letters.

A hash of any stretch of text is a difference of two prefix sums: sum(letter * BASE**position), modulo 2**64.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BUCKET_BITS = 14
BUCKETS = 1 << BUCKET_BITS
LETTER_RUNS = (3, 4, 5)
# Later words of a very long message add little; the bound keeps one message from costing as much as a thousand.
LONGEST_TEXT_CHARACTERS = 1_000

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_KIND = 0xA0761D6478BD642F
_SEPARATOR = "\n"
_ZERO, _NINE = ord("0"), ord("9")


@dataclass(frozen=True)
class HashedTexts:
    """Buckets (0..BUCKETS-1) of all texts, one after the other; text i has `buckets[starts[i]:starts[i + 1]]`."""

    buckets: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.starts) - 1

    def take(self, index: npt.NDArray[np.int64]) -> "HashedTexts":
        """Return the texts at `index`, in its order."""
        counts = np.diff(self.starts)[index]
        starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
        positions = np.repeat(self.starts[index] - starts[:-1], counts) + np.arange(starts[-1])
        return HashedTexts(self.buckets[positions], starts)


def hash_texts(texts: Sequence[str]) -> HashedTexts:
    """Return the buckets of words, pairs of words and letter sequences (3 to 5) of lower-case texts; digits are alike.

    A text of fewer than two letters may have no bucket at all.
    """
    joined = _SEPARATOR + "".join(
        text[:LONGEST_TEXT_CHARACTERS].replace(_SEPARATOR, " ") + _SEPARATOR for text in texts
    )
    letters = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    letters[(letters >= _ZERO) & (letters <= _NINE)] = _ZERO
    is_separator = letters == ord(_SEPARATOR)
    # The separator before a text belongs to it: it marks where its first word starts.
    text_of = np.cumsum(is_separator) - 1
    powers = _powers(_BASE, len(letters))
    inverses = _powers(_INVERSE, len(letters))
    sums = np.concatenate((np.zeros(1, dtype=np.uint64), np.cumsum(letters * powers, dtype=np.uint64)))
    parts = [
        *(_letter_runs(sums, inverses, is_separator, length) for length in LETTER_RUNS),
        *_words(letters, sums, inverses, text_of),
    ]
    hashes = np.concatenate([hashes for hashes, _ in parts])
    owners = np.concatenate([text_of[positions] for _, positions in parts])
    order = np.argsort(owners, kind="stable")
    buckets = ((hashes[order] * _SPREAD) >> np.uint64(64 - BUCKET_BITS)).astype(np.int32)
    counts = np.bincount(owners, minlength=len(texts))[: len(texts)]
    return HashedTexts(buckets, np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts))))


_Hashes = tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]


def _letter_runs(
    sums: npt.NDArray[np.uint64], inverses: npt.NDArray[np.uint64], is_separator: npt.NDArray[np.bool_], length: int
) -> _Hashes:
    count = max(len(is_separator) - length + 1, 0)
    ends = np.cumsum(is_separator)
    # A run may start with the separator, and end with one, but not span two texts.
    inner = ends[length - 2 : length - 2 + count] - ends[:count] if count else np.zeros(0, dtype=np.int64)
    positions = np.flatnonzero(inner == 0)
    values = (sums[positions + length] - sums[positions]) * inverses[positions]
    return values + _salt(length), positions


def _words(
    letters: npt.NDArray[np.uint64],
    sums: npt.NDArray[np.uint64],
    inverses: npt.NDArray[np.uint64],
    text_of: npt.NDArray[np.int64],
) -> list[_Hashes]:
    is_letter = (
        ((letters >= ord("a")) & (letters <= ord("z")))
        | ((letters >= 0xC0) & (letters < 0x2000))
        | (letters >= 0x3000)
        | (letters == _ZERO)
        | (letters == ord("'"))
    )
    is_mark = (letters == ord("?")) | (letters == ord("!"))
    before = np.concatenate((np.zeros(1, dtype=np.bool_), is_letter[:-1]))
    after = np.concatenate((is_letter[1:], np.zeros(1, dtype=np.bool_)))
    starts = np.flatnonzero((is_letter & ~before) | is_mark)
    ends = np.flatnonzero((is_letter & ~after) | is_mark) + 1
    words = (sums[ends] - sums[starts]) * inverses[starts]
    is_pair = text_of[starts[:-1]] == text_of[starts[1:]]
    pairs = (words[:-1] * _SPREAD + words[1:])[is_pair]
    return [(words + _salt(1), starts), (pairs + _salt(2), starts[:-1][is_pair])]


def _salt(kind: int) -> np.uint64:
    """Keep a word apart from a letter run of the same letters."""
    return np.uint64(_KIND * kind % (1 << 64))


def _powers(base: np.uint64, count: int) -> npt.NDArray[np.uint64]:
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)
