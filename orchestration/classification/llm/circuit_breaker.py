"""Stops asking an endpoint that fails every time."""

from dataclasses import dataclass

FAILURES_IN_A_ROW = 10


@dataclass
class CircuitBreaker:
    """Opens after so many failed calls in a row, or at once for a failure that no call can escape; stays open.

    `problem` is the reason why it opened, None while it is closed.
    """

    limit: int = FAILURES_IN_A_ROW
    failures: int = 0
    problem: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing may be asked any more."""
        return self.problem is not None

    def succeeded(self) -> None:
        """Reset the count."""
        self.failures = 0

    def failed(self, reason: str) -> None:
        """Count a failed call."""
        self.failures += 1
        if self.failures >= self.limit:
            self.open(f"{self.failures} calls in a row failed, the last with: {reason}; the next run tries again")

    def open(self, problem: str) -> None:
        """Stop at once; the first problem stays."""
        self.problem = self.problem or problem
