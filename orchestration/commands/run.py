"""`make run`: the same job as the schedules, in this process, with its progress on screen."""

import gc
from datetime import datetime

import duckdb

from orchestration.configuration.problems import ConfigurationError
from orchestration.publishing import version_of_readers
from orchestration.redaction.printable import printable
from orchestration.reporting import summarise
from orchestration.reporting.due import nothing_due, why_due
from orchestration.reporting.remedies import with_remedy
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import NEXT_RUN, PROGRESS, SAME_COMMAND

FAILED = "The run failed; readers keep the last good version."
_ALLOCATIONS_BETWEEN_COLLECTIONS = 50_000


def obstacle(settings: Settings) -> str | None:
    """Return why the user's own events cannot be run with these settings, None when they can."""
    home = Home(settings.home)
    if not settings.landing.is_dir():
        return f"{settings.landing} is not a folder; name one that holds <source>/ folders: make run LANDING=dir"
    if home.simulation_marker.exists():
        return f"{home.root} holds simulated conversations; give your own events another COLLOQUY_HOME"
    return None


def run_warehouse(
    settings: Settings,
    *,
    is_simulated: bool = False,
    is_rebuild: bool = False,
    relabel_from: datetime | None = None,
) -> int:
    """Load, build and publish, then print what came out; a rebuild starts again from the raw events.

    With `relabel_from` (aware), labels of other definitions are renewed for what began then or later. A run with
    nothing to do ends with one line. Returns 0 when the marts are published or nothing had changed, 1 when a step
    failed, 2 when it cannot start.
    """
    home = Home(settings.home)
    reason = None if is_simulated else obstacle(settings)
    if reason is not None:
        print(reason)
        return 2
    settings.export()
    # A rebuild and a relabelling are asked for by their command alone.
    again = SAME_COMMAND if is_rebuild or relabel_from is not None else NEXT_RUN
    PROGRESS.begin("looking for what is new")
    PROGRESS.leave(lambda: f"{_readers(home)}; {again}.")
    try:
        is_due = is_rebuild or relabel_from is not None or why_due(settings, asks_llm=True) is not None
        if not is_due:
            print(nothing_due(home.published))
            if is_simulated:
                print(f"\n{summarise(home.published, [])}")
            return 0
    except ConfigurationError as error:
        print(printable(str(error)))
        return 2
    except (OSError, duckdb.Error) as error:
        print(f"{FAILED}\n  {printable(with_remedy(str(error), home, home.raw_database))}")
        return 1
    PROGRESS.begin("starting the run")
    # Most of what is made while importing stays.
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS)
    # Dagster and dbt cost seconds: a run with nothing to do never imports them.
    from orchestration.commands.job import run_job  # noqa: PLC0415

    return run_job(home, is_rebuild=is_rebuild, relabel_from=relabel_from)


def _readers(home: Home) -> str:
    version = version_of_readers(home.published)
    return "Readers have no version yet" if version is None else f"Readers have version {version}"
