"""Removes from a text what identifies or endangers a person, and reports what it removed.

Covered: e-mail addresses, phone numbers, payment cards (Luhn), IBANs (check digits), IP addresses, keys and passwords.
Not covered: names, postal addresses, birthdays, anything spelled out in words. No pattern can know a name from a word;
the labels of a model can.

Every pattern either is bounded or never takes back what it has consumed, so that the work grows with the length of the
text and not faster.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from orchestration.redaction.checksums import IBAN_LENGTHS, card_windows, is_iban
from orchestration.redaction.secrets import Span, find_secrets

# Raised with every change of what is found: all texts are then redacted again.
REDACTOR_VERSION = 2

_EMAIL_HERE = re.compile(r"[\w.!#$%'*+^{|}~-]++@(?:[\w-]{1,63}+\.){1,8}[\w-]{2,63}+")
EMAIL = re.compile(rf"(?<![\w.!#$%'*+^{{|}}~-]){_EMAIL_HERE.pattern}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ .\u00a0-]?[A-Za-z0-9]){11,30}+")
_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ .\u00a0-]?[0-9]){12,}+")
_IPV4 = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\.?[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:.]{2,45}+(?![0-9A-Za-z:])")
# A date, an hour and what follows are digits too; they are looked at before a phone number may begin with them.
_PHONE = re.compile(
    r"(?<![\w+])(?![0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}(?![0-9]))"
    r"(?:\+|00)?\(?[0-9](?:[ ()./\u00a0-]{0,3}+[0-9]){6,14}(?![0-9A-Za-z_])"
)
_NORTH_AMERICAN = re.compile(
    r"\(?[2-9][0-9]{2}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}|1[ .-]\(?[2-9][0-9]{2}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}"
)
_PHONE_WORD = re.compile(
    r"(?i)(?:phone|call|tel|mobile|cell|whatsapp|fax|number|nummer|telefon|handy|mobil|anrufen|tel[ée]fono|m[óo]vil|llame"
    r"|n[úu]mero)[^0-9+\n]{0,20}\Z"
)
_WORD_REACH = 40
_PHONE_DIGITS = range(7, 16)
_NATIONAL_DIGITS = range(9, 14)

PATTERNS = (EMAIL, _IBAN, _DIGITS, _IPV4, _IPV6, _PHONE, _NORTH_AMERICAN, _PHONE_WORD)


@dataclass(frozen=True)
class Redacted:
    """A text with placeholders such as [email] in the place of what was found, and how many of each kind."""

    text: str
    counts: Mapping[str, int]

    @property
    def count(self) -> int:
        """Return how many things were taken out."""
        return sum(self.counts.values())


def redact(text: str) -> Redacted:
    """Replace everything found by a placeholder of its kind; redacting twice changes nothing more."""
    counts: dict[str, int] = {}
    for kind, find in _FINDERS:
        spans = _merged(find(text))
        if spans:
            counts[kind] = len(spans)
            text = _replaced(text, spans, f"[{kind}]")
    return Redacted(text, counts)


def _merged(found: Iterator[Span]) -> list[Span]:
    """Overlapping spans become one: what belongs to either is taken out."""
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _replaced(text: str, spans: list[Span], placeholder: str) -> str:
    parts, place = [], 0
    for start, end in spans:
        parts += [text[place:start], placeholder]
        place = end
    return "".join([*parts, text[place:]])


def _find_emails(text: str) -> Iterator[Span]:
    match = EMAIL.search(text) if "@" in text else None
    while match:
        yield match.span()
        # What follows an address without a gap may be another one, which begins nowhere else.
        match = _EMAIL_HERE.match(text, match.end()) or EMAIL.search(text, match.end())


def _find_ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        # Words that follow are taken along by the pattern; the country determines where the number ends.
        length = IBAN_LENGTHS.get(match[0][:2].upper(), 0)
        places = [place for place, letter in enumerate(match[0]) if letter.isalnum()][:length]
        if len(places) == length > 0 and is_iban("".join(match[0][place] for place in places)):
            end = match.start() + places[-1] + 1
            if not text[end : end + 1].isalnum():
                yield match.start(), end


def _find_cards(text: str) -> Iterator[Span]:
    for match in _DIGITS.finditer(text):
        places = [place for place, letter in enumerate(match[0]) if letter.isdigit()]
        digits = "".join(match[0][place] for place in places)
        edges = [index for index in range(1, len(places)) if places[index] > places[index - 1] + 1]
        for start, end in card_windows(digits, [0, *edges], [*edges, len(places)]):
            yield match.start() + places[start], match.start() + places[end - 1] + 1


def _find_addresses(text: str) -> Iterator[Span]:
    if ":" in text:
        for match in _IPV6.finditer(text):
            # A full stop or colon that ends the sentence is none of the address.
            address = match[0].rstrip(".")
            if address.count(":") >= 2 and _is_address(address):
                yield match.start(), match.start() + len(address)
    for match in _IPV4.finditer(text):
        if _is_address(match[0]):
            yield match.span()


def _is_address(candidate: str) -> bool:
    try:
        ipaddress.ip_address(candidate)
    except ValueError:
        return False
    # "::" alone is an operator of half the programming languages.
    return any(map(str.isalnum, candidate))


def _find_phones(text: str) -> Iterator[Span]:
    for match in _PHONE.finditer(text):
        candidate = match[0]
        digits = sum(map(str.isdigit, candidate))
        is_international = candidate.startswith(("+", "(+", "00")) and digits in range(8, 18)
        is_national = candidate.startswith(("0", "(0")) and digits in _NATIONAL_DIGITS
        is_announced = digits in _PHONE_DIGITS and bool(
            _PHONE_WORD.search(text, max(0, match.start() - _WORD_REACH), match.start())
        )
        if is_international or is_national or is_announced or _NORTH_AMERICAN.fullmatch(candidate):
            yield match.span()


# Keys first, which may hold anything; numbers that prove themselves before those that only look like something.
_FINDERS: tuple[tuple[str, Callable[[str], Iterator[Span]]], ...] = (
    ("key", find_secrets),
    ("email", _find_emails),
    ("iban", _find_ibans),
    ("card", _find_cards),
    ("ip", _find_addresses),
    ("phone", _find_phones),
)
