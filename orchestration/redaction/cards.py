"""Payment cards: digits that begin like those of a brand, are as long, and end in Luhn's digit."""

import re
from collections.abc import Iterator

from orchestration.redaction.spans import Span

# Brands by first digits and lengths, ISO/IEC 7812: without them one order number in ten would pass for a card.
_BRANDS: tuple[tuple[int, int, range], ...] = (
    (4, 4, range(13, 20, 3)),
    (34, 34, range(15, 16)),
    (37, 37, range(15, 16)),
    (300, 305, range(14, 20)),
    (36, 36, range(14, 20)),
    (38, 39, range(14, 20)),
    (2200, 2204, range(16, 20)),
    (2221, 2720, range(16, 17)),
    (50, 59, range(13, 20)),
    (60, 69, range(13, 20)),
    (3528, 3589, range(16, 20)),
    (81, 82, range(16, 17)),
)
_DIGITS = range(13, 20)
_SINGLE = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_GAP = r"[ ./\-\n\r\t]{1,3}+"
# How cards are written in groups: by fours, by eights, as American Express and Diners Club print them, or not at all.
_GROUPED = re.compile(
    rf"(?<![0-9])(?=([2-68][0-9]{{3}}(?:{_GAP}[0-9]{{4}}){{2}}(?:{_GAP}[0-9]{{4}}|{_GAP}[0-9])"
    rf"|3[0-9]{{3}}{_GAP}[0-9]{{6}}{_GAP}[0-9]{{4,5}}|[2-68][0-9]{{7}}{_GAP}[0-9]{{8}}|[2-68][0-9]{{12,18}})(?![0-9]))"
)
# The last group of a card of more than 16 digits; it may also be something else, such as a check number.
_LAST_GROUP = re.compile(rf"{_GAP}[0-9]{{1,3}}(?![0-9])")
_SPACED_OUT = re.compile(rf"(?<![0-9])[0-9]{{1,2}}(?:{_GAP}[0-9]{{1,2}})++(?![0-9])")
_GROUP = re.compile(r"[0-9]++")
_WITHOUT_GAPS = {ord(letter): None for letter in " ./-\n\r\t"}
_MOST_LETTERS = 4 * _DIGITS.stop


def find_cards(text: str) -> Iterator[Span]:
    """Yield where payment cards stand in a normalised text; spans may overlap."""
    done = 0
    for match in _GROUPED.finditer(text):
        start, end = match.span(1)
        if start < done:
            continue
        more = _LAST_GROUP.match(text, end)
        if more is not None and is_card(text[start : more.end()].translate(_WITHOUT_GAPS)):
            end = more.end()
        elif not is_card(text[start:end].translate(_WITHOUT_GAPS)):
            continue
        yield start, end
        done = end
    for match in _SPACED_OUT.finditer(text):
        start, end = match.span()
        if end - start < _MOST_LETTERS and _is_even(match[0]) and is_card(match[0].translate(_WITHOUT_GAPS)):
            yield start, end


def is_card(digits: str) -> bool:
    """Whether a brand of payment cards has numbers that begin like this and are as long, and Luhn's digit is right."""
    return _luhn_is_right(digits) and any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last for first, last, lengths in _BRANDS
    )


def _luhn_is_right(digits: str) -> bool:
    # The last digit counts plain, the one before it doubled, and so on.
    backwards = digits[::-1].encode()
    return (sum(backwards[::2].translate(_SINGLE)) + sum(backwards[1::2].translate(_DOUBLED))) % 10 == 0


def _is_even(text: str) -> bool:
    """Whether all groups of digits are as long as the first, but for a shorter one at the end."""
    sizes = [len(group) for group in _GROUP.findall(text)]
    return set(sizes[:-1]) == {sizes[0]} and sizes[-1] <= sizes[0]
