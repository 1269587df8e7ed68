"""Tasks on a warehouse: generating its raw rows, building, comparing, publishing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks import histories
from tests.benchmarks.generator import Population
from tests.benchmarks.measuring import Outcome, measured

Request = Mapping[str, Any]


def generate(request: Request) -> Outcome:
    """Insert events straight into raw tables; answers how many."""
    days = request["first_day"], request["last_day"], request["load_id"]
    return measured(lambda: histories.generate(Path(request["folder"]), _populations(request), *days))


def build(request: Request) -> Outcome:
    """Build what landed; the answer splits the cost by statement."""
    limit = request.get("memory_limit")
    return measured(
        lambda: histories.build(
            Path(request["folder"]), full_refresh=request["full_refresh"], tests=request["tests"], memory_limit=limit
        )
    )


def increments(request: Request) -> Outcome:
    """Land and build day after day; answers the cost of each."""
    where = (
        Path(request["folder"]),
        _populations(request),
        request["first_day"],
        request["count"],
        request["first_load"],
    )
    return measured(lambda: {"days": list(histories.increments(*where))})


def differences(request: Request) -> Outcome:
    """Compare the marts with those of a full refresh."""
    return measured(lambda: {"differences": histories.differences_from_full_refresh(Path(request["folder"]))})


def compact(request: Request) -> Outcome:
    """Measure the build database against a fresh file of the same tables."""
    database = histories.warehouse_in(Path(request["folder"])).home.build_database
    return measured(lambda: {"bytes": database.stat().st_size, "compacted_bytes": histories.compacted_bytes(database)})


def publish(request: Request) -> Outcome:
    """Publish the marts into an empty folder."""
    return measured(lambda: histories.publish_marts(Path(request["folder"])))


def _populations(request: Request) -> list[Population]:
    return [Population(**one) for one in request["populations"]]
