"""What issuers put before their keys: issued_keys.csv, most of it from the rules of gitleaks."""

import csv
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "issued_keys.csv"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A prefix, and how many of which letters follow it."""

    prefix: str
    letters: re.Pattern[str] = field(repr=False)

    def end(self, text: str, start: int) -> int | None:
        """Return where the key that may start here ends; None when it is none."""
        if not text.startswith(self.prefix, start):
            return None
        match = self.letters.match(text, start + len(self.prefix))
        return match.end() if match else None


@cache
def issued_keys() -> tuple[IssuedKey, ...]:
    """Return the shipped prefixes. A pattern takes back nothing: it is one run of letters."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(
            IssuedKey(row["prefix"], _run(row["letters"], row["least"], row["most"])) for row in csv.DictReader(lines)
        )


def _run(letters: str, least: str, most: str) -> re.Pattern[str]:
    # A key of a fixed length is none when it goes on.
    return re.compile(f"[{letters}]{{{least},{most}}}+" + ("(?![0-9A-Za-z])" if most else ""))
