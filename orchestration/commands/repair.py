"""`make reload` and `make exclude`: correct what one landed file brought, then the normal job."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Literal

from orchestration.building.project import assemble_project
from orchestration.commands.run import obstacle, run_warehouse
from orchestration.configuration.problems import ConfigurationError
from orchestration.landing import RepairError, RepairSummary, read_hash_key, repair_file, throttled
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock
from orchestration.warehouse.migrations import RawVersionError
from orchestration.warehouse.progress import PROGRESS, SAME_COMMAND


def repair_and_run(operation: Literal["reload", "exclude"], file: Path, settings: Settings, *, now: datetime) -> int:
    """Repair the raw rows of a file under the lock of the one writer, then load, build and publish.

    Returns what the run returns, and 2 when the file cannot be repaired; nothing has changed then.
    """
    if not file.name:
        print(f"name the file: make {operation} FILE=landing/<source>/name.jsonl")
        return 2
    reason = obstacle(settings)
    if reason is not None:
        print(reason)
        return 2
    home = Home(settings.home)
    home.create()
    PROGRESS.leave(lambda: f"Of the file all is changed or nothing; {SAME_COMMAND}.")
    try:
        with hold_lock(home.lock, operation, lambda message: print(message, file=sys.stderr), now=now):
            print(_repair(operation, file, settings, now=now).as_text())
        PROGRESS.finish("the change of the file")
    except (ConfigurationError, RawVersionError, RepairError) as error:
        print(error)
        return 2
    return run_warehouse(settings)


def _repair(operation: Literal["reload", "exclude"], file: Path, settings: Settings, *, now: datetime) -> RepairSummary:
    home = Home(settings.home)
    assemble_project(home.dbt_project, settings.seeds)
    return repair_file(
        operation,
        home.raw_database,
        settings.landing,
        file,
        seeds=home.seeds,
        hash_key=read_hash_key(home.private, settings.hash_key.get_secret_value() if settings.hash_key else None),
        stable_after=settings.stable_after,
        now=now,
        on_progress=throttled(lambda message: print(message, file=sys.stderr)),
    )
