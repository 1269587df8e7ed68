"""The population: how many conversations on which days."""

from dataclasses import dataclass

SEED = 11
# Measured over 100,000 conversations of this seed; the sizes that letters name are rounded by it.
EVENTS_PER_CONVERSATION = 12.4
# So many days after its own an event may still arrive.
LATEST_ARRIVAL = 10


@dataclass(frozen=True)
class Population:
    """A population: `per_day` conversations on each day, every one of them `replicas` times under ids of its own.

    Conversations begin on days `since` <= day < `until`; ids of two populations differ by their prefix.
    """

    per_day: int
    replicas: int = 1
    seed: int = SEED
    prefix: str = ""
    since: int = 0
    until: int = 100_000

    def conversation_days(self, first_day: int, last_day: int) -> tuple[int, int]:
        """Return the days of the conversations of which something arrives on `first_day` <= day < `last_day`."""
        first = max(self.since, first_day - LATEST_ARRIVAL)
        return first, max(first, min(self.until, last_day))

    @classmethod
    def of_history(cls, events: int, days: int, *, base: int = 10_000_000) -> "Population":
        """Return a population of about `events` events in the days of a history; above `base` by replication."""
        replicas = max(1, round(events / base))
        per_day = max(1, round(events / EVENTS_PER_CONVERSATION / days / replicas))
        return cls(per_day, replicas, until=days)

    @classmethod
    def after(cls, days: int, events: int) -> "Population":
        """Return a population of about `events` events on each day after a history of `days`."""
        return cls(max(1, round(events / EVENTS_PER_CONVERSATION)), prefix="d", since=days)
