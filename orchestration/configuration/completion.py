"""The user's seed files may be older than this release: optional columns that are missing are filled in.

Every column that a release adds to a shipped seed is optional, so that a file made for an earlier release stays usable.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from orchestration.configuration.reading import UnreadableLineError, read_lines
from orchestration.configuration.rows import Row, columns_of, defaults_of


@dataclass(frozen=True)
class CompletedSeed:
    """The text of a seed with all columns, in the order of the model, and the columns that were filled in."""

    text: str
    filled: Mapping[str, str]


def complete_seed(path: Path, model: type[Row]) -> CompletedSeed | None:
    """Return a user's seed with all columns; None when it has them, or cannot be brought to them.

    Every line stays where it is, blank ones too, so that a problem is found under the number an editor shows.
    """
    try:
        lines = [cells for _, cells in read_lines(path)]
    except (OSError, UnreadableLineError):
        # The check of the assembled project reports why.
        return None
    columns, defaults = tuple(columns_of(model)), defaults_of(model)
    header = lines[0] if lines else []
    filled = {name: text for name, text in defaults.items() if name not in header}
    if header == list(columns) or sorted([*header, *filled]) != sorted(columns):
        return None
    # A cell too many or too few belongs to no column by name: the check has to see it as it is.
    if any(line and len(line) != len(header) for line in lines):
        return None
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for line in lines[1:]:
        if line:
            cells = dict(zip(header, line, strict=True)) | filled
            writer.writerow([cells[name] for name in columns])
        else:
            out.write("\n")
    return CompletedSeed(out.getvalue(), filled)
