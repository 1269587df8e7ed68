"""Letters a, b, f, g, h and i: one measurement each; those over time stand in `letters_over_time`."""

import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from tests.benchmarks.bench import Bench, History, costs, sql_cost
from tests.benchmarks.generator import Population
from tests.benchmarks.measuring import Cost, Outcome, median, ratio, run_task
from tests.benchmarks.peers.answers import require_equal
from tests.benchmarks.peers.engines import ENGINES, FUNNEL_ENGINES
from tests.benchmarks.results import count

MESSAGES = 23
BY_HAND = "DuckDB by hand"
_LANDING_TARGET = 200.0
_REFRESH_TARGET = 1.5
# Hourly publishing is too slow when it takes longer.
_PUBLISH_SECONDS = 300
_SLOWEST = 10


def landing(bench: Bench) -> None:
    """Measure (a): a file of events into an empty warehouse, with validation, rejects and duplicates."""
    folder = bench.folder / "landing"
    path = folder / "events" / "events.jsonl"
    population = Population.of_history(bench.sizes.landed_events, bench.sizes.days)
    written = run_task(
        "files.write",
        path=str(path),
        population=asdict(population),
        first_day=0,
        last_day=bench.sizes.days,
        is_clean=False,
    ).answer
    bench.say(f"{written['events']:,} events written, {written['bytes'] / 1e6:,.0f} MB; landing them")
    landed = bench.repeated("files.land", folder=str(bench.folder), landing=str(folder))
    read = bench.repeated("files.read", path=str(path))
    expected = {"accepted": written["events"], "rejected": written["broken"], "duplicates": written["duplicates"]}
    for outcome in landed:
        if dict(outcome.answer) != expected:
            raise AssertionError(f"landed {dict(outcome.answer)}, written were {expected}")
    megabytes = written["bytes"] / 1e6
    speed = ratio(megabytes, median(costs(landed)).cpu_seconds)
    least = ratio(megabytes, median(costs(read)).cpu_seconds)
    bench.results.add(
        "a",
        f"landing {count(written['events'])} events, {megabytes:,.0f} MB",
        costs(landed),
        value=f"{speed:,.0f} MB per CPU s",
        target=f">= {_LANDING_TARGET:,.0f}",
        is_met=speed >= _LANDING_TARGET,
    )
    bench.results.add(
        "a",
        "reading the same lines, explicit columns",
        costs(read),
        value=f"{least:,.0f} MB per CPU s; landing costs {least / speed:.1f} x",
    )


def full_refresh(bench: Bench) -> None:
    """Measure (b): everything dbt builds, against the same answers by hand and in other engines."""
    history = bench.history(bench.sizes.refreshed_events)
    refreshes = bench.refreshed(history)
    sql = [sql_cost(outcome) for outcome in refreshes]
    folder, parquet = str(history.folder), str(_parquet(history))
    answers = {"the warehouse": run_task("engines.read_marts", folder=folder).answer}
    by_engine: dict[str, list[Cost]] = {}
    for name in ENGINES:
        outcomes = bench.repeated("engines.engine", folder=folder, parquet=parquet, engine=name, is_funnel=False)
        answers[name], by_engine[name] = outcomes[0].answer, costs(outcomes)
        bench.say(f"{name}: {median(by_engine[name]).cpu_seconds:.2f} CPU s")
    require_equal(answers)
    _add_refresh_rows(bench, refreshes, by_engine)
    tests_cpu = refreshes[0].answer["tests_cpu_seconds"]
    bench.results.add("b", "data tests of the same build, SQL", value=f"{tests_cpu:,.1f} CPU s more")
    nodes = refreshes[-1].answer["nodes"]
    slowest = sorted(nodes.items(), key=lambda item: -float(item[1]))[:_SLOWEST]
    bench.results.detail["b"] = {
        "slowest models, CPU s": {node.rpartition(".")[2]: seconds for node, seconds in slowest},
        "nodes, CPU s": nodes,
        "engines, CPU s": {name: median(found).cpu_seconds for name, found in by_engine.items()},
        "warehouse, CPU s": median(sql).cpu_seconds,
    }


def _add_refresh_rows(bench: Bench, refreshes: list[Outcome], by_engine: dict[str, list[Cost]]) -> None:
    sql = [sql_cost(outcome) for outcome in refreshes]
    own, hand = median(sql), median(by_engine[BY_HAND])
    times = ratio(own.cpu_seconds, hand.cpu_seconds)
    bench.results.add(
        "b",
        f"full refresh, {count(bench.sizes.refreshed_events)} events, SQL of dbt",
        sql,
        value=f"{times:,.1f} x {BY_HAND}, CPU",
        target=f"<= {_REFRESH_TARGET} x",
        is_met=times <= _REFRESH_TARGET,
    )
    dbt_alone = [one.answer["dbt_cpu_seconds"] - one.answer["sql_cpu_seconds"] for one in refreshes[1:]]
    bench.results.add("b", "dbt itself in the same builds", value=f"{statistics.median(dbt_alone):,.1f} CPU s more")
    for name, found in by_engine.items():
        is_hand = name == BY_HAND
        wall = ratio(own.wall_seconds, median(found).wall_seconds)
        bench.results.add(
            "b",
            f"the same answers: {name}",
            found,
            value="the reference of the ratios" if is_hand else f"full refresh takes {wall:,.1f} x its wall",
            target="" if is_hand else "< 1 x",
            is_met=None if is_hand else wall < 1,
        )


