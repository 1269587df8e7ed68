"""What every row model has in common: its file, its key, and what is known of its columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from orchestration.configuration.cells import Cell, ListCell, OneOf, Reference


class Row(BaseModel):
    """A row of the seed `file`; no two rows have the same `key`. A field is a column, optional when it has a default.

    An empty cell is None, as it is null in the warehouse. The descriptions of file and columns stand in its yml.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: ClassVar[str]
    key: ClassVar[tuple[str, ...]]


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True)
class Column:
    """What is known of a column; `default` is the text that fills it where a file lacks it, None if it may not."""

    name: str
    meaning: str
    example: str
    may_be_empty: bool
    is_list: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    reference: Reference | None = None

    def what(self, text: str) -> str:
        """Return what is wrong with a text that is no value of the column."""
        if not text:
            return "the cell is empty"
        return f"{text!r} is none of {', '.join(self.choices)}" if self.choices else f"{text!r} is not {self.meaning}"

    def remedy(self, text: str) -> str:
        """Return what to write in its place."""
        if self.choices:
            advice = "write one of these" if text else f"write {' or '.join(self.choices)}"
        else:
            advice = f"write one such as {self.example}" if text else f"write {self.meaning} such as {self.example}"
        return f"{advice}, or leave it empty" if self.may_be_empty else advice


@cache
def columns_of(model: type[Row]) -> dict[str, Column]:
    """Return the columns of a seed by name, in the order of its file."""
    return {name: _column(name, field) for name, field in model.model_fields.items()}


def defaults_of(model: type[Row]) -> dict[str, str]:
    """Return the optional columns of a seed and the text that fills them where a file lacks them."""
    return {name: column.default for name, column in columns_of(model).items() if column.default is not None}


def _column(name: str, field: FieldInfo) -> Column:
    parts = list(_parts(field.annotation, field.metadata))
    cell = next((part for part in parts if isinstance(part, Cell)), Cell("", "a text", "any words"))
    choices = cell.choices if isinstance(cell, OneOf) else tuple(part for part in parts if isinstance(part, str))
    return Column(
        name,
        cell.meaning,
        cell.example,
        may_be_empty=type(None) in parts,
        is_list=isinstance(cell, ListCell),
        choices=tuple(filter(None, choices)),
        default=None if field.is_required() else _text(field.default),
        reference=next((part for part in parts if isinstance(part, Reference)), None),
    )


def _parts(annotation: object, marks: Sequence[object] = ()) -> Iterator[object]:
    """Yield what a type is made of: marks, values of closed lists, and plain types."""
    yield from marks
    if get_origin(annotation) is Annotated:
        base, *others = get_args(annotation)
        yield from _parts(base, others)
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_args(annotation):
        for part in get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
