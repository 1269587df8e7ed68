"""Runs the unit tests of the models, which no warehouse carries."""

import shutil
from pathlib import Path

from orchestration.building.project import dbt_flags
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import WarehouseUnderTest


def test_every_unit_test_of_the_models_passes(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path, experiments=True)
    warehouse.settings.landing.mkdir()
    warehouse.land()
    # dbt asks the warehouse for the column types of a model's inputs, so they have to exist.
    warehouse.build()
    shutil.copytree(PROJECT_DIR / "tests" / "unit", warehouse.home.dbt_project / "tests" / "unit")
    # Of what it does not know dbt runs nothing, and succeeds.
    assert len(warehouse.parse().unit_tests) > 100
    warehouse.dbt(["test", "--select", "test_type:unit", *dbt_flags(warehouse.settings)])
