"""Reads the seeds that landing follows."""

import csv
from dataclasses import dataclass
from pathlib import Path


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read some columns of a seed. Raises FileNotFoundError, ValueError naming the column that is missing."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or [])]
        if missing:
            raise ValueError(f"{path}: column {missing[0]} is missing; the first line must name {', '.join(columns)}")
        return [{name: row[name] or "" for name in columns} for row in reader]


def read_namespaces(seeds: Path) -> dict[str, str]:
    """Return the id_namespace of each source, from sources.csv."""
    return {row["source"]: row["id_namespace"] for row in read_rows(seeds / "sources.csv", ("source", "id_namespace"))}


@dataclass(frozen=True)
class Kept:
    """What stays of somebody's free properties, because numbers are computed from it: names, and reasons by name."""

    properties: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def read_kept(seeds: Path) -> Kept:
    """Return the properties that the configuration names and the reasons for a handoff that it knows, both sorted."""
    files = ("success_signals.csv", "segment_dimensions.csv")
    named = {row["property"] for name in files for row in read_rows(seeds / name, ("property",))}
    rows = read_rows(seeds / "taxonomy.csv", ("kind", "label"))
    reasons = {row["label"] for row in rows if row["kind"] == "escalation_reason"}
    return Kept(tuple(sorted(named - {""})), tuple(sorted(reasons)))
