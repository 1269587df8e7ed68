"""The marts into the next published version."""

from collections.abc import Mapping, Sequence

import dagster as dg

from orchestration.defs import edge_checks as audit
from orchestration.defs import labels, llm_labels, message_labels
from orchestration.defs.policy import WAREHOUSE_POOL, retry_disk_errors
from orchestration.defs.resources import Warehouse
from orchestration.defs.run_history import forget_runs
from orchestration.privacy.erasure import ErasureIncompleteError, conclude_erasure
from orchestration.privacy.intent import pending_erasure
from orchestration.publishing import keep_history, publish
from orchestration.warehouse.build_records import built_from, data_until

KEY = dg.AssetKey(["published", "version"])
# Through their modules: an asset imported by name counts as a second one, because the policy copies each it finds.
_EDGES = (
    *(audit.landed_checks, audit.marts_checks),
    *(labels.stage_labels, llm_labels.llm_labels, message_labels.message_labels),
)


def published_version(tables: Mapping[str, str], tests: Sequence[dg.AssetCheckSpec]) -> dg.AssetsDefinition:
    """Return the asset that publishes `tables` (model -> table) once `tests` and the checks of the edges passed."""
    audited = [*tests, *(spec for step in _EDGES for spec in step.check_specs)]

    @dg.asset(
        key=KEY,
        deps=[["marts", model] for model in tables],
        kinds={"duckdb", "parquet"},
        pool=WAREHOUSE_POOL,
    )
    def version(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
        """Switch readers to the tables of this run at once; publish nothing when nothing changed."""
        home, settings, started_at = warehouse.home, warehouse.settings, warehouse.now()
        checks = _results_of_run(context.instance, context.run.run_id)
        _require_audit(checks, audited)
        with retry_disk_errors(context):
            summary = publish(
                home.build_database,
                home.published,
                tables=sorted(tables.values()),
                run_id=context.run.run_id,
                data_until=data_until(home.build_database),
                checks=checks,
                # Older versions hold the person who is being erased.
                keep=1 if pending_erasure(home) else settings.published_versions,
                now=started_at,
                on_progress=context.log.info,
                built_from=built_from(home.build_database),
            )
            keep_history(home.raw_database, home.published)
        _conclude_erasure(context, warehouse)
        return dg.MaterializeResult(
            metadata={
                "version": summary.version,
                "unchanged": summary.unchanged,
                "dagster/row_count": sum(summary.rows.values()),
                "file_bytes": summary.file_bytes,
                "seconds": (warehouse.now() - started_at).total_seconds(),
            }
        )

    return version


def _conclude_erasure(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
    """Finish an erasure, when there is one: the history of runs names rows, so it goes before the proof.

    One that is not complete keeps nobody waiting: this version is without the person, and the next run looks again.
    """
    home = warehouse.home
    if not pending_erasure(home):
        return
    forget_runs(context.instance)
    try:
        report = conclude_erasure(home, warehouse.settings.landing, warehouse.hash_key(), now=warehouse.now())
    except ErasureIncompleteError as error:
        context.log.warning(str(error))
        return
    if report is not None:
        context.log.info(report.as_text())


def _results_of_run(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Return what each check of this run found, by name: passed, warned or failed."""
    results: dict[str, str] = {}
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        if entry.dagster_event is not None:
            found = entry.dagster_event.asset_check_evaluation_data
            is_warning = found.severity == dg.AssetCheckSeverity.WARN
            results[found.check_name] = "passed" if found.passed else "warned" if is_warning else "failed"
    return dict(sorted(results.items()))


def _require_audit(results: dict[str, str], audited: Sequence[dg.AssetCheckSpec]) -> None:
    """Raise Failure unless every blocking check has passed in this very run.

    Dagster holds this step back when a check has failed. It cannot when a user starts this step alone.
    """
    unaudited = [spec.name for spec in audited if spec.blocking and results.get(spec.name) not in {"passed", "warned"}]
    if unaudited:
        raise dg.Failure(
            f"{len(unaudited)} blocking checks have not passed in this run, {unaudited[0]} for one; the last version "
            "stays published. Launch the whole job refresh_warehouse: it builds only what has changed"
        )
