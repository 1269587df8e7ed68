"""Writes docs/configuration.md from the settings and the row models, when it is run as a program.

What variables mean stands in settings.py, what rows and columns mean in the yml files of the seeds.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from pydantic.fields import FieldInfo

from orchestration.configuration.rows import Column, Row, columns_of
from orchestration.configuration.seeds import ROW_MODELS
from orchestration.settings import PROJECT_DIR, Settings

PAGE = PROJECT_DIR / "docs" / "configuration.md"
_INTRODUCTION = """\
# Configuration

This page is generated from the code: `make docs-configuration` writes it.

Colloquy is configured by variables of the environment and by seeds. A seed is a CSV file of rows that the models read.
`make doctor` shows whether both can be used. A run checks them before it starts.

## Environment

An empty variable counts as one that is not set.
"""
_SEEDS = """
## Seeds

Put a file of the same name into the folder that `COLLOQUY_SEEDS` names. It takes the place of the shipped file in
`seeds/`. The first line names the columns, in any order. Save the file as CSV in UTF-8; a byte order mark and the line
ends of Windows are fine. An empty cell is null. A column that is not required may be missing: every row then takes the
default.

A row that cannot be used is refused before a run starts. All problems are shown at once, each in one line with the
file, the line as an editor numbers it, the column, what is wrong, and what to do:

```
purposes.csv: line 3: purpose: 'fun' is none of support, sales; write one of these
```
"""


def configuration_page() -> str:
    """Return the text of docs/configuration.md."""
    variables = [(f"`COLLOQUY_{name.upper()}`", *_variable(field)) for name, field in Settings.model_fields.items()]
    sections = [
        _INTRODUCTION,
        *_table(("variable", "default", "meaning"), variables),
        _SEEDS.rstrip(),
        *(line for model in ROW_MODELS.values() for line in _seed(model)),
    ]
    return "\n".join(sections) + "\n"


def _variable(field: FieldInfo) -> tuple[str, str]:
    """Return default and meaning of a setting."""
    default = field.default
    if default is None:
        return "none", field.description or ""
    text = f"./{default}" if isinstance(default, Path) else str(default)
    return f"`{text.lower() if isinstance(default, bool) else text}`", field.description or ""


def _seed(model: type[Row]) -> Iterator[str]:
    (seed,) = yaml.safe_load((PROJECT_DIR / "seeds" / model.file).with_suffix(".yml").read_text("utf-8"))["seeds"]
    meanings = {column["name"]: " ".join(column["description"].split()) for column in seed["columns"]}
    *names, last = (f"`{name}`" for name in model.key)
    key = f"{', '.join(names)} and {last}" if names else last
    yield f"\n### `{model.file}`\n\n{' '.join(seed['description'].split())}\n"
    yield f"No two rows have the same {key}.\n"
    rows = [(f"`{one.name}`", _required(one), _values(one), meanings[one.name]) for one in columns_of(model).values()]
    yield from _table(("column", "required", "values", "meaning"), rows)


def _required(column: Column) -> str:
    if column.default is None:
        return "yes"
    return f"no, default `{column.default}`" if column.default else "no, default empty"


def _values(column: Column) -> str:
    if column.choices:
        values = ("a list between | of " if column.is_list else "") + ", ".join(f"`{one}`" for one in column.choices)
    elif column.reference is not None:
        values = f"a `{column.reference.column}` of `{column.reference.file}`"
        values = f"a list between |, each {values}" if column.is_list else values
    else:
        values = column.meaning
    return f"{values}, or empty" if column.may_be_empty else values


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (header, ("---",) * len(header), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(configuration_page(), encoding="utf-8")
