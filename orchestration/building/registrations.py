"""Refuses a test whose registration was changed after its start: a plan made after the data is none."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.configuration.checks import ConfigurationError
from orchestration.publishing import HISTORY_TABLES, ManifestError, read_manifest
from orchestration.warehouse.home import Home
from orchestration.warehouse.utc import stored

_SEED, _RECORD = "ab_tests.csv", "ab_test_registrations"
_COLUMNS = {
    column: kind for column, kind in HISTORY_TABLES[_RECORD].items() if column not in {"registered_at", "load_id"}
}
_Registration = dict[str, Any]
_NEVER, _ANY_TIME = datetime(1, 1, 1), datetime(9999, 1, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone


def check_registrations(home: Home) -> None:
    """Compare seeds/ab_tests.csv with what was registered; ConfigurationError names each row changed after its start.

    A phase has started when the published data reaches its started_at; before that its row may be corrected. Raises
    duckdb.Error when raw.duckdb cannot be used.
    """
    data_until = _data_until(home.published)
    recorded = _recorded(home.raw_database)
    problems: list[str] = []
    for line, row in _registered(home.seeds / _SEED):
        before = recorded.get((row["test_name"], row["phase"]))
        if before is None or before["started_at"] > data_until:
            continue
        changes = [f"{name} was {before[name]} and is {row[name]}" for name in _COLUMNS if before[name] != row[name]]
        if changes:
            problems.append(
                f"{_SEED} line {line}: test {row['test_name']!r}, phase {row['phase']}: {', '.join(changes)}"
            )
    if problems:
        # In one line: of what a step raises, a run shows the first.
        raise ConfigurationError(
            f"{'; '.join(problems)}; a registration stands from the start of its phase: undo the change, or add a row "
            "with the next phase"
        )


def _data_until(published: Path) -> datetime:
    """Return up to when data was published, UTC without a zone."""
    try:
        manifest = read_manifest(published)
    except ManifestError:
        # Publishing mends it. Until then nobody can tell that a test has not started.
        return _ANY_TIME
    if manifest is None or manifest.data_until is None:
        return _NEVER
    return stored(manifest.data_until)


def _recorded(raw_database: Path) -> dict[tuple[str, int], _Registration]:
    """Return the newest record of each test and phase."""
    if not raw_database.exists():
        return {}
    with duckdb.connect(raw_database, read_only=True) as connection:
        is_there = "select 1 from duckdb_tables() where schema_name = 'history' and table_name = ?"
        if connection.execute(is_there, [_RECORD]).fetchone() is None:
            return {}
        # In the order of time: a later record takes the place of an earlier one.
        found = connection.execute(
            f"select {', '.join(_COLUMNS)} from history.{_RECORD} order by registered_at, load_id"
        ).fetchall()
    rows = [dict(zip(_COLUMNS, values, strict=True)) for values in found]
    return {(row["test_name"], row["phase"]): row for row in rows}


def _registered(seed: Path) -> list[tuple[int, _Registration]]:
    """Return the rows of the seed, typed as the warehouse holds them, each with its line."""
    with seed.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        rows = [(reader.line_num, row) for row in reader]
    listed = ", ".join(f"cast($cells[{place}] as {kind})" for place, kind in enumerate(_COLUMNS.values(), start=1))
    with duckdb.connect() as connection:
        typed = [
            connection.execute(f"select {listed}", {"cells": [row[name] or None for name in _COLUMNS]}).fetchone()
            for _, row in rows
        ]
    return [
        (line, dict(zip(_COLUMNS, values or (), strict=True))) for (line, _), values in zip(rows, typed, strict=True)
    ]
