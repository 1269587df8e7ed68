"""What is wrong with the configuration, in one style: file, line, column, what is wrong, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST = 1000


class ConfigurationError(ValueError):
    """Configuration that cannot be used; the message lists every problem with its file, line and column."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; `line` is the one an editor shows, None for a file that cannot be read at all.

    `what` is the cause, `remedy` what to do.
    """

    file: str
    line: int | None
    column: str | None
    what: str
    remedy: str

    def __str__(self) -> str:
        line = None if self.line is None else f"line {self.line}"
        where = ": ".join(part for part in (self.file, line, self.column) if part)
        return f"{where}: {_one_line(self.what)}; {_one_line(self.remedy)}"


def _one_line(text: str) -> str:
    """Return words in which values of cells stand: a problem is one line, whatever the cells hold."""
    shown = text.replace("\n", "\\n")
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}... ({len(shown):,} letters)"


def refuse(problems: Iterable[Problem]) -> None:
    """Raise ConfigurationError naming every problem, in the order of files and lines; do nothing when there is none."""
    found = sorted(problems, key=lambda problem: (problem.file, problem.line or 0))
    if found:
        raise ConfigurationError("the configuration cannot be used:\n  " + "\n  ".join(map(str, found)))
