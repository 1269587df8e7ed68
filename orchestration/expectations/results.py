"""What is expected of a table, and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestration.redaction.printable import one_line

# An error blocks the run before anything is published; a warning is shown and the run goes on.
Severity = Literal["error", "warn"]
SHOWN_EXAMPLES = 5


@dataclass(frozen=True)
class Expectation:
    """One expectation of Great Expectations about a table, as data: reading the list costs no import of the library.

    `kind` is its class name there and `arguments` are its arguments; `shown` names the columns that identify a failed
    row, none of which may hold what a person wrote; `rows_are` names what one row stands for, in the plural.
    """

    name: str
    table: str
    severity: Severity
    description: str
    kind: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    rows_are: str = "rows"


@dataclass(frozen=True)
class CheckResult:
    """What one expectation found; `examples` are at most five failing rows, column -> value."""

    name: str
    table: str
    severity: Severity
    success: bool
    observed: str
    examples: tuple[Mapping[str, str], ...] = ()

    def as_text(self) -> str:
        """Return name, finding and failing rows, one a line."""
        lines = [f"{self.name}: {self.observed}"]
        lines += [
            "  " + ", ".join(f"{column}={one_line(value)}" for column, value in row.items()) for row in self.examples
        ]
        return "\n".join(lines)
