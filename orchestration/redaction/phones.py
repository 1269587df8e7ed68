"""Telephone numbers: by their international prefix, their grouping, or the word before them.

Candidates are found by a pattern of this module, and those in doubt are looked up in the numbering plans of
phonenumbers. Its own search in running text is not used: it takes seconds for a text of digits.
"""

import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from orchestration.redaction.announcements import Announcements
from orchestration.redaction.cues import Cue
from orchestration.redaction.spans import Span

_RUN = re.compile(r"(?<![\w+#])\+?\(?[0-9]++(?:[ ()./-]{1,3}+[0-9]++)*+")
_GROUP = re.compile(r"[0-9]++")
_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12][0-9]|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:[0-9]{4}|[0-9]{2})"
    r"|(?:0?[1-9]|1[0-2])([./-])(?:0?[1-9]|[12][0-9]|3[01])\2(?:[0-9]{4}|[0-9]{2})"
    r"|(?:19|20)[0-9]{2}([./-])(?:0?[1-9]|1[0-2])\3(?:0?[1-9]|[12][0-9]|3[01]))(?![./-]?[0-9])"
)
_SHAPED = re.compile(
    # North America and Brazil, where the grouping alone is enough.
    r"(?:(?:1[ .-])?(?:\([2-9][0-9]{2}\)[ .-]{0,2}+|[2-9][0-9]{2}[ .-]{1,2}+)[0-9]{3}[ .-][0-9]{4}"
    r"|(?:\([1-9][0-9]\)[ ]?|[1-9][0-9][ ])9?[0-9]{4}-[0-9]{4})(?![0-9])"
)
# What begins a number wherever it stands among others.
_PLAIN_BEGINNING = re.compile(rf"(?<![0-9+])(?:\(?\+\(?[0-9]|\([0-9]|(?={_SHAPED.pattern}))")
_WITHOUT_SIGNS = {ord(letter): None for letter in "+ ()./-"}
_AND_ANOTHER = re.compile(r"[\s,;]{0,3}(?:or|and|oder|und|o|y|ou|et|e)?[\s,;]{0,3}")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[. ][0-9]{3})+")
_MONEY_BEFORE = re.compile(r"(?:[$€£¥]|(?i:eur|usd|gbp|brl))[ ]?\Z")
_MONEY_AFTER = re.compile(r"[ ]?(?:[€$£¥%]|(?i:eur|usd|gbp|brl|euros?|pesos|reais|dollars?)\b)")
_DIGITS = range(7, 16)
_ANNOUNCED_DIGITS = range(7, 14)
_INTERNATIONAL_DIGITS = range(8, 16)
_NATIONAL_DIGITS = range(9, 14)
# Where a number without a prefix may belong: the countries of the shipped languages.
REGIONS = ("DE", "GB", "FR", "IT", "AT", "CH", "ES", "PT", "BR", "US")
_TRUNK_REGIONS = ("DE", "GB", "FR", "IT", "AT", "CH", "BR")
_FIXED_LENGTH_REGIONS = ("US", "GB", "FR", "ES", "PT", "BR", "IT")
# A text of more numbers in doubt than this is a list of them, and each of the rest is taken for what it looks like.
MOST_LOOKUPS = 200


