"""The configuration the simulated world needs beside the shipped one: two files, derived so that they cannot drift."""

import csv
from pathlib import Path

_SALES_AGENT = {"source": "events", "agent": "demo-sales-v1", "purpose": "sales"}


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        return list(reader.fieldnames or []), rows


def _write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_demo_seeds(shipped: Path, target: Path) -> None:
    """Write sources.csv and purposes.csv of the demo into `target` (a folder for COLLOQUY_SEEDS).

    The website widget's environment is set to production, and the sales agent of `events` is marked as sales.
    Raises ValueError when the shipped sources.csv has no row for the widget.
    """
    target.mkdir(parents=True, exist_ok=True)
    columns, sources = _read(shipped / "sources.csv")
    widgets = [row for row in sources if row["source"] == "agentsight_interactions"]
    if not widgets:
        raise ValueError(f"{shipped / 'sources.csv'}: no row for agentsight_interactions; restore the shipped file")
    widgets[0]["default_environment"] = "production"
    _write(target / "sources.csv", columns, sources)
    columns, purposes = _read(shipped / "purposes.csv")
    _write(target / "purposes.csv", columns, [*purposes, _SALES_AGENT])
