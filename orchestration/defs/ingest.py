"""Landed files into the raw tables."""

from collections.abc import Iterator

import dagster as dg

from orchestration.building.project import assemble_project
from orchestration.building.registrations import check_registrations
from orchestration.configuration.problems import ConfigurationError
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG, WAREHOUSE_POOL, retry_disk_errors
from orchestration.defs.resources import Warehouse
from orchestration.expectations.frames import count_rows
from orchestration.landing import LandingSummary, load_landing, throttled
from orchestration.landing.suppression import OtherKeyError
from orchestration.privacy.erasure import begin_erasure
from orchestration.privacy.retention import expire
from orchestration.warehouse.build_records import discard_build
from orchestration.warehouse.migrations import RawVersionError
from orchestration.warehouse.progress import PROGRESS
from orchestration.warehouse.source_contracts import SOURCES

RAW_TABLES = {
    **{source: f"One row per accepted line of landing/{source}." for source in SOURCES},
    "message_texts": "One row per accepted event that carries text, kept apart so that scans of events stay narrow.",
    "rejected_events": "One row per refused line, with its reason.",
    "loaded_files": "One row per load of a file; lines = accepted + rejected + duplicates.",
    "repaired_conversations": "One row per conversation and operation that changed or removed rows of it.",
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
    for note in assemble_project(home.dbt_project, settings.seeds):
        context.log.warning(note)
    try:
        check_registrations(home)
        _erase(context, warehouse)
        _expire(context, warehouse)
        summary = load_landing(
            home.raw_database,
            settings.landing,
            seeds=home.seeds,
            hash_key=warehouse.hash_key(),
            stable_after=settings.stable_after,
            now=warehouse.now(),
            on_progress=throttled(context.log.info),
            reads_all=context.run.tags.get(TRIGGER_TAG) == NIGHTLY,
        )
        # A line that has just landed may show that earlier ones belong to an erased person.
        _erase(context, warehouse)
    except (ConfigurationError, RawVersionError, OtherKeyError) as error:
        raise dg.Failure(str(error)) from error
    return summary


def _erase(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
    done = begin_erasure(warehouse.home, warehouse.hash_key())
    if done is not None:
        context.log.info(done)


def _expire(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
    if context.run.tags.get(TRIGGER_TAG) != NIGHTLY:
        return
    settings, home = warehouse.settings, warehouse.home
    with PROGRESS.during("removing what has expired"):
        expired = expire(
            home.raw_database,
            home.seeds,
            texts_after=settings.retention_text,
            rejected_after=settings.retention_rejected,
            now=warehouse.now(),
            discard_derived=lambda: discard_build(home),
        )
    if expired.is_any:
        context.log.info(
            f"expired: {expired.texts} texts, unused properties of {expired.events} events, {expired.rejected} "
            "refused lines; everything is rebuilt without them"
        )
