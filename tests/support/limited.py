"""A real command that may write no file beyond a size (`ulimit -f`)."""

import codecs
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from orchestration.__main__ import main
from orchestration.warehouse.progress import PROGRESS
from tests.support import small_disk

_CODECS = ("utf-8-sig", "cp437", "idna", "ascii")


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], limit: int | None = None, phase: str | None = None
) -> int:
    """Run a command while no file may grow beyond `limit` bytes; a forked process calls this.

    With a `phase` the limit begins with the first file that is opened in it. What is printed goes to a file as well:
    it has to fit.
    """
    os.environ.update(environment)
    # As Python does by itself: a write gets an error instead.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def begin() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    _at(phase, begin)
    return main(list(arguments))


def run_as_another_account(arguments: Sequence[str], environment: Mapping[str, str], account: int) -> int:
    """Run a command as another account, which only root may become; a forked process calls this."""
    os.environ.update(environment)
    # The folder of the interpreter may be closed to that account.
    for name in _CODECS:
        codecs.lookup(name)
    os.setgroups([])
    os.setgid(account)
    os.setuid(account)
    return main(list(arguments))


def run_on_full_disk(arguments: Sequence[str], environment: Mapping[str, str], folder: str, phase: str) -> int:
    """Run a command; from a phase on the disk of a folder is full. A forked process calls this."""
    os.environ.update(environment)
    _at(phase, lambda: small_disk.fill(folder, 0))
    return main(list(arguments))


def _at(phase: str | None, begin: Callable[[], None]) -> None:
    """Call `begin` before the first file that is opened in a phase, at once without one."""
    if phase is None:
        begin()
        return
    waiting = [begin]

    def look(event: str, _: object) -> None:
        if event == "open" and PROGRESS.activity == phase and waiting:
            waiting.pop()()

    sys.addaudithook(look)
