"""A real command that may write no file beyond a size (`ulimit -f`)."""

import codecs
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence

from orchestration.__main__ import main
from orchestration.warehouse.progress import PROGRESS

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
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    if limit is not None and phase is None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited))
    if limit is not None and phase is not None:
        bytes_ = limit

        def begin(event: str, _: object) -> None:
            if event == "open" and PROGRESS.activity == phase:
                resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, unlimited))

        sys.addaudithook(begin)
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
