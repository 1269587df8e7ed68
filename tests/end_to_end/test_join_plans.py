"""No model compares every row with every row: that grows with the square of the messages."""

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import duckdb
import pytest

from orchestration.building.configuration_hash import configuration_hash
from orchestration.building.project import dbt_flags
from orchestration.settings import PROJECT_DIR
from orchestration.simulation.demo_seeds import write_demo_seeds
from orchestration.simulation.simulator import simulate
from orchestration.warehouse.build_records import begin_build, complete_build
from tests.support.join_plans import comparing_joins
from tests.support.labellers import undecided_labeller
from tests.support.warehouse import WarehouseUnderTest

# Where a model names the small side of such a join, and why it is small.
_DECLARED = "compares_all_with"
_END = date(2026, 1, 1)
_DAYS = 20
_CONVERSATIONS = 300


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseUnderTest]:
    """Every source, experiments and labels: a table without rows would be planned like one row."""
    folder = tmp_path_factory.mktemp("plans")
    write_demo_seeds(PROJECT_DIR / "seeds", folder / "demo-seeds", days=_DAYS, end=_END)
    simulate(folder / "landing", folder / "truth", days=_DAYS, conversations=_CONVERSATIONS, end=_END)
    seeds = {path.name: path.read_text() for path in (folder / "demo-seeds").iterdir()}
    one = WarehouseUnderTest(folder, seeds, labeller=undecided_labeller(), labelled_at_once=5_000, experiments=True)
    one.land(now=datetime.combine(_END, time(12), UTC))
    one.build()
    yield one
    shutil.rmtree(folder)


@pytest.mark.parametrize("is_full_refresh", [True, False], ids=["full_refresh", "increment"])
def test_no_join_compares_two_tables_that_grow(warehouse: WarehouseUnderTest, is_full_refresh: bool) -> None:
    nodes, compiled = _compile(warehouse, is_full_refresh)
    allowed = {key: _allowed(key, nodes) for key in nodes}
    quadratic: list[str] = []
    joins = 0
    with duckdb.connect(str(warehouse.home.build_database), read_only=True) as connection:
        connection.execute(f"attach '{warehouse.home.raw_database}' as raw (read_only)")
        connection.execute(f"attach '{warehouse.home.published_before}' as published_before (read_only)")
        for key, sql in compiled.items():
            plan = json.loads(connection.execute(f"explain (format json) {sql}").fetchall()[0][1])
            for join in comparing_joins(plan):
                joins += 1
                if not join.is_small_beside(allowed[key]):
                    sides = " with ".join(", ".join(sorted(side)) for side in join.sides)
                    quadratic.append(f"{nodes[key]['name']}: {join.operator} ({join.condition}) of {sides}")
    # Configuration is compared with everything in some models: none found would mean that the plans are not read.
    assert joins > 20
    assert quadratic == []


def test_what_is_declared_small_has_its_reason_and_exists(warehouse: WarehouseUnderTest) -> None:
    nodes, _ = _compile(warehouse, is_full_refresh=True)
    names = {str(node["alias"]) for node in nodes.values()} | {"comparison"}
    declared = [
        (node["name"], table, reason)
        for node in nodes.values()
        for table, reason in node["config"]["meta"].get(_DECLARED, {}).items()
    ]
    assert declared
    assert [one for one in declared if one[1] not in names or not str(one[2]).strip()] == []


def _compile(
    warehouse: WarehouseUnderTest, is_full_refresh: bool
) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, str]]:
    """Return the models and seeds of the manifest, and the SQL of the models as a build would run it."""
    current_hash = configuration_hash(warehouse.settings, warehouse.home.dbt_project)
    complete_build(warehouse.home, begin_build(warehouse.home, current_hash))
    refresh = ["--full-refresh"] if is_full_refresh else []
    warehouse.dbt(["compile", *refresh, *dbt_flags(warehouse.settings)])
    manifest = json.loads((warehouse.home.dbt_target / "manifest.json").read_text())
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in {"model", "seed"}}
    root = warehouse.home.dbt_target / "compiled" / "colloquy"
    return nodes, {
        key: (root / node["original_file_path"]).read_text()
        for key, node in nodes.items()
        if node["resource_type"] == "model"
    }


def _allowed(key: str, nodes: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return what a model declares as small, with what the views it reads declare: their joins stand in its plan."""
    node = nodes[key]
    allowed = set(node["config"].get("meta", {}).get(_DECLARED, {}))
    for parent in node.get("depends_on", {}).get("nodes", []):
        if parent in nodes and nodes[parent]["config"]["materialized"] in {"view", "ephemeral"}:
            allowed |= _allowed(parent, nodes)
    return frozenset(allowed)
