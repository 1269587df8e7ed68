"""Keeps the history of runs bounded: Dagster forgets ticks by its configuration, runs it keeps for ever."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg

# Three weeks of hourly runs, or a year of nightly ones.
KEPT_RUNS = 500
# The daemon of `make dev` writes there too.
_SQLITE_WAIT_SECONDS = 60


def prune_runs(instance: dg.DagsterInstance, *, keep: int = KEPT_RUNS) -> list[str]:
    """Delete all runs but the newest `keep`, with their events and logs, and return their ids; unfinished ones stay."""
    surplus = instance.get_runs_count() - keep
    if surplus <= 0:
        return []
    old = [run.run_id for run in instance.get_runs(limit=surplus, ascending=True) if run.is_finished]
    root = Path(instance.root_directory)
    for run_id in old:
        instance.delete_run(run_id)
        # Dagster empties the database of a run and leaves the file, and the folder of its output.
        for file in (root / "history" / "runs").glob(f"{run_id}.db*"):
            file.unlink()
        output = root / "storage" / run_id
        if output.exists():
            shutil.rmtree(output)
    return old


def forget_runs(instance: dg.DagsterInstance) -> None:
    """Delete every finished run and give the space back: a deleted row's bytes stay in SQLite's file until then."""
    old = prune_runs(instance, keep=1)
    history = Path(instance.root_directory) / "history"
    for path in (history / "runs.db", history / "runs" / "index.db"):
        if not path.exists():
            continue
        with closing(sqlite3.connect(path, timeout=_SQLITE_WAIT_SECONDS, isolation_level=None)) as connection:
            if path.name == "index.db":
                # Dagster keeps what checks of deleted runs have found.
                connection.executemany("delete from asset_check_executions where run_id = ?", [(one,) for one in old])
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
