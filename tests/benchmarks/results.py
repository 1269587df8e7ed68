"""What a run of the benchmarks found: rows of a table, and what the chart draws."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.benchmarks.measuring import Cost, median


@dataclass(frozen=True)
class Row:
    """One line of the table; `is_met` is None where nothing is aimed at."""

    letter: str
    what: str
    cost: Cost | None = None
    value: str = ""
    target: str = ""
    is_met: bool | None = None
    runs: int = 1


@dataclass
class Results:
    """Everything found; `detail` holds by letter what is too long for the table."""

    rows: list[Row] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)

    def add(self, letter: str, what: str, costs: Sequence[Cost] = (), **known: Any) -> Row:
        """Add a line; of several costs their median."""
        row = Row(letter, what, median(costs) if costs else None, runs=max(1, len(costs)), **known)
        self.rows.append(row)
        return row

    def as_json(self) -> Mapping[str, Any]:
        """Return all of it as plain values."""
        return {"rows": [asdict(row) for row in self.rows], "detail": self.detail}


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a markdown table whose columns line up in a terminal."""
    heads = ("", "what", "CPU s", "wall s", "peak MB", "result", "target", "")
    cells = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(heads))]
    is_number = [name in {"CPU s", "wall s", "peak MB"} for name in heads]

    def line(texts: Sequence[str]) -> str:
        placed = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(texts, widths, is_number, strict=True)
        )
        return f"| {' | '.join(placed)} |"

    ruler = [
        ("-" * (width - 1) + ":" if right else "-" * width) for width, right in zip(widths, is_number, strict=True)
    ]
    return "\n".join([line(heads), f"| {' | '.join(ruler)} |", *map(line, cells[1:])])


def _cells(row: Row) -> tuple[str, ...]:
    cost = row.cost
    numbers = ("", "", "") if cost is None else (_short(cost.cpu_seconds), _short(cost.wall_seconds), _megabytes(cost))
    met = {None: "", True: "met", False: "MISSED"}[row.is_met]
    return (row.letter, row.what, *numbers, row.value, row.target, met)


def _short(seconds: float) -> str:
    return f"{seconds:,.3f}" if seconds < 1 else f"{seconds:,.2f}" if seconds < 100 else f"{seconds:,.0f}"


def _megabytes(cost: Cost) -> str:
    return f"{cost.peak_bytes / 1e6:,.0f}" if cost.peak_bytes else ""


def count(number: int) -> str:
    """Return a number of events in short: 1 M, 250 k."""
    for size, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return str(number)
