"""The kinds of cells of a seed: which texts each accepts, and the words for them in problems and documentation."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Cell:
    """The texts that are read as a value: those that match `pattern`; `meaning` names them, `example` is one."""

    pattern: str
    meaning: str
    example: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def read(self, text: object) -> object:
        """Return what pydantic converts into the value. Raises ValueError for a text that does not match."""
        if not (isinstance(text, str) and re.fullmatch(self.pattern, text)):
            raise ValueError(self.meaning)
        return text


@dataclass(frozen=True)
class ListCell(Cell):
    """A cell of several values between `|`."""

    def read(self, text: object) -> object:
        """Return the parts. Raises ValueError for a text that does not match."""
        return str(super().read(text)).split("|")


@dataclass(frozen=True)
class Reference:
    """Marks a cell whose values must stand in a column of another seed, or of its own."""

    file: str
    column: str


@dataclass(frozen=True)
class OneOf(Cell):
    """A cell of a closed list that is stated elsewhere; one stated with the column is a Literal."""

    choices: tuple[str, ...] = ()

    @classmethod
    def of(cls, choices: Iterable[str]) -> "OneOf":
        """Return the cell of a closed list."""
        values = tuple(choices)
        return cls("|".join(map(re.escape, values)), "one of a list", values[0], values)


_WHOLE, _WHOLE_ABOVE_0, _NUMBER = r"[0-9]{1,9}", r"[1-9][0-9]{0,8}", r"-?[0-9]{1,12}(\.[0-9]+)?"
_LONGEST_WINDOW_HOURS = 24 * 92
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"

NAME = r"\S(.*\S)?"

Name = Annotated[str, Cell(NAME, "a name without blanks around it", "mine")]
# What stands in events is whatever its writer chose.
Value = Annotated[str, Cell(r"(?s).*\S.*", "a value as events have it", "shop-bot")]
Phrase = Annotated[str, Cell(NAME, "a phrase without blanks around it", "where is my order")]
Word = Annotated[str, Cell(r"[^\sA-Z]([^A-Z]*[^\sA-Z])?", "a word in lower case", "customer")]
# A quote or a star would be syntax in the path the property is read by.
PropertyName = Annotated[str, Cell(r'[^"*]+', 'a property name without " and *', "plan")]
# `unknown` is what no phrase shows; labels stand in lists, between commas.
Label = Annotated[
    str,
    Cell(r"(?!unknown$)[a-z][a-z0-9_]*", "a name of lower-case letters, digits and _, and not unknown", "order_status"),
]
Names = Annotated[tuple[str, ...], ListCell(r"[^|]+(\|[^|]+)*", "a list of names between |", "signup|purchase")]
# An empty part admits conversations that have no such value: models read it so.
Filter = Annotated[tuple[str, ...], ListCell(r"[^|]*(\|[^|]*)*", "a list of names between |", "web|app")]
Purpose = Literal["support", "sales"]
Purposes = Annotated[
    tuple[Literal["support", "sales", ""], ...], ListCell(r"[^|]*(\|[^|]*)*", "a list of purposes between |", "support")
]
Shares = Annotated[
    tuple[float, ...],
    ListCell(r"[0-9]+(\.[0-9]+)?(\|[0-9]+(\.[0-9]+)?)*", "a list of numbers from 0 on between |", "0.5|0.5"),
]
Whole = Annotated[int, Cell(_WHOLE, "a whole number", "24")]
WholeAbove0 = Annotated[int, Cell(_WHOLE_ABOVE_0, "a whole number above 0", "24")]
# A dimension is what stands before the first = of a segment.
DimensionName = Annotated[str, Cell(r"[^=\s]([^=]*[^=\s])?", "a name without = and blanks around it", "plan")]
WindowHours = Annotated[
    int,
    Cell(_WHOLE_ABOVE_0, f"a whole number from 1 to {_LONGEST_WINDOW_HOURS} (92 days)", "24"),
    Field(le=_LONGEST_WINDOW_HOURS),
]
Number = Annotated[float, Cell(_NUMBER, "a number", "0.5")]
NumberAbove0 = Annotated[float, Cell(_NUMBER, "a number above 0", "0.05"), Field(gt=0)]
Price = Annotated[float, Cell(r"[0-9]{1,6}(\.[0-9]+)?", "a price in USD per million tokens", "0.15")]
PriceShare = Annotated[float, Cell(r"[0-9]{1,6}(\.[0-9]+)?", "a factor of the price", "0.5")]
Flag = Annotated[bool, Cell(r"(?i)true|false", "true or false", "true")]
Day = Annotated[date, Cell(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date", "2026-01-31")]
Moment = Annotated[datetime, Cell(_MOMENT, "a UTC moment without a zone", "2026-01-31 09:00:00")]
Segment = Annotated[str, Cell(r"all|[^=\s][^=]*=.+", "all or dimension=value", "channel=web")]
