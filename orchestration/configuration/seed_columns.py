"""Columns of the user's seed files, which may be older than this release: optional ones that are missing are filled in.

A column is optional when its yml file says so (`config: {meta: {default: ...}}`). Every column that a release adds to a
shipped seed is, so that a file made for an earlier release stays usable.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

import yaml


@dataclass(frozen=True)
class CompletedSeed:
    """The text of a seed with all columns, in the shipped order, and the columns that were filled in."""

    text: str
    filled: Mapping[str, str]


def column_defaults(seed_yml: Path) -> dict[str, str]:
    """Return the optional columns of a shipped seed and what they hold where a file lacks them."""
    (seed,) = yaml.safe_load(seed_yml.read_text(encoding="utf-8"))["seeds"]
    metas = {column["name"]: column.get("config", {}).get("meta", {}) for column in seed["columns"]}
    return {name: meta["default"] for name, meta in metas.items() if "default" in meta}


def complete_seed(path: Path, columns: Sequence[str], defaults: Mapping[str, str]) -> CompletedSeed | None:
    """Return a user's seed with the shipped columns; None when it has them, or cannot be brought to them.

    Every line stays where it is, blank ones too, so that a problem is found under the number an editor shows.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error):
        # The check of the assembled project says why.
        return None
    header = next((line for line in lines if line), [])
    missing = [name for name in columns if name not in header]
    if header == list(columns) or sorted(header) != sorted(set(columns) - set(missing)) or set(missing) - set(defaults):
        return None
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    is_header = True
    for line in lines:
        if not line:
            out.write("\n")
        elif is_header:
            writer.writerow(columns)
            is_header = False
        elif len(line) != len(header):
            # A cell too many or too few belongs to no column by name: the check has to see it as it is.
            return None
        else:
            cells = dict(zip(header, line, strict=True)) | {name: defaults[name] for name in missing}
            writer.writerow([cells[name] for name in columns])
    return CompletedSeed(out.getvalue(), {name: defaults[name] for name in missing})


def column_problems(
    name: str, columns: Sequence[str], shipped: Sequence[str], optional: Mapping[str, str]
) -> Iterator[str]:
    """Yield what is wrong with the columns of a seed, each naming the file and the column."""
    unknown = [column for column in columns if column not in shipped]
    missing = [column for column in shipped if column not in columns and column not in optional]
    for column in unknown:
        similar = get_close_matches(column, missing or shipped, n=1)
        hint = f", did you mean {similar[0]!r}?" if similar else ";"
        yield f"{name}: column {column!r} is unknown{hint} the columns are {', '.join(shipped)}"
    for column in missing:
        yield f"{name}: column {column!r} is missing; the columns are {', '.join(shipped)}"
    for column in sorted({column for column in columns if columns.count(column) > 1}):
        yield f"{name}: column {column!r} stands twice"
