"""An empty warehouse under target/lint: the linters of SQL compile the models against it."""

import shutil
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import WarehouseUnderTest


def main() -> None:
    """Build it from nothing, and leave dbt's manifest of the whole project at target/manifest.json."""
    folder = PROJECT_DIR / "target" / "lint"
    shutil.rmtree(folder, ignore_errors=True)
    warehouse = WarehouseUnderTest(folder, experiments=True)
    warehouse.settings.landing.mkdir()
    warehouse.land()
    warehouse.build()
    # A build by what dbt sent before has had nothing to parse.
    warehouse.parsed()
    shutil.copyfile(warehouse.home.dbt_target / "manifest.json", Path(PROJECT_DIR) / "target" / "manifest.json")


if __name__ == "__main__":
    main()
