"""Which runs count as dead: those whose process is gone, and no other, wherever between start and lock they are."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from orchestration.commands.instance import PROCESS_TAG, fail_dead_runs, open_instance
from orchestration.commands.processes import is_running
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def idle() -> None:
    """Do nothing, as a job."""
    nothing()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="module")
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    home.create()
    with open_instance(home, now=datetime.now(UTC)) as one:
        yield one


def ended_process() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def make_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, pid: int | None = None) -> str:
    """Create a run as `make run` does, `pid` being its process."""
    tags = {} if pid is None else {PROCESS_TAG: str(pid)}
    return instance.create_run_for_job(idle, status=status, tags=tags).run_id


def dead(instance: dg.DagsterInstance, home: Home, minutes: int = 0) -> list[str]:
    return fail_dead_runs(instance, home, now=datetime.now(UTC) + timedelta(minutes=minutes))


@pytest.mark.parametrize("status", UNFINISHED)
def test_a_run_lives_as_long_as_its_process(
    instance: dg.DagsterInstance, home: Home, status: dg.DagsterRunStatus
) -> None:
    # No process holds the lock: the run is about to take it, or has just released it.
    alive, killed = make_run(instance, status, os.getpid()), make_run(instance, status, ended_process())
    assert dead(instance, home, minutes=60) == [killed]
    statuses = {run_id: run.status for run_id in (alive, killed) if (run := instance.get_run_by_id(run_id))}
    assert statuses == {alive: status, killed: dg.DagsterRunStatus.FAILURE}
    assert dead(instance, home, minutes=60) == []


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_run_that_dagster_started_names_its_process_in_its_log(
    instance: dg.DagsterInstance, home: Home, is_alive: bool
) -> None:
    run_id = make_run(instance, dg.DagsterRunStatus.STARTED)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    pid = os.getpid() if is_alive else ended_process()
    instance.report_engine_event("Started process for run", run, EngineEventData.in_process(pid))
    assert dead(instance, home) == ([] if is_alive else [run_id])


def test_a_run_without_a_process_has_five_minutes_to_get_one(instance: dg.DagsterInstance, home: Home) -> None:
    run_id = make_run(instance, dg.DagsterRunStatus.STARTING)
    assert dead(instance, home, minutes=4) == []
    assert dead(instance, home, minutes=6) == [run_id]


def test_nothing_is_judged_while_somebody_writes(instance: dg.DagsterInstance, home: Home) -> None:
    run_id = make_run(instance, dg.DagsterRunStatus.STARTED, ended_process())
    with hold_lock(home.lock, "run", lambda _: None, now=datetime.now(UTC)):
        assert dead(instance, home) == []
    assert dead(instance, home) == [run_id]


def test_a_run_executed_again_is_not_judged_by_the_process_of_the_first(
    instance: dg.DagsterInstance, home: Home
) -> None:
    first = make_run(instance, dg.DagsterRunStatus.FAILURE, ended_process())
    again = instance.create_run_for_job(
        idle,
        status=dg.DagsterRunStatus.STARTING,
        tags={PROCESS_TAG: str(ended_process())},
        parent_run_id=first,
        root_run_id=first,
    )
    assert dead(instance, home) == []
    assert dead(instance, home, minutes=6) == [again.run_id]


def test_finished_runs_stay_as_they_are(instance: dg.DagsterInstance, home: Home) -> None:
    for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS):
        make_run(instance, status, ended_process())
    assert dead(instance, home, minutes=60) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc says when a process started")
def test_another_process_of_the_same_number_is_not_the_one() -> None:
    now = datetime.now(UTC)
    assert is_running(os.getpid(), now.timestamp())
    # Noted a year ago: since then the number has been given to another process.
    assert not is_running(os.getpid(), (now - timedelta(days=365)).timestamp())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc tells a process that waits to be buried")
def test_a_killed_process_nobody_has_waited_for_does_not_run() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_running(process.pid, datetime.now(UTC).timestamp())
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(process.pid, datetime.now(UTC).timestamp())
    process.communicate()
