"""Progress that a person can follow: one line now and then, not one a file."""

import time
from collections.abc import Callable

Progress = Callable[[str], None]


def throttled(on_progress: Progress, *, seconds: float = 1.0, clock: Callable[[], float] = time.monotonic) -> Progress:
    """Return a callback that passes a message on when `seconds` have gone by since the last one it passed on."""
    passed_on_at = clock()

    def report(message: str) -> None:
        nonlocal passed_on_at
        if clock() - passed_on_at >= seconds:
            passed_on_at = clock()
            on_progress(message)

    return report
