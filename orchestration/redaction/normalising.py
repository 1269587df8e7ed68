"""One form of a text to search in, whatever letters it was written with; and the way back to the text itself.

A letter that stands for one other letter counts as that one (NFKC: full-width letters, digits of any script, blanks
and dashes of any width), and what is not seen between two letters (zero-width characters, marks above a letter) is left
out. A letter that stands for several, such as a ligature, stays as it is.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

# Marks and invisible characters, by general category; blanks and dashes by theirs.
_LEFT_OUT = frozenset({"Mn", "Me", "Cf"})
_MARKS = frozenset({"Mn", "Me"})
# Letters without case, and numbers without a letter: most of Unicode, and nothing here is written with them.
_OTHERS = frozenset({"Lo", "Cn", "Co", "Cs"})
_KIND_LETTERS = {"Zs": " ", "Zl": "\n", "Zp": "\n", "Pd": "-"}
# Signs that are drawn like another one and have no decomposition: minus, fraction and division slash, dots, ratio.
_LOOKALIKES = {
    **dict.fromkeys("\u2212\u2043\u207b\u208b", "-"),
    **dict.fromkeys("\u2044\u2215\u29f8", "/"),
    **dict.fromkeys("\u00b7\u2022\u2219\u22c5\u3002\uff61\u0387\ufe12", "."),
    "\u2236": ":",
    # Fillers of Hangul, which show nothing.
    **dict.fromkeys("\u115f\u1160\u3164\uffa0", ""),
}


@dataclass(frozen=True)
class Normalised:
    """A text to search in; `places` are those of its letters in `original`, None when they are the same."""

    original: str
    text: str
    places: Sequence[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part that is not empty stands in the original, with the marks on its last letter."""
        if self.places is None:
            return start, end
        last = self.places[end - 1] + 1
        while last < len(self.original) and unicodedata.category(self.original[last]) in _MARKS:
            last += 1
        return self.places[start], last

    def place(self, at: int) -> int:
        """Return the place in the normalised text of the first letter at or after a place in the original."""
        return at if self.places is None else bisect_left(self.places, at)


class _Letters(dict[int, str]):
    """What each letter counts as, by its number: filled as letters are met, because most of Unicode never is."""

    def __missing__(self, number: int) -> str:
        found = self[number] = _counts_as(chr(number))
        return found


_LETTERS = _Letters()


def normalise(text: str) -> Normalised:
    """Return the text to search in. The work grows with the length of the text."""
    if text.isascii():
        return Normalised(text, text, None)
    normalised = text.translate(_LETTERS)
    if len(normalised) == len(text):
        # A letter counts as one or as none.
        return Normalised(text, normalised, None)
    kept = map(_LETTERS.__getitem__, map(ord, text))
    return Normalised(text, normalised, list(compress(range(len(text)), kept)))


def _counts_as(letter: str) -> str:  # noqa: PLR0911 - a case each
    if letter.isascii():
        return letter
    if letter in _LOOKALIKES:
        return _LOOKALIKES[letter]
    category = unicodedata.category(letter)
    if category in _OTHERS:
        return letter
    if category in _LEFT_OUT:
        return ""
    if category in _KIND_LETTERS:
        return _KIND_LETTERS[category]
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    base = "".join(one for one in unicodedata.normalize("NFKD", letter) if unicodedata.category(one) not in _MARKS)
    return base if len(base) == 1 else letter
