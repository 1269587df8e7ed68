"""Letters c, d and e: what a day, sixty days and a small file cost on top of what is there."""

import sys
from dataclasses import asdict

from orchestration.warehouse.home import Home
from tests.benchmarks.bench import Bench, History, sql_cost
from tests.benchmarks.measuring import Cost, median, ratio, run_process, run_task
from tests.benchmarks.results import count

_GROWTH_TARGET = 1.5
# Of the SQL of a full refresh, by the size of the history.
_DAY_TARGETS = {10_000_000: 0.03, 100_000_000: 0.01}
_SIZE_TARGET = 1.05
_WARM_SECONDS = 5.0
_SQL_SECONDS = 0.5


def one_day(bench: Bench) -> None:
    """Measure (c): a day of new events, the same number of them, onto histories of growing size."""
    smaller: Cost | None = None
    shown: dict[str, float] = {}
    for events in bench.sizes.histories:
        history = bench.history(events)
        full = median([sql_cost(outcome) for outcome in history.refreshes or history.limited])
        found = _increments(bench, history, bench.sizes.rounds)
        own = median(found)
        share, target = ratio(own.cpu_seconds, full.cpu_seconds), _DAY_TARGETS.get(events)
        growth = None if smaller is None else ratio(own.cpu_seconds, smaller.cpu_seconds)
        bench.results.add(
            "c",
            f"one day of {count(bench.sizes.day_events)} events onto {count(events)}, SQL of dbt",
            found,
            value=f"{share:.1%} of a full refresh" + ("" if growth is None else f"; {growth:.2f} x the history before"),
            target=" and ".join(
                ([] if target is None else [f"<= {target:.0%}"])
                + ([] if growth is None else [f"<= {_GROWTH_TARGET} x"])
            ),
            is_met=None
            if growth is None and target is None
            else (target is None or share <= target) and (growth is None or growth <= _GROWTH_TARGET),
        )
        smaller, shown[count(events)] = own, own.cpu_seconds
        if events <= bench.sizes.largest_job:
            jobs = _cold_jobs(bench, history, bench.sizes.job_rounds)
            bench.results.add("c", f"the whole job of that day onto {count(events)}, cold process", jobs)
    bench.results.detail["c"] = {"SQL of one day, CPU s, by events of history": shown}


def many_days(bench: Bench) -> None:
    """Measure (d): whether later days cost more than the first ones, and what the file has grown to."""
    sizes = bench.sizes
    history = bench.history(sizes.increment_history, _daily(bench, sizes.increment_history))
    found = _increments(bench, history, sizes.increments)
    first, last = (median(part) for part in (found[: sizes.compared_increments], found[-sizes.compared_increments :]))
    times = ratio(last.cpu_seconds, first.cpu_seconds)
    bench.results.add(
        "d",
        f"{sizes.increments} daily increments onto {count(sizes.increment_history)} events, SQL of dbt",
        found,
        value=f"last {sizes.compared_increments} take {times:.2f} x the first {sizes.compared_increments}",
    )
    folder = str(history.folder)
    size = run_task("building.compact", folder=folder).answer
    bloat = ratio(size["bytes"], size["compacted_bytes"])
    bench.results.add(
        "d",
        f"build file after {sizes.increments} days, {size['bytes'] / 1e6:,.0f} MB",
        value=f"{bloat:.3f} x a compacted one",
        target=f"<= {_SIZE_TARGET} x",
        is_met=bloat <= _SIZE_TARGET,
    )
    bench.say("comparing the marts with a full refresh")
    differences = run_task("building.differences", folder=folder).answer["differences"]
    bench.results.add(
        "d",
        "marts that differ from a full refresh",
        value=f"{len(differences)}",
        target="0",
        is_met=not differences,
    )
    bench.results.detail["d"] = {
        "SQL of each day, CPU s": [cost.cpu_seconds for cost in found],
        "differences": differences,
    }


def new_file(bench: Bench) -> None:
    """Measure (e): a small new file until its metrics are published: cold, in a resident process, and the SQL alone."""
    sizes = bench.sizes
    history = bench.history(sizes.job_history, sizes.job_events)
    if len(history.increments) < sizes.rounds:
        _increments(bench, history, sizes.rounds)
    sql = median(history.increments[-sizes.rounds :])
    what = f"a file of {count(sizes.job_events)} events onto {count(sizes.job_history)}, published"
    first = history.take_days(sizes.job_rounds + 2)
    bench.say("the whole job in one process, again and again: the first run publishes the history, the second asks dbt")
    runs = run_task(
        "jobs.run_again",
        population=asdict(history.after),
        settings=_settings(history),
        first_day=first,
        count=sizes.job_rounds + 2,
    ).answer["runs"]
    by_dbt, *warm = [Cost(cpu, wall) for cpu, wall in runs[1:]]
    wall = median(warm).wall_seconds
    bench.results.add("e", f"{what}: new process", _cold_jobs(bench, history, sizes.job_rounds))
    bench.results.add(
        "e",
        f"{what}: warm process",
        warm,
        value=f"{wall:.1f} s",
        target=f"<= {_WARM_SECONDS:g} s",
        is_met=wall <= _WARM_SECONDS,
    )
    bench.results.add("e", "the same, dbt asked for its SQL: once a project and nightly", [by_dbt])
    bench.results.add(
        "e",
        "of it SQL of dbt",
        [sql],
        value=f"{sql.wall_seconds:.2f} s",
        target=f"<= {_SQL_SECONDS} s",
        is_met=sql.wall_seconds <= _SQL_SECONDS,
    )


def _daily(bench: Bench, events: int) -> int:
    """Return the events of a day when they go on coming as they did in the history."""
    return max(1, round(events / bench.sizes.days))


def _increments(bench: Bench, history: History, number: int) -> list[Cost]:
    """Land and build day after day in one process; return what the SQL of each day cost."""
    first_load = history.next_load
    bench.say(f"{number} days onto {history.events:,} events")
    outcome = run_task(
        "building.increments",
        folder=str(history.folder),
        populations=history.written,
        first_day=history.take_days(number),
        count=number,
        first_load=first_load,
    )
    found = [
        Cost(day["sql_cpu_seconds"], day["sql_wall_seconds"], outcome.cost.peak_bytes) for day in outcome.answer["days"]
    ]
    history.increments += found
    return found


def _cold_jobs(bench: Bench, history: History, number: int) -> list[Cost]:
    """Run the whole job as `make run` does, a new file before each run; the first run publishes the history."""
    home, landing = Home(history.folder / "home"), history.folder / "landing"
    environment = {f"COLLOQUY_{name.upper()}": value for name, value in _settings(history).items()}
    command = [sys.executable, "-m", "orchestration", "run", "--landing", str(landing)]
    if not (home.published / "colloquy.duckdb").exists():
        bench.say("publishing the history")
        run_process(command, environment)
    found = []
    for _ in range(number):
        day = history.take_days(1)
        bench.say(f"the whole job of day {day}")
        run_task(
            "files.write",
            path=str(landing / "events" / f"day-{day}.jsonl"),
            population=asdict(history.after),
            first_day=day,
            last_day=day + 1,
            is_clean=True,
        )
        found.append(run_process(command, environment))
    return found


def _settings(history: History) -> dict[str, str]:
    """Return where a warehouse under test lies, as settings of the shipped commands."""
    folder = history.folder
    return {"home": str(folder / "home"), "landing": str(folder / "landing"), "seeds": str(folder / "my-seeds")}
