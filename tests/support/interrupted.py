"""A real command that gets a real signal at a chosen moment of what it does.

A moment is the n-th file opened, name changed on disk, or statement given to DuckDB while `PROGRESS` shows an activity.
The signal is sent by the process to itself: no test waits for the right time.
"""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.__main__ import main
from orchestration.commands.interruption import run_beside, watch_signals
from orchestration.warehouse.progress import PROGRESS

MOMENTS_FILE = "moments.txt"
# Reached by a process only that does not end as it should.
_LONGEST_END_SECONDS = 60
MOMENTS = {"open", "os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "shutil.rmtree"}


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
            # The other thread ends the process here: this one must not come to the next activity before.
            threading.Event().wait(_LONGEST_END_SECONDS)

    watch_duckdb(pass_one)
    sys.addaudithook(lambda event, _: pass_one() if event in MOMENTS else None)
    code = run_beside(lambda: main(list(arguments)))
    moments = dict(seen)
    lines = (f"{count} {activity}\n" for activity, count in moments.items())
    (Path(environment["COLLOQUY_HOME"]) / MOMENTS_FILE).write_text("".join(lines))
    return code


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


def watch_duckdb(pass_one: Callable[[], None]) -> None:
    """Call `pass_one` before each statement that DuckDB is given."""
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
