"""Ctrl-C, SIGTERM and a closed terminal: one line about what is finished, and the end of the process.

The process ends where it stands, as by kill -9: everything on disk is made for that, and the tests of crashes prove it.
An exception would have to find its way out of Dagster, dbt and DuckDB, each of which reports it, takes it for a failure
of its own, or waits for its threads. The command works in a thread of its own because only the main thread gets
signals: here it does nothing else, and Dagster, which has handlers too, sets them in the main thread only.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from orchestration.warehouse.progress import PROGRESS
from orchestration.warehouse.scratch import remove_scratch

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What shells report of a program that a signal has ended: 130 for Ctrl-C, 143 for SIGTERM.
_CODE_OF_SIGNAL = 128
# The outputs may go to a pipe that nobody empties.
_LONGEST_FAREWELL_SECONDS = 5
# As the main thread has it on most systems; others give a second thread too little for deeply nested JSON.
_STACK_BYTES = 16 << 20

_stops: list[Callable[[], None]] = []


def stop_when_interrupted(stop: Callable[[], None]) -> None:
    """Have `stop` called when the process is interrupted: it ends a process that was started from here."""
    _stops.append(stop)


def watch_signals() -> None:
    """End the process with its line when a signal comes; what the caller of the process ignores stays ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def run_beside(command: Callable[[], int]) -> int:
    """Return what the command returns, or raise what it raises; it works in another thread."""
    ended = threading.Event()
    codes: list[int] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            codes.append(command())
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            errors.append(error)
        finally:
            ended.set()

    before = threading.stack_size(_STACK_BYTES)
    threading.Thread(target=work, name="command", daemon=True).start()
    threading.stack_size(before)
    ended.wait()
    if errors:
        raise errors[0]
    return codes[0]


def _end(number: int, _frame: FrameType | None) -> None:
    code = _CODE_OF_SIGNAL + number
    # The second of two quick signals finds the first at work.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    try:
        for stop in _stops:
            stop()
        signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
        signal.alarm(_LONGEST_FAREWELL_SECONDS)
        remove_scratch()
        _unlink_semaphores()
        sys.stdout.flush()
        print(PROGRESS.as_interrupted(), file=sys.stderr, flush=True)
    finally:
        # Whatever went wrong with the farewell: the process was told to end.
        os._exit(code)


def _unlink_semaphores() -> None:
    """Give back what dbt's locks have in the kernel: a helper process of Python reports them as leaked otherwise."""
    multiprocessing_util = sys.modules.get("multiprocessing.util")
    if multiprocessing_util is not None:
        multiprocessing_util._run_finalizers(0)