class NumberingPlans:
    """Looks numbers up, each once, and MOST_LOOKUPS at most; after that every number is taken to exist.

    What has been refused stays refused, so that the second look at a text decides as the first one did.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[str, ...]], bool] = {}
        self.lookups = 0

    def have(self, digits: str, regions: tuple[str, ...]) -> bool:
        """Whether digits, with + or a trunk prefix, are a number of one of the regions; "" stands for any."""
        key = (digits, regions)
        if key not in self._known:
            if self.lookups >= MOST_LOOKUPS:
                return True
            self.lookups += 1
            self._known[key] = any(_exists(digits, region) for region in regions)
        return self._known[key]


def find_phones(text: str, announcements: Announcements, plans: NumberingPlans) -> Iterator[Span]:
    """Yield where telephone numbers stand in a normalised text, in order and without overlap."""
    announced: Cue | None = None
    end = 0
    for run in _RUN.finditer(text):
        if run.end() - run.start() < _DIGITS.start:
            continue
        if not (announced is Cue.PHONE and _AND_ANOTHER.fullmatch(text, end, run.start())):
            announced = announcements.of_phone(run.start())
        end = run.end()
        if announced is not Cue.OTHER_NUMBER or text[run.start()] == "+":
            yield from _in_run(text, run.start(), end, announced, plans)


def _in_run(text: str, start: int, end: int, announced: Cue | None, plans: NumberingPlans) -> Iterator[Span]:
    """Yield the numbers of digits that only blanks and signs separate, `announced` by the words before them."""
    at: int | None = start
    while at is not None:
        date = _DATE.match(text, at, end)
        found = date.end() if date else _end_of_number(text, at, end, announced, plans)
        if found is None:
            match = _PLAIN_BEGINNING.search(text, at + 1, end)
        else:
            if date is None:
                yield at, found
            match = _GROUP.search(text, found, end)
        at = match.start() if match else None


def _end_of_number(text: str, start: int, end: int, announced: Cue | None, plans: NumberingPlans) -> int | None:
    """Return where the longest number that begins here ends; None when none does."""
    shaped = _SHAPED.match(text, start, end)
    if shaped is not None and not text[shaped.end() : shaped.end() + 1].isalnum():
        return shaped.end()
    if announced is None and not text.startswith(("+", "0", "(+", "(0"), start):
        return None
    ends, digits = [], 0
    for group in _GROUP.finditer(text, start, end):
        digits += group.end() - group.start()
        if digits >= _DIGITS.stop:
            break
        if digits >= _DIGITS.start:
            ends.append((group.end(), digits))
    for last, digits in reversed(ends):
        following = text[last : last + 1]
        if not (following.isalpha() or following == "_") and _is_phone(text, start, last, digits, announced, plans):
            return last
    return None


def _is_phone(  # noqa: PLR0917 - a place, and what is known of it
    text: str, start: int, end: int, digits: int, announced: Cue | None, plans: NumberingPlans
) -> bool:
    candidate = text[start:end]
    if candidate.startswith(("+", "(+")):
        return digits in _INTERNATIONAL_DIGITS
    if _is_amount(text, start, end):
        return False
    compact = candidate.translate(_WITHOUT_SIGNS)
    if compact.startswith("00"):
        return digits - 2 in _INTERNATIONAL_DIGITS and plans.have("+" + compact[2:], ("",))
    if announced is Cue.PHONE:
        return digits in _ANNOUNCED_DIGITS
    if announced is Cue.NUMBER:
        return digits == _DIGITS.start or (digits in _ANNOUNCED_DIGITS and plans.have(compact, _FIXED_LENGTH_REGIONS))
    return compact.startswith("0") and digits in _NATIONAL_DIGITS and plans.have(compact, _TRUNK_REGIONS)


def _is_amount(text: str, start: int, end: int) -> bool:
    if text[start:end].startswith("0."):
        return True
    if _MONEY_BEFORE.search(text, max(0, start - 5), start):
        return True
    return bool(_THOUSANDS.fullmatch(text, start, end) and _MONEY_AFTER.match(text, end))


def _exists(digits: str, region: str) -> bool:
    library = _phonenumbers()
    try:
        number = library.parse(digits, region or None)
    except library.NumberParseException:
        return False
    return bool(library.is_valid_number(number) if region else library.is_possible_number(number))


@cache
def _phonenumbers() -> ModuleType:
    # 50 ms and 7 MB, which only a text with a number in doubt is worth; each region is read when it is first asked for.
    import phonenumbers  # noqa: PLC0415

    return phonenumbers
