"""Tasks of other engines, which read what the warehouse reads."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.warehouse.home import Home
from tests.benchmarks.measuring import Outcome, measured
from tests.benchmarks.peers.answers import warehouse_answers
from tests.benchmarks.peers.engines import ENGINES, FUNNEL_ENGINES, MODULES, write_parquet

Request = Mapping[str, Any]


def parquet(request: Request) -> Outcome:
    """Write the raw events as Parquet for the engines that do not read DuckDB's files."""
    raw = _home(request).raw_database
    return measured(lambda: {"bytes": write_parquet(raw, Path(request["parquet"]))})


def engine(request: Request) -> Outcome:
    """Let another engine answer; what it imports is loaded before."""
    name = request["engine"]
    if name in MODULES:
        importlib.import_module(MODULES[name])
    raw = _home(request).raw_database
    engines = FUNNEL_ENGINES if request["is_funnel"] else ENGINES
    return measured(lambda: engines[name](raw, Path(request["parquet"])))


def read_marts(request: Request) -> Outcome:
    """Read the same answers from the marts."""
    build = _home(request).build_database
    return measured(lambda: warehouse_answers(build))


def _home(request: Request) -> Home:
    """Return where the warehouse under test of a folder keeps its files."""
    return Home(Path(request["folder"]) / "home")
