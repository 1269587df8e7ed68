"""The small simulated warehouse that `make model` and `make docs` work on; it is built once and kept."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.building.dbt_manifest import ManifestError
from orchestration.building.project import assemble_project, dbt_flags
from orchestration.commands.demo import settings_of_demo, simulate_warehouse
from orchestration.commands.run import run_warehouse
from orchestration.publishing import version_of_readers
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import OTHER_WAREHOUSE, PROGRESS

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# Small enough for seconds, and large enough for every model to have rows.
_CONVERSATIONS = 400
_DAYS = 12


class SmallWarehouseError(RuntimeError):
    """The run that builds the small warehouse failed; it has printed why."""


def small_warehouse(settings: Settings) -> Settings:
    """Return the settings of the warehouse in `model-warehouse` of COLLOQUY_HOME; the first call builds it.

    Raises SmallWarehouseError when it cannot be built.
    """
    home = Home(settings.home / "model-warehouse")
    simulate_warehouse(home, conversations=_CONVERSATIONS, days=_DAYS)
    kept = settings_of_demo(settings, home)
    # One that was interrupted has a database, and no version.
    if version_of_readers(home.published) is None:
        print("Building the small warehouse, once", file=sys.stderr)
        code = run_warehouse(kept, is_simulated=True)
        if code != 0:
            raise SmallWarehouseError(f"the small warehouse in {home.root} was not built (exit code {code})")
    PROGRESS.begin("describing and building models")
    PROGRESS.leave(lambda: OTHER_WAREHOUSE)
    return kept


def project_folder(home: Home) -> Path:
    """Return where the models as they are in this folder are copied to, unit tests included."""
    return home.root / "dbt" / "model-project"


def target_folder(home: Home) -> Path:
    """Return where dbt writes what it makes of that project."""
    return home.dbt_target / "model"


def parsed_project(settings: Settings) -> "Manifest":
    """Return what dbt makes of the models in this folder, their unit tests included.

    `settings` are those of the small warehouse. manifest.json is written to the target folder, too. Raises
    ManifestError with dbt's words when the project does not parse.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    home = Home(settings.home)
    project, target = project_folder(home), target_folder(home)
    assemble_project(project, settings.seeds)
    shutil.copytree(PROJECT_DIR / "tests" / "unit", project / "tests" / "unit", dirs_exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    paths = ["--project-dir", str(project), "--target-path", str(target)]
    result = dbtRunner().invoke(["--quiet", "parse", *dbt_flags(settings), *paths])
    if not result.success:
        raise ManifestError(f"dbt cannot parse the models: {result.exception}")
    manifest: Manifest = result.result  # type: ignore[assignment] # of `parse` it is the manifest
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest
