"""Removes from a text what identifies or endangers a person, and reports what it removed.

Covered: e-mail addresses, phone numbers, payment cards (Luhn), IBANs (check digits), numbers of accounts, IP addresses,
keys, passwords and PINs; also with letters of other scripts, invisible characters, [at] and (dot). Not covered: names,
postal addresses, birthdays, anything spelled out in words. No pattern can know a name from a word; the labels of a
model can.

The work grows with the length of the text and not faster. Every pattern either is bounded or never takes back what it
has consumed, what a word announces is read once, and the doubtful numbers looked up in a text are bounded.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestration.redaction.accounts import find_accounts, find_pins
from orchestration.redaction.announcements import Announcements
from orchestration.redaction.cards import find_cards
from orchestration.redaction.cues import Cue, find_cues
from orchestration.redaction.ibans import find_ibans
from orchestration.redaction.internet import find_internet_addresses
from orchestration.redaction.mail import find_addresses
from orchestration.redaction.normalising import normalise
from orchestration.redaction.phones import NumberingPlans, find_phones
from orchestration.redaction.secrets import find_secrets
from orchestration.redaction.spans import Span, merged

# Raised with every change of what is found: all texts are then redacted again.
REDACTOR_VERSION = 3

# Keys first, which may hold anything; numbers that prove themselves before those that only look like something.
KINDS = ("key", "email", "iban", "card", "account", "ip", "phone")
_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
_DIGIT = re.compile("[0-9]")
# What is left of a text is looked at again this often; what something is found in even then is taken out whole.
_MOST_PASSES = 4
# Nothing that is found is shorter.
_LEAST_LETTERS = 6

Found = tuple[int, int, str]


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
    """Replace everything found by a placeholder of its kind; redacting twice changes nothing more.

    Placeholders separate: what stands between two of them is judged by itself, and again until nothing is found in it.
    """
    normalised = normalise(text)
    whole = normalised.text
    plans = NumberingPlans()
    found: list[Found] = []
    # Parts in which nothing is found: in a list, what stands between its items is the same over and over.
    clean: set[str] = set()
    parts = list(_between(whole, 0, len(whole), [match.span() for match in _PLACEHOLDER.finditer(whole)]))
    for number in range(_MOST_PASSES):
        rest: list[Span] = []
        for start, end in parts:
            part = whole[start:end]
            if len(part) < _LEAST_LETTERS or part in clean:
                continue
            here = _find(part, plans)
            if not here:
                clean.add(part)
                continue
            if number == _MOST_PASSES - 1:
                found.append((start, end, here[0][2]))
                continue
            here = [(start + first, start + last, kind) for first, last, kind in here]
            found += here
            place = start
            for first, last, _ in here:
                if first - place >= _LEAST_LETTERS:
                    rest.append((place, first))
                place = last
            rest.append((place, end))
        parts = rest
    if not found:
        return Redacted(text, {})
    found.sort()
    spans = [(*normalised.span(start, end), kind) for start, end, kind in found]
    return Redacted(_replaced(text, spans), dict(Counter(kind for _, _, kind in found)))


def _between(text: str, start: int, end: int, spans: list[Span]) -> Iterator[Span]:
    """Yield the parts of text[start:end] outside of the spans, which are in order."""
    for first, last in [*spans, (end, end)]:
        if first > start:
            yield start, first
        start = last


def _find(text: str, plans: NumberingPlans) -> list[Found]:
    """Return what is found in a normalised text, in order and without overlap: of two that overlap the earlier kind."""
    hits = list(find_cues(text))
    found: list[tuple[str, list[Span]]] = [("key", merged(find_secrets(text, hits)))]
    if "@" in text or "(" in text or "[" in text or "{" in text or "<" in text:
        found.append(("email", merged(find_addresses(text))))
    if _DIGIT.search(text):
        announcements = Announcements(text, hits)
        found.append(("iban", list(find_ibans(text))))
        found.append(("card", list(find_cards(text))))
        if any(hit.what is Cue.PIN for hit in hits):
            found.append(("key", list(find_pins(text, announcements))))
        if any(hit.what is Cue.ACCOUNT for hit in hits):
            found.append(("account", list(find_accounts(text, announcements))))
        found.append(("ip", merged(find_internet_addresses(text, announcements))))
        found.append(("phone", list(find_phones(text, announcements, plans))))
    taken: list[Found] = []
    for kind, spans in found:
        if spans:
            taken = _with(taken, spans, kind)
    return taken


def _with(taken: list[Found], spans: list[Span], kind: str) -> list[Found]:
    """Return both, in order; spans that overlap what is taken are left out."""
    both: list[Found] = []
    at = 0
    for start, end in spans:
        while at < len(taken) and taken[at][1] <= start:
            both.append(taken[at])
            at += 1
        if at == len(taken) or end <= taken[at][0]:
            both.append((start, end, kind))
    return both + taken[at:]


def _replaced(text: str, spans: list[Found]) -> str:
    parts, place = [], 0
    for start, end, kind in spans:
        parts += [text[place:start], f"[{kind}]"]
        place = end
    return "".join([*parts, text[place:]])
