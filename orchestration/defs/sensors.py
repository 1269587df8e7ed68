"""Asks for a run when files have landed, at most one at a time."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.defs import jobs
from orchestration.defs.batching import QUIET_TIME, Seen, decide
from orchestration.landing.landed_files import LandedFile, find_files
from orchestration.settings import Settings

_LOOK_EVERY_SECONDS = 60
_WAITING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=jobs.refresh_warehouse,
    minimum_interval_seconds=_LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def landed_files_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Look at the landing folder and batch what has arrived into one run."""
    landing = Settings().landing
    if not landing.is_dir():
        return dg.SkipReason(f"landing folder {landing} does not exist: create it or set COLLOQUY_LANDING")
    waiting = dg.RunsFilter(job_name=jobs.refresh_warehouse.name, statuses=_WAITING)
    decision = decide(
        Seen.from_cursor(context.cursor),
        [entry for entry in find_files(landing) if isinstance(entry, LandedFile)],
        is_run_waiting=context.instance.get_runs_count(waiting) > 0,
        now=datetime.now(UTC),
        quiet_time=QUIET_TIME,
    )
    if decision.seen is None:
        return dg.SkipReason(decision.reason)
    # Named after the files: should this look be repeated after a crash, they ask for one run only.
    request = dg.RunRequest(run_key=decision.seen.state, tags={"colloquy/trigger": "files"})
    return dg.SensorResult(run_requests=[request], cursor=decision.seen.to_cursor())
