"""Landed files into the raw tables."""

from collections.abc import Iterator

import dagster as dg

from orchestration.building.project import assemble_project
from orchestration.defs.policy import WAREHOUSE_POOL, retry_disk_errors
from orchestration.defs.resources import Warehouse
from orchestration.expectations.frames import count_rows
from orchestration.landing import LandingSummary, load_landing, read_hash_key, throttled
from orchestration.landing.contracts import SOURCES

RAW_TABLES = {
    **{source: f"One row per accepted line of landing/{source}." for source in SOURCES},
    "message_texts": "One row per accepted event that carries text, kept apart so that scans of events stay narrow.",
    "rejected_events": "One row per refused line, with its reason.",
    "loaded_files": "One row per load of a file; lines = accepted + rejected + duplicates.",
}


@dg.multi_asset(
    specs=[
        dg.AssetSpec(["raw", table], description=description, kinds={"python", "duckdb"})
        for table, description in RAW_TABLES.items()
    ],
    pool=WAREHOUSE_POOL,
)
def landed_files(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[dg.MaterializeResult[None]]:
    """Load every new line of the landing folder; refused lines go to rejected_events with their reason."""
    started_at = warehouse.now()
    with retry_disk_errors(context):
        summary = _load(context, warehouse)
    context.log.info(summary.as_text())
    rows = count_rows(warehouse.home.raw_database, [("raw", table) for table in RAW_TABLES])
    seconds = (warehouse.now() - started_at).total_seconds()
    for table in RAW_TABLES:
        yield dg.MaterializeResult(
            asset_key=["raw", table],
            metadata={**summary.metadata(table), "dagster/row_count": rows["raw", table], "seconds": seconds},
        )


def _load(context: dg.AssetExecutionContext, warehouse: Warehouse) -> LandingSummary:
    settings, home = warehouse.settings, warehouse.home
    assemble_project(home.dbt_project, settings.seeds)
    hash_key = settings.hash_key.get_secret_value() if settings.hash_key else None
    return load_landing(
        home.raw_database,
        settings.landing,
        seeds=home.seeds,
        hash_key=read_hash_key(home.private, hash_key),
        settle=settings.settle,
        now=warehouse.now(),
        on_progress=throttled(context.log.info),
    )
