"""Canonical events into the label ledger."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from orchestration.defs import warehouse as build
from orchestration.defs.policy import RELABEL_TAG, WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.labelling.ledger.labellers import default_labeller
from orchestration.labelling.ledger.labelling import LabelSummary, label_pending

_KEY = ["ledger", "stage_labels"]
_FINISHED = "labelling_finished"


@dg.asset(
    key=_KEY,
    deps=[get_asset_key_for_model([build.canonical_events], "int_events"), ["raw", "message_redactions"]],
    check_specs=[
        dg.AssetCheckSpec(
            _FINISHED,
            asset=_KEY,
            description="Everything pending was labelled; where not, the marts build on the labels there are.",
        )
    ],
    kinds={"python", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def stage_labels(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
    """One row per labelling, conversation and stage; conversations that are new, have grown or changed are labelled."""
    started_at = warehouse.now()
    summary, problem = LabelSummary(), None
    try:
        summary = _label(context, warehouse)
    except Exception as error:  # noqa: BLE001 - whatever a classifier raises must not cost the marts
        problem = f"labelling broke off, the marts build on the labels there are: {type(error).__name__}: {error}"
        context.log.warning(problem)
    else:
        context.log.info(summary.as_text())
    seconds = (warehouse.now() - started_at).total_seconds()
    yield dg.MaterializeResult(asset_key=_KEY, metadata={**summary.as_metadata(), "seconds": seconds})
    yield dg.AssetCheckResult(
        check_name=_FINISHED,
        passed=problem is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=problem or summary.as_text(),
    )


def _label(context: dg.AssetExecutionContext, warehouse: Warehouse) -> LabelSummary:
    home = warehouse.home
    relabel_from = context.run.tags.get(RELABEL_TAG)
    return label_pending(
        home.raw_database,
        home.build_database,
        default_labeller(home.model),
        run_id=context.run.run_id,
        now=warehouse.now(),
        relabel_from=None if relabel_from is None else datetime.fromisoformat(relabel_from),
        on_progress=context.log.info,
    )
