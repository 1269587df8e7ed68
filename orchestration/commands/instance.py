"""The Dagster instance of one warehouse: its run history and schedules live under COLLOQUY_HOME."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from orchestration.home import Home
from orchestration.locking import lock_holder

# One writer: one run at a time, the next waits in the queue. The pool says the same of runs that other jobs may start.
CONFIGURATION = """\
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: run
    default_limit: 1
"""


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open the instance under `home`, writing its configuration first when it differs."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    configuration = home.dagster / "dagster.yaml"
    if not configuration.exists() or configuration.read_text() != CONFIGURATION:
        configuration.write_text(CONFIGURATION)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster))) as instance:
        fail_dead_runs(instance, home)
        yield instance


def fail_dead_runs(instance: dg.DagsterInstance, home: Home) -> list[str]:
    """Mark runs as failed whose process was killed, and return their ids.

    Dagster takes them for running for ever, and the queue and the sensor would wait for them. A run that writes holds
    the lock of the warehouse from its first step on, so while nobody holds it, none that has STARTED is alive.
    """
    if lock_holder(home.lock) is not None:
        return []
    dead = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]))
    for run in dead:
        instance.report_run_failed(
            run, "Its process ended without a word; the warehouse is as the last good run left it."
        )
    return [run.run_id for run in dead]
