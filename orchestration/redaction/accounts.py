"""Numbers of bank and customer accounts, and PINs: digits like any others, so the word before them decides."""

import re
from collections.abc import Iterator

from orchestration.redaction.announcements import Announcements
from orchestration.redaction.cues import Cue
from orchestration.redaction.spans import Span

_RUN = re.compile(r"(?<![\w.,/:+-])[0-9]++(?:[ -][0-9]++)*+(?![\w/:])")
_ACCOUNT_DIGITS = range(6, 19)
_PIN_DIGITS = range(3, 9)


def find_accounts(text: str, announcements: Announcements) -> Iterator[Span]:
    """Yield where numbers of accounts stand in a normalised text, in order and without overlap."""
    for run in _RUN.finditer(text):
        digits = sum(map(str.isdigit, run[0][: 3 * _ACCOUNT_DIGITS.stop]))
        if digits in _ACCOUNT_DIGITS and announcements.are(Cue.ACCOUNT, run.start()):
            yield run.span()


def find_pins(text: str, announcements: Announcements) -> Iterator[Span]:
    """Yield where PINs and security codes stand in a normalised text, in order and without overlap."""
    for run in _RUN.finditer(text):
        if run.end() - run.start() in _PIN_DIGITS and run[0].isdigit() and announcements.are(Cue.PIN, run.start()):
            yield run.span()
