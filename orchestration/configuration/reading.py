"""The one reader of CSV files: lines as an editor numbers them, and the typed rows of a seed with its problems."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Generic

from pydantic import ValidationError

from orchestration.configuration.problems import Problem, refuse
from orchestration.configuration.rows import Row, RowT, columns_of, defaults_of


class UnreadableLineError(ValueError):
    """A row that is no CSV in UTF-8, by the line it begins on."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(f"line {line}: {what}; {remedy}")
        self.line, self.what, self.remedy = line, what, remedy


@dataclass(frozen=True)
class Seed(Generic[RowT]):
    """One seed file as it was read: `texts` are all its rows, `rows` those whose cells are right, each with its line.

    The line is the one an editor shows (the last one of a row whose cells hold line breaks). A file whose columns are
    not known is not readable, and has no rows.
    """

    file: str
    is_readable: bool
    texts: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    rows: Mapping[int, RowT] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def values(self, column: str) -> set[str]:
        """Return the texts of a column, of wrong rows too: a row that is there is not missing."""
        return {texts[column] for texts in self.texts.values()}

    def values_of_wrong_rows(self, column: str) -> set[str]:
        """Return the texts of a column in rows with a cell that cannot be read."""
        return {texts[column] for line, texts in self.texts.items() if line not in self.rows}

    def problem(self, line: int, column: str, what: str, remedy: str) -> Problem:
        """Return a problem of this file."""
        return Problem(self.file, line, column, what, remedy)


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return the cells of every line of a CSV file, blank lines too, each with its number.

    Raises OSError, and UnreadableLineError where it is no CSV in UTF-8.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.object[error.start]:#04x} is no UTF-8"
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UnreadableLineError(line, what, "save the file as CSV in UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        lines.extend((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        what = f"the row that begins here is no CSV: {error}"
        remedy = "close each quote that opens a cell, and write a quote inside one twice"
        raise UnreadableLineError(lines[-1][0] + 1 if lines else 1, what, remedy) from error
    return lines


def read_rows(path: Path, model: type[RowT]) -> tuple[RowT, ...]:
    """Return the rows of a seed. Raises ConfigurationError naming every line that cannot be read."""
    seed = read_seed(path, model)
    refuse(seed.problems)
    return tuple(seed.rows.values())


def read_seed(path: Path, model: type[RowT]) -> Seed[RowT]:
    """Read a seed; what is wrong with its columns and cells is among its problems."""
    try:
        lines = read_lines(path)
    except UnreadableLineError as error:
        return Seed(path.name, False, problems=(Problem(path.name, error.line, None, error.what, error.remedy),))
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
        return Seed(path.name, False, problems=(Problem(path.name, None, None, what, "write a CSV file in its place"),))
    header = lines[0][1] if lines else []
    problems = list(_column_problems(path.name, header, model))
    if problems:
        return Seed(path.name, False, problems=tuple(problems))
    texts: dict[int, dict[str, str]] = {}
    rows: dict[int, RowT] = {}
    for line, cells in lines[1:]:
        if not cells:
            continue
        known = dict(zip(header, cells, strict=False))
        texts[line] = dict.fromkeys(columns_of(model), "") | known
        if len(cells) != len(header):
            problems.append(_odd_number_of_cells(path.name, line, header, len(cells)))
            continue
        try:
            rows[line] = model.model_validate({name: text or None for name, text in known.items()})
        except ValidationError as error:
            problems.extend(_cell_problems(path.name, line, model, error))
    return Seed(path.name, True, texts, rows, tuple(problems))


def _column_problems(file: str, header: Sequence[str], model: type[Row]) -> Iterator[Problem]:
    columns = tuple(columns_of(model))
    advice = f"the columns are {', '.join(columns)}"
    missing = [name for name in columns if name not in header and name not in defaults_of(model)]
    for name in header:
        if name not in columns:
            similar = get_close_matches(name, missing or columns, n=1)
            hint = f"did you mean {similar[0]!r}? " if similar else ""
            yield Problem(file, 1, name, "the column is unknown", hint + advice)
    for name in missing:
        yield Problem(file, 1, name, "the column is missing", advice)
    for name in sorted({name for name in header if header.count(name) > 1}):
        yield Problem(file, 1, name, "the column stands twice", "remove one of the two")


def _odd_number_of_cells(file: str, line: int, header: Sequence[str], count: int) -> Problem:
    if count > len(header):
        return Problem(file, line, header[-1], "more cells than columns", "quote a value that holds a comma")
    what = f"the row ends before this column: {count} cells for {len(header)} columns"
    return Problem(file, line, header[count], what, "write a comma for every cell that stays empty")


def _cell_problems(file: str, line: int, model: type[Row], error: ValidationError) -> Iterator[Problem]:
    for found in error.errors(include_url=False, include_context=False):
        column = columns_of(model)[str(found["loc"][0])]
        text = str(found["input"] or "")
        yield Problem(file, line, column.name, column.what(text), column.remedy(text))
