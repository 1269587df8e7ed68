"""`make docs`: what dbt knows of seeds, models, columns, tests and readers, as one page that needs no server."""

import shutil
from pathlib import Path

from orchestration.building.dbt_manifest import ManifestError
from orchestration.building.invocation import invoke
from orchestration.building.project import dbt_flags
from orchestration.commands.small_warehouse import (
    SmallWarehouseError,
    parsed_project,
    project_folder,
    small_warehouse,
    target_folder,
)
from orchestration.redaction.printable import printable
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home

_PAGE = Path("target") / "docs" / "index.html"


def write_docs(settings: Settings) -> int:
    """Write target/docs/index.html from the small warehouse and the files in this folder, and print where it lies.

    Returns 0, or 1 when the warehouse cannot be built or dbt cannot describe it.
    """
    try:
        kept = small_warehouse(settings)
        manifest = parsed_project(kept)
    except (SmallWarehouseError, ManifestError) as error:
        print(printable(str(error)))
        return 1
    home = Home(kept.home)
    command = ["docs", "generate", "--static", *dbt_flags(kept)]
    done = invoke(manifest, project_folder(home), target_folder(home), command)
    if done.error is not None:
        print(printable(done.error))
        return 1
    page = PROJECT_DIR / _PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target_folder(home) / "static_index.html", page)
    print(page)
    return 0
