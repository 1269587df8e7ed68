"""Landed files into the raw tables."""

from collections.abc import Iterator

import dagster as dg

from orchestration.building.project import assemble_project
from orchestration.defs.resources import Warehouse
from orchestration.landing import load_landing, read_hash_key
from orchestration.landing.contracts import SOURCES

RAW_TABLES = (*SOURCES, "message_texts", "rejected_events", "loaded_files")


@dg.multi_asset(
    specs=[dg.AssetSpec(["raw", table], group_name="landing", kinds={"python", "duckdb"}) for table in RAW_TABLES]
)
def landed_files(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[dg.MaterializeResult[None]]:
    """Load every new line of the landing folder; refused lines go to rejected_events with their reason."""
    settings, home = warehouse.settings, warehouse.home
    assemble_project(home.dbt_project, settings.seeds)
    hash_key = settings.hash_key.get_secret_value() if settings.hash_key else None
    summary = load_landing(
        home.raw_database,
        settings.landing,
        seeds=home.seeds,
        hash_key=read_hash_key(home.private, hash_key),
        settle=settings.settle,
        now=warehouse.now(),
        on_progress=context.log.info,
    )
    context.log.info(summary.as_text())
    for table in RAW_TABLES:
        yield dg.MaterializeResult(asset_key=["raw", table])
