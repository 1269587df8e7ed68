"""The whole job, again and again in one process."""

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from orchestration.commands.run import run_warehouse
from orchestration.settings import Settings
from tests.benchmarks.generator import Population, write_file
from tests.benchmarks.measuring import Clock, Outcome, measured

Request = Mapping[str, Any]


def run_again(request: Request) -> Outcome:
    """Run the whole job in this one process, a new file before each run; answers the cost of each."""
    population = Population(**request["population"])
    settings = Settings(**request["settings"])

    def run() -> Request:
        costs = []
        for day in range(request["first_day"], request["first_day"] + request["count"]):
            write_file(settings.landing / "events" / f"day-{day}.jsonl", population, day, day + 1, is_clean=True)
            clock = Clock.now()
            with redirect_stdout(io.StringIO()) as printed:
                code = run_warehouse(settings)
            costs.append(clock.cost())
            if code != 0:
                raise RuntimeError(f"the run of day {day} ended with {code}:\n{printed.getvalue()}")
        return {"runs": [[cost.cpu_seconds, cost.wall_seconds] for cost in costs]}

    return measured(run)
