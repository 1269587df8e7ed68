"""A real command that gets a real signal at a chosen moment of what it does.

A moment is the n-th file opened, name changed on disk, or statement given to DuckDB while `PROGRESS` shows an activity.
The signal is sent by the process to itself: no test waits for the right time.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.__main__ import main
from orchestration.commands.instance import open_instance
from orchestration.commands.interruption import run_beside, watch_signals
from orchestration.definitions import definitions
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import PROGRESS

MOMENTS_FILE = "moments.txt"
EXPIRING = "removing what has expired"
_MOMENTS = {"open", "os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "shutil.rmtree"}


def run_command(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    interruption: tuple[str, str, int] | None = None,
    times: int = 1,
) -> int:
    """Run a command as `python -m orchestration` does; a forked process calls this.

    `interruption` is (signal, activity, moment), sent `times` times in a row. Without, the number of moments of each
    activity goes to a file in COLLOQUY_HOME.
    """
    os.environ.update(environment)
    # Tests that run in the background inherit that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    watch_signals()
    seen: Counter[str] = Counter()

    def pass_one() -> None:
        activity = PROGRESS.activity
        seen[activity] += 1
        if interruption is not None and [activity, seen[activity]] == list(interruption[1:]):
            for _ in range(times):
                os.kill(os.getpid(), signal.Signals[interruption[0]])

    _watch_duckdb(pass_one)
    sys.addaudithook(lambda event, _: pass_one() if event in _MOMENTS else None)
    code = run_beside(lambda: main(list(arguments)))
    moments = dict(seen)
    lines = (f"{count} {activity}\n" for activity, count in moments.items())
    (Path(environment["COLLOQUY_HOME"]) / MOMENTS_FILE).write_text("".join(lines))
    return code


def run_nightly(environment: Mapping[str, str], kill_at: int | None = None) -> int:
    """Run the job as the schedule of 02:00 does; a forked process calls this, `kill_at` ends it by kill -9.

    That is the moment of removing what has expired. Without, the number of these moments goes to a file in the home.
    """
    os.environ.update(environment)
    settings = Settings()
    settings.export()
    home = Home(settings.home)
    seen: Counter[str] = Counter()

    def pass_one() -> None:
        seen[PROGRESS.activity] += 1
        if PROGRESS.activity == EXPIRING and seen[EXPIRING] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    _watch_duckdb(pass_one)
    sys.addaudithook(lambda event, _: pass_one() if event in _MOMENTS else None)
    with open_instance(home, now=datetime.now(UTC)) as instance:
        job = definitions().resolve_job_def("refresh_warehouse")
        result = job.execute_in_process(instance=instance, raise_on_error=False, tags={TRIGGER_TAG: NIGHTLY})
    (home.root / MOMENTS_FILE).write_text(f"{seen[EXPIRING]} {EXPIRING}\n")
    return 0 if result.success else 1


def moments_of(home: Path) -> dict[str, int]:
    """Return how many moments each activity of the last command had that was not interrupted, and forget them."""
    path = home / MOMENTS_FILE
    pairs = (line.split(" ", 1) for line in path.read_text().splitlines())
    moments = {activity: int(count) for count, activity in pairs}
    path.unlink()
    return moments


def processes_that_use(folder: Path) -> list[int]:
    """Return the processes that name a folder in their arguments or hold a file in it open, this one left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = [str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()]
            words = (process / "cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if int(process.name) != os.getpid() and (
            str(folder) in words or any(name.startswith(f"{folder}/") for name in opened)
        ):
            found.append(int(process.name))
    return found


def _watch_duckdb(pass_one: Callable[[], None]) -> None:
    connect: Callable[..., Any] = duckdb.connect
    duckdb.connect = lambda *a, **options: _Watched(connect(*a, **options), pass_one)  # type: ignore[assignment]


class _Watched:
    """A DuckDB connection or cursor, each of whose statements is a moment."""

    def __init__(self, connection: Any, pass_one: Callable[[], None]) -> None:
        self._connection, self._pass_one = connection, pass_one

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        self._pass_one()
        return self._connection.execute(*arguments)

    def cursor(self) -> "_Watched":
        return _Watched(self._connection.cursor(), self._pass_one)

    def __enter__(self) -> "_Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
