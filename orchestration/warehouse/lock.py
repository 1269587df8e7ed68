"""One writer at a time: a lock on a file that the kernel gives back when its holder dies."""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.warehouse.progress import PROGRESS

_CONTENT_MODE = 0o644


@dataclass(frozen=True)
class Holder:
    """The holder of the lock, as written into the file; all fields are empty until the holder has written."""

    pid: int | None = None
    host: str = ""
    purpose: str = ""
    since: str = ""

    def whereabouts(self) -> str:
        """Return process, host and time as a phrase for messages."""
        return (
            "whose name in the file is cut off"
            if self.pid is None
            else f"pid {self.pid} on {self.host} since {self.since}"
        )

    def describe(self) -> str:
        """Return the holder of the lock, as a phrase for messages and for status."""
        if self.pid is None:
            return "a process that has not written its name yet"
        return f"{self.purpose}, {self.whereabouts()}"


@contextmanager
def hold_lock(
    path: Path,
    purpose: str = "run",
    on_wait: Callable[[str], None] = print,
    *,
    now: datetime,
) -> Iterator[Holder]:
    """Hold the lock on `path` for the block; wait while another process holds it.

    `now` is written as `since`: the moment the caller asked for the lock. `on_wait` gets one message before waiting and
    one when the previous holder died without releasing. The file stays in place, empty while it has no holder: removing
    it would let two processes lock two files of the same name. A forked child keeps the lock until it ends as well.
    """
    if now.tzinfo is None:
        raise ValueError(
            f"hold_lock({path}): now={now!r} has no time zone; pass an aware time such as datetime.now(UTC)"
        )
    holder = Holder(os.getpid(), socket.gethostname(), purpose, now.astimezone(UTC).isoformat(timespec="seconds"))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _CONTENT_MODE)
    try:
        _acquire(descriptor, path, on_wait)
        last = _read(descriptor)
        if last is not None:
            on_wait(
                f"{path}: the last {last.purpose or 'holder'}, {last.whereabouts()}, did not finish; "
                f"this {purpose} takes over and does its unfinished work again"
            )
        _write(descriptor, json.dumps(asdict(holder)))
        try:
            yield holder
        finally:
            _write(descriptor, "")
    finally:
        # Closing the last descriptor gives the lock back.
        os.close(descriptor)


def lock_holder(path: Path) -> Holder | None:
    """Return the holder of the lock on `path` now, None when it is free; never waits, never changes the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        # A shared lock: probes of several readers do not report each other.
        if _try_lock(descriptor, fcntl.LOCK_SH):
            return None
        return _read(descriptor) or Holder()
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, on_wait: Callable[[str], None]) -> None:
    if _try_lock(descriptor, fcntl.LOCK_EX):
        return
    holder = _read(descriptor) or Holder()
    with PROGRESS.during("waiting for the process that holds the lock"):
        on_wait(f"{path} is held by {holder.describe()}; waiting until it is released")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Holder | None:
    """Return the holder the file names, None for an empty file; content of another shape names none."""
    content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    if not content.strip():
        return None
    try:
        fields = json.loads(content)
        return Holder(int(fields["pid"]), str(fields["host"]), str(fields["purpose"]), str(fields["since"]))
    except (ValueError, KeyError, TypeError):
        # Cut off by a crash in mid-write or edited by hand; the kernel's lock is what counts, the text only informs.
        return Holder()


def _write(descriptor: int, content: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content.encode(), 0)
