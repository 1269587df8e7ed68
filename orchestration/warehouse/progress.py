"""What the command of this process does and what it has finished, in words for the person who interrupts it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

NOTHING_CHANGED = "Nothing was changed."
NEXT_RUN = "the next run takes over"
SAME_COMMAND = "give the same command again"
OTHER_WAREHOUSE = f"Your warehouse is unchanged; {SAME_COMMAND}."


class Progress:
    """Written by the thread that works, read by the one that ends the process."""

    def __init__(self) -> None:
        self._activity = "starting"
        self._finished: list[str] = []
        self._outcome: Callable[[], str] = lambda: NOTHING_CHANGED

    @property
    def activity(self) -> str:
        """Return what is done now."""
        return self._activity

    def begin(self, activity: str) -> None:
        """Note what is done from now on, as a gerund: `publishing`."""
        self._activity = activity

    def finish(self, what: str) -> None:
        """Note what is done for good, as a noun: `landing`."""
        if what not in self._finished:
            self._finished.append(what)

    def leave(self, outcome: Callable[[], str]) -> None:
        """Note what holds for readers and for the next command when the process ends now; read at that moment."""
        self._outcome = outcome

    @contextmanager
    def during(self, activity: str) -> Iterator[None]:
        """Note an activity for the block, and the earlier one after it."""
        before, self._activity = self._activity, activity
        try:
            yield
        finally:
            self._activity = before

    def as_interrupted(self) -> str:
        """Return the one line that is printed when the process ends now."""
        outcome = self._outcome()
        if outcome == NOTHING_CHANGED:
            return f"Interrupted while {self._activity}. {outcome}"
        *others, last = self._finished or ["nothing"]
        finished = f"{', '.join(others)} and {last} are" if others else f"{last} is"
        return f"Interrupted while {self._activity}: {finished} finished. {outcome}"


# One command is one process.
PROGRESS = Progress()
