"""What the letters share: a working folder, the sizes, and histories that are generated and built once."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.generator import Population
from tests.benchmarks.measuring import Cost, Outcome, run_task
from tests.benchmarks.results import Results, count
from tests.benchmarks.sizes import Sizes


@dataclass
class History:
    """A built warehouse and its full refreshes: without a memory limit, and within that of this run's sizes.

    Nothing has landed of `next_day` yet, and no load has the number `next_load`.
    """

    folder: Path
    events: int
    populations: list[Population]
    next_day: int
    next_load: int = 2
    refreshes: list[Outcome] = field(default_factory=list)
    limited: list[Outcome] = field(default_factory=list)
    # What the SQL of each day behind it cost.
    increments: list[Cost] = field(default_factory=list)

    @property
    def after(self) -> Population:
        """The conversations on the days after the history."""
        return self.populations[-1]

    @property
    def written(self) -> list[dict[str, Any]]:
        """All populations, as a task reads them."""
        return [asdict(one) for one in self.populations]

    def take_days(self, number: int) -> int:
        """Return the first of so many days that nothing has landed of, and count them as landed."""
        first = self.next_day
        self.next_day += number
        self.next_load += number
        return first


@dataclass
class Bench:
    """One run of the benchmarks."""

    folder: Path
    sizes: Sizes
    say: Callable[[str], None]
    results: Results = field(default_factory=Results)
    _histories: dict[str, History] = field(default_factory=dict)

    def history(self, events: int, day_events: int | None = None) -> History:
        """Return a history of about `events` events, generated and built when it is first asked for.

        `day_events` come on each day behind it. A second call continues where the letter before has stopped.
        """
        daily = day_events or self.sizes.day_events
        key = f"{events}-{daily}"
        if key not in self._histories:
            self._histories[key] = self._made(events, self.folder / f"history-{key}", daily)
        return self._histories[key]

    def _made(self, events: int, folder: Path, daily: int) -> History:
        folder.mkdir()
        days = self.sizes.days
        populations = [Population.of_history(events, days), Population.after(days, daily)]
        self.say(f"generating {count(events)} events of {days} days")
        made = run_task(
            "building.generate",
            folder=str(folder),
            populations=[asdict(populations[0])],
            first_day=0,
            last_day=days,
            load_id=1,
        )
        answer = made.answer
        self.say(f"{answer['events']:,} events generated in {made.cost.wall_seconds:,.0f} s; building them")
        history = History(folder, answer["events"], populations, next_day=days)
        # A history that no other letter is compared with is built once, as the letter on memory needs it.
        is_limited = events == self.sizes.limited_events and events > self.sizes.refreshed_events
        self.refresh(history, is_limited=is_limited, tests=events == self.sizes.refreshed_events)
        return history

    def refresh(self, history: History, *, is_limited: bool = False, tests: bool = False) -> None:
        """Build a history from nothing once more, measured."""
        outcome = run_task(
            "building.build",
            folder=str(history.folder),
            full_refresh=True,
            tests=tests,
            memory_limit=self.sizes.memory_limit if is_limited else None,
        )
        self.say(f"full refresh of {history.events:,} events: {outcome.answer['sql_cpu_seconds']:.1f} CPU s of SQL")
        (history.limited if is_limited else history.refreshes).append(outcome)

    def refreshed(self, history: History) -> list[Outcome]:
        """Return as many full refreshes of a history as this run's medians want; the first has run the data tests."""
        while len(history.refreshes) < self.sizes.rounds:
            self.refresh(history)
        return history.refreshes

    def repeated(self, task: str, **arguments: object) -> list[Outcome]:
        """Run a task as often as this run's medians want."""
        return [run_task(task, **arguments) for _ in range(self.sizes.rounds)]


def sql_cost(outcome: Outcome) -> Cost:
    """Return what the statements of a build cost, dbt itself left out; the peak is that of the whole process."""
    answer = outcome.answer
    return Cost(answer["sql_cpu_seconds"], answer["sql_wall_seconds"], outcome.cost.peak_bytes)


def costs(outcomes: list[Outcome]) -> list[Cost]:
    """Return the costs alone."""
    return [outcome.cost for outcome in outcomes]
