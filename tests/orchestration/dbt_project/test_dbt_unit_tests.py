"""Runs the unit tests of the models, which no warehouse carries."""

import shutil
from pathlib import Path

import pytest
from dbt.adapters.base.column import Column
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.duckdb.impl import DuckDBAdapter

from orchestration.building.project import dbt_flags
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import WarehouseUnderTest


def remember_columns(patch: pytest.MonkeyPatch) -> None:
    """Have the columns of a table asked once, not once for every test that reads it; no test changes one."""
    ask, known = DuckDBAdapter.get_columns_in_relation, dict[str, list[Column]]()

    def columns(adapter: DuckDBAdapter, relation: BaseRelation) -> list[Column]:
        # What a test makes for itself has the same name in the next one.
        if "__dbt_tmp" in str(relation):
            return list(ask(adapter, relation))
        if str(relation) not in known:
            known[str(relation)] = list(ask(adapter, relation))
        return known[str(relation)]

    patch.setattr(DuckDBAdapter, "get_columns_in_relation", columns)


def test_every_unit_test_of_the_models_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = WarehouseUnderTest(tmp_path, experiments=True)
    warehouse.settings.landing.mkdir()
    warehouse.land()
    # dbt asks the warehouse for the column types of a model's inputs, so they have to exist.
    warehouse.build()
    shutil.copytree(PROJECT_DIR / "tests" / "unit", warehouse.home.dbt_project / "tests" / "unit")
    # Of what it does not know dbt runs nothing, and succeeds.
    assert len(warehouse.parse().unit_tests) > 100
    remember_columns(monkeypatch)
    # Threads of dbt wait for each other more than they work side by side.
    warehouse.dbt(["test", "--select", "test_type:unit", "--threads", "1", *dbt_flags(warehouse.settings)])
