"""The outcome of a build and of each of its nodes, whether dbt or a replay ran it."""

from dataclasses import dataclass

_SUCCEEDED = frozenset({"success", "pass", "warn", "no-op"})


@dataclass(frozen=True)
class Outcome:
    """The outcome of one node; `compiled_sql` is what dbt made of it, None where it did not get that far."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    seconds: float
    message: str
    compiled_sql: str | None

    @property
    def is_success(self) -> bool:
        """Whether it did what it should."""
        return self.status in _SUCCEEDED


@dataclass(frozen=True)
class Invocation:
    """The outcome of one dbt command; `error` is the reason why it ran nothing, None when it ran."""

    outcomes: tuple[Outcome, ...]
    error: str | None

    @property
    def is_success(self) -> bool:
        """Whether the command ran and every node did what it should."""
        return self.error is None and all(one.is_success for one in self.outcomes)
