"""The dbt models as Dagster assets."""

from collections.abc import Iterator

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration.building.manifest import prepare_manifest
from orchestration.building.project import build_command
from orchestration.building.state import begin_build, complete_build, configuration_hash
from orchestration.defs.resources import Warehouse
from orchestration.settings import Settings

MANIFEST = prepare_manifest(Settings())


@dbt_assets(manifest=MANIFEST)
def warehouse_models(context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: Warehouse) -> Iterator[object]:
    """Every model, seed and test of the dbt project."""
    settings, home = warehouse.settings, warehouse.home
    build = begin_build(home, configuration_hash(settings, home.dbt_project))
    context.log.info(f"build {build.build_id}: {'full refresh' if build.is_full_refresh else 'what has newly landed'}")
    yield from dbt.cli(build_command(settings, is_full_refresh=build.is_full_refresh), context=context).stream()
    complete_build(home, build)
