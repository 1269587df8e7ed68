"""The marts into the next published version."""

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from orchestration.building.manifest import published_models
from orchestration.building.state import data_until
from orchestration.defs.resources import Warehouse
from orchestration.defs.warehouse import MANIFEST, warehouse_models
from orchestration.publishing import publish

PUBLISHED_MODELS = published_models(MANIFEST)


@dg.asset(
    key=["published", "version"],
    deps=[get_asset_key_for_model([warehouse_models], model) for model in PUBLISHED_MODELS],
    group_name="publishing",
    kinds={"duckdb", "parquet"},
)
def published_version(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Switch readers to the tables of this run at once; publish nothing when nothing changed."""
    home, settings = warehouse.home, warehouse.settings
    summary = publish(
        home.build_database,
        home.published,
        tables=sorted(PUBLISHED_MODELS.values()),
        run_id=context.run_id,
        data_until=data_until(home.build_database),
        checks={},
        keep=settings.published_versions,
        now=warehouse.now(),
        on_progress=context.log.info,
    )
    return dg.MaterializeResult(
        metadata={
            "version": summary.version,
            "unchanged": summary.unchanged,
            "rows": sum(summary.rows.values()),
            "file_bytes": summary.file_bytes,
        }
    )
