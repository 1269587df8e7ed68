"""The job of `make run` in this process: Dagster executes it and shows its progress."""

import gc
import os
from datetime import UTC, datetime

import dagster as dg
import duckdb
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData
from dagster.components.core.component_tree import ComponentTreeException
from sqlalchemy.exc import OperationalError

from orchestration.building.dbt_manifest import ManifestError
from orchestration.commands.instance import PROCESS_TAG, open_instance
from orchestration.commands.run import FAILED
from orchestration.configuration.problems import ConfigurationError
from orchestration.definitions import definitions
from orchestration.defs.policy import REBUILD_TAG, RELABEL_TAG
from orchestration.privacy.pending import FINISH_ERASURE, describe_pending
from orchestration.publishing import read_manifest
from orchestration.redaction.printable import printable
from orchestration.reporting import notes_on_build, summarise
from orchestration.reporting.remedies import with_remedy
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import PROGRESS

# The steps that read or write nothing but raw.duckdb.
_RAW_STEPS = ("landed_files", "landed_checks")


def run_job(home: Home, *, is_rebuild: bool, relabel_from: datetime | None) -> int:
    """Execute the job and print what came out; the settings are exported. The exit code is that of run_warehouse."""
    try:
        return _run(home, is_rebuild=is_rebuild, relabel_from=relabel_from)
    except (OSError, OperationalError, duckdb.Error) as error:
        # Outside a step: the folders, dbt's manifest, Dagster's own history, which is SQLite.
        print(f"{FAILED}\n  {printable(with_remedy(str(error), home, home.raw_database))}")
        return 1


def _run(home: Home, *, is_rebuild: bool, relabel_from: datetime | None) -> int:
    try:
        loaded = _definitions()
    except (ConfigurationError, ManifestError) as error:
        print(printable(str(error)))
        return 2
    home.create()
    # What is imported and loaded by now stays to the end: looking through it for garbage was a tenth of a small run.
    gc.freeze()
    with open_instance(home, now=datetime.now(UTC)) as instance:
        tags = {PROCESS_TAG: str(os.getpid())} | ({REBUILD_TAG: "true"} if is_rebuild else {})
        if relabel_from is not None:
            tags[RELABEL_TAG] = relabel_from.isoformat()
        job = loaded.resolve_job_def("refresh_warehouse")
        result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    PROGRESS.begin("showing the result")
    if not result.success:
        print(printable(_failures(result, home)))
        return 1
    manifest = read_manifest(home.published)
    print(f"\npublished version {manifest.version if manifest else '?'}\n")
    unfinished = describe_pending(home)
    notes = [printable(f"{unfinished}; {FINISH_ERASURE}")] if unfinished else []
    print(summarise(home.published, [*notes_on_build(home.build_database), *notes]))
    return 0


def _definitions() -> dg.Definitions:
    """Load the definitions, which read the settings; raise what went wrong, not Dagster's error around it."""
    try:
        return definitions()
    except ComponentTreeException as error:
        cause: BaseException = error
        while isinstance(cause, ComponentTreeException) and cause.__cause__ is not None:
            cause = cause.__cause__
        raise cause from error


def _failures(result: dg.ExecuteInProcessResult, home: Home) -> str:
    lines = [FAILED]
    for event in result.all_events:
        if event.is_step_failure:
            database = home.raw_database if event.step_key in _RAW_STEPS else home.build_database
            message = _message(event.step_failure_data)
            lines.append(f"  {event.step_key}: {with_remedy(message, home, database)}")
    return "\n".join(lines)


def _message(failure: StepFailureData) -> str:
    """Return the words of the error that the step raised, not Dagster's around it nor the name of its class."""
    error = failure.error
    if error is None:
        return ""
    if failure.error_source == ErrorSource.USER_CODE_ERROR and error.cause is not None:
        error = error.cause
    return error.message.partition(f"{error.cls_name}: ")[2] or error.message