def funnel(bench: Bench) -> None:
    """Measure (f): the models of the funnels alone, against ClickHouse's windowFunnel and a query by hand."""
    history = bench.history(bench.sizes.refreshed_events)
    folder, parquet = str(history.folder), str(_parquet(history))
    answers = {"the warehouse": run_task("engines.read_marts", folder=folder).answer}
    found: dict[str, list[Cost]] = {}
    for name in FUNNEL_ENGINES:
        outcomes = bench.repeated("engines.engine", folder=folder, parquet=parquet, engine=name, is_funnel=True)
        answers[name], found[name] = outcomes[0].answer, costs(outcomes)
    require_equal({name: {"funnel": answer["funnel"]} for name, answer in answers.items()})
    models = {path.stem for path in (PROJECT_DIR / "models").rglob("funnels/*.sql")}
    own = statistics.median(
        sum(seconds for node, seconds in outcome.answer["nodes"].items() if node.rpartition(".")[2] in models)
        for outcome in bench.refreshed(history)
    )
    for name, costs_found in found.items():
        times = ratio(own, median(costs_found).cpu_seconds)
        bench.results.add(
            "f", f"support funnel: {name}", costs_found, value=f"models of funnels cost {times:,.1f} x its CPU"
        )
    bench.results.add(
        "f",
        "all models of funnels, every segment and date, SQL",
        value=f"{own:,.2f} CPU s",
    )


def labelling(bench: Bench) -> None:
    """Measure (g): stage labels by the shipped model, in one process and in two at once."""
    size = bench.sizes.labelled_conversations
    alone = bench.repeated("labels.label", messages=MESSAGES, conversations=size)
    speed = ratio(size, median(costs(alone)).cpu_seconds)
    bench.results.add(
        "g",
        f"labelling {size:,} conversations of {MESSAGES} messages",
        costs(alone),
        value=f"{speed:,.0f} conversations per CPU s",
    )
    label = partial(run_task, "labels.label", messages=MESSAGES, conversations=size)
    together = []
    for _ in range(bench.sizes.rounds):
        with ThreadPoolExecutor(2) as pool:
            pair = [running.result() for running in [pool.submit(label), pool.submit(label)]]
        together.append(max(one.answer["ended"] for one in pair) - min(one.answer["began"] for one in pair))
    wall = statistics.median(together)
    times = ratio(2 * size / wall, size / median(costs(alone)).wall_seconds)
    bench.results.add(
        "g",
        "twice as many in two processes at once",
        value=f"{2 * size / wall:,.0f} conversations per s, {times:.2f} x one process",
    )


def publishing(bench: Bench) -> None:
    """Measure (h): the marts into a version for readers."""
    history = bench.history(bench.sizes.refreshed_events)
    published = bench.repeated("building.publish", folder=str(history.folder))
    found = [Cost(one.answer["cpu_seconds"], one.answer["wall_seconds"], one.cost.peak_bytes) for one in published]
    speed = ratio(published[0].answer["bytes"] / 1e9, median(found).wall_seconds)
    bench.results.add(
        "h",
        f"publish {published[0].answer['bytes'] / 1e6:,.0f} MB of marts",
        found,
        value=f"{speed:.3f} GB per s; over 5 minutes from {speed * _PUBLISH_SECONDS:,.1f} GB on",
    )
    again = statistics.median(one.answer["unchanged_wall_seconds"] for one in published)
    bench.results.add(
        "h", "publish when nothing changed", value=f"skipped after {again:.2f} s", target="skipped", is_met=True
    )


def memory(bench: Bench) -> None:
    """Measure (i): a full refresh within a memory limit."""
    limit = bench.sizes.memory_limit
    history = bench.history(bench.sizes.limited_events)
    if not history.limited:
        bench.refresh(history, is_limited=True)
    outcome = history.limited[0]
    bench.results.add(
        "i",
        f"full refresh of {count(bench.sizes.limited_events)} events, memory_limit {limit}",
        [sql_cost(outcome)],
        value=f"finished; build file {outcome.answer['build_bytes'] / 1e9:,.2f} GB",
        target="finishes",
        is_met=True,
    )


def _parquet(history: History) -> Path:
    """Return the events of a history as Parquet, written when it is first asked for."""
    path = history.folder / "events.parquet"
    if not path.exists():
        run_task("engines.parquet", folder=str(history.folder), parquet=str(path))
    return path
