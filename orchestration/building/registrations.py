"""Refuses a test whose registration was changed after its start: the plan must precede the data."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.configuration.ab_tests import Experiment
from orchestration.configuration.problems import ConfigurationError, Problem, refuse
from orchestration.configuration.reading import read_seed
from orchestration.publishing import HISTORY_TABLES, ManifestError, read_manifest
from orchestration.warehouse.home import Home
from orchestration.warehouse.utc import stored

_RECORD = "ab_test_registrations"
_COLUMNS = {
    column: kind for column, kind in HISTORY_TABLES[_RECORD].items() if column not in {"registered_at", "load_id"}
}
_Registration = Mapping[str, Any]
_NEVER, _ANY_TIME = datetime(1, 1, 1), datetime(9999, 1, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone


def check_registrations(home: Home) -> None:
    """Compare seeds/ab_tests.csv with what was registered; ConfigurationError names each row changed after its start.

    A phase has started when the published data reaches its started_at; before that its row may be corrected. Raises
    duckdb.Error when raw.duckdb cannot be used.
    """
    data_until = _data_until(home.published)
    recorded = _recorded(home.raw_database)
    problems: list[Problem] = []
    for line, row in _registered(home.seeds / Experiment.file):
        before = recorded.get((row["test_name"], row["phase"]))
        if before is None or before["started_at"] > data_until:
            continue
        changed = [name for name in _COLUMNS if before[name] != row[name]]
        if changed:
            changes = ", ".join(f"{name} was {before[name]} and is {row[name]}" for name in changed)
            what = f"phase {row['phase']} of test {row['test_name']!r} has started: {changes}"
            remedy = "undo the change, or add a row with the next phase"
            problems.append(Problem(Experiment.file, line, ", ".join(changed), what, remedy))
    if problems:
        # In one line: a run shows the first line of what a step raises.
        raise ConfigurationError("; ".join(map(str, problems)))


def _data_until(published: Path) -> datetime:
    """Return up to when data was published, UTC without a zone."""
    try:
        manifest = read_manifest(published)
    except ManifestError:
        # Publishing repairs the manifest. Until then it is unknown whether a test has started.
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


def _registered(seed: Path) -> Iterator[tuple[int, _Registration]]:
    """Yield the rows of the seed as the warehouse holds them, each with its line."""
    read = read_seed(seed, Experiment)
    refuse(read.problems)
    for line, row in read.rows.items():
        # Lists are held as they were written.
        texts = {name: text or None for name, text in read.texts[line].items()}
        yield line, {name: texts[name] if kind == "VARCHAR" else getattr(row, name) for name, kind in _COLUMNS.items()}
