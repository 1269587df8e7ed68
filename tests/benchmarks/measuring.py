"""Runs one piece of work in a process of its own and reports what it cost: CPU seconds, wall seconds, peak memory.

CPU seconds are user and system time of all threads of that process, and of the processes it started and waited for.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.settings import PROJECT_DIR

_SHOWN_LINES = 40


class WorkFailedError(RuntimeError):
    """The measured process failed; the message is the end of what it wrote."""


@dataclass(frozen=True)
class Cost:
    """What one run of a piece of work took."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int = 0


@dataclass(frozen=True)
class Outcome:
    """The cost of the work itself, imports and start-up of its process left out, and what it answered."""

    cost: Cost
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clock:
    """The clocks of this process at a moment."""

    cpu_seconds: float
    wall_seconds: float

    @classmethod
    def now(cls) -> "Clock":
        """Read them: processes that were started count once they have been waited for."""
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(sum(one.ru_utime + one.ru_stime for one in used), time.perf_counter())

    def cost(self) -> Cost:
        """Return what has passed since."""
        now = Clock.now()
        return Cost(now.cpu_seconds - self.cpu_seconds, now.wall_seconds - self.wall_seconds)


def measured(work: Callable[[], Mapping[str, Any]]) -> Outcome:
    """Do work in this process; the peak of its memory is known only when the process has ended."""
    clock = Clock.now()
    answer = work()
    return Outcome(clock.cost(), answer)


def peak_of_this_process() -> int:
    """Return the most memory (bytes) this process has held; 0 where the system does not report it.

    What `wait4` reports of a child begins with what its parent held when it started it.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def run_task(task: str, **arguments: object) -> Outcome:
    """Run a task of `tests.benchmarks.worker` in a process of its own; raises WorkFailedError when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        request = json.dumps({"arguments": arguments, "result": str(result)})
        whole = run_process([sys.executable, "-m", "tests.benchmarks.worker", task, request])
        found = json.loads(result.read_text())
    peak = found["peak_bytes"] or whole.peak_bytes
    return Outcome(Cost(found["cpu_seconds"], found["wall_seconds"], peak), found["answer"])


def run_process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and return what all of it cost; raises WorkFailedError when it fails."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=PROJECT_DIR, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            lines = output.read().decode(errors="replace").splitlines()[-_SHOWN_LINES:]
            raise WorkFailedError(f"{' '.join(command[:4])} ended with {process.returncode}:\n" + "\n".join(lines))
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each measure."""
    return Cost(
        statistics.median(cost.cpu_seconds for cost in costs),
        statistics.median(cost.wall_seconds for cost in costs),
        int(statistics.median(cost.peak_bytes for cost in costs)),
    )


def ratio(value: float, reference: float) -> float:
    """Return how many times the reference a value is; raises ValueError where there is nothing to compare with."""
    if reference <= 0:
        raise ValueError(f"nothing to compare {value} with: the reference is {reference}")
    return value / reference
