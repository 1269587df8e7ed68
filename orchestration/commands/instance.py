"""The Dagster instance of one warehouse: its run history and schedules live under COLLOQUY_HOME."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from orchestration.commands.processes import is_running
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import lock_holder

# One writer: one run at a time, the next waits in the queue. The pool enforces the same for runs of other jobs.
# The sensor looks every minute, so its ticks are deleted; runs have no such setting, see defs/run_history.py.
# Dagster keeps no outputs of processes: it would turn them to files, which a full disk ends, and start four processes
# beside each run, which outlive one that is killed. What matters is in the events of the run.
# JSON is YAML: a path may hold what YAML would read as syntax.
CONFIGURATION = """\
event_log_storage:
  module: orchestration.defs.event_storage
  class: KeptOpenEventLogStorage
  config:
    base_dir: {events}
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: run
    default_limit: 1
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      started: 7
      failure: 30
      success: 90
"""


# Runs that others wait for, except those in the queue: these wait themselves.
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# Between the request of a run and the start of its process; a loaded machine takes some seconds.
_LONGEST_START = timedelta(minutes=5)
PROCESS_TAG = "colloquy/process"


@contextmanager
def open_instance(home: Home, *, now: datetime) -> Iterator[dg.DagsterInstance]:
    """Open the instance under `home`, writing its configuration first when it differs."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    configuration = home.dagster / "dagster.yaml"
    wanted = CONFIGURATION.format(events=json.dumps(str(home.dagster / "history" / "runs")))
    if not configuration.exists() or configuration.read_text() != wanted:
        configuration.write_text(wanted)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster))) as instance:
        fail_dead_runs(instance, home, now=now)
        yield instance


def fail_dead_runs(instance: dg.DagsterInstance, home: Home, *, now: datetime) -> list[str]:
    """Mark runs as failed whose process was killed, and return their ids.

    Dagster takes them for running for ever, and the queue and the sensor would wait for them. While a run holds the
    lock of the warehouse nothing is marked: that run is alive, and which others are can wait.
    """
    if lock_holder(home.lock) is not None:
        return []
    records = instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED))
    dead = [record.dagster_run for record in records if _is_dead(instance, record, now)]
    for run in dead:
        instance.report_run_failed(
            run, "Its process ended without a word; the warehouse is as the last good run left it."
        )
    return [run.run_id for run in dead]


def _is_dead(instance: dg.DagsterInstance, record: dg.RunRecord, now: datetime) -> bool:
    """Return whether a run has no process: its process alone reports that, on its way to the lock and back from it."""
    run = record.dagster_run
    # Dagster copies the tags when a run is executed again, then in another process.
    if PROCESS_TAG in run.tags and run.parent_run_id is None:
        return not is_running(int(run.tags[PROCESS_TAG]), record.create_timestamp.timestamp())
    noted = [
        (int(str(data.metadata["pid"].value)), entry.timestamp)
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        if entry.dagster_event is not None
        for data in [entry.dagster_event.engine_event_data]
        if "pid" in data.metadata
    ]
    if noted:
        return not any(is_running(pid, noted_at) for pid, noted_at in noted)
    is_requested = run.status in {dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING}
    return not is_requested or now - record.create_timestamp > _LONGEST_START
