"""Canonical events into the label ledger."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.label_steps import Done, LabelStep, relabelled_from
from orchestration.defs.policy import WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.ledger.labellers import default_labeller
from orchestration.ledger.labelling import LabelSummary, label_pending

_STEP = LabelStep(
    key=("ledger", "stage_labels"),
    check_name="labelling_finished",
    description="Everything pending was labelled; where not, the marts build on the labels there are.",
    activity="labelling",
)


@dg.asset(
    key=_STEP.key,
    deps=[["intermediate", "int_events"], ["raw", "message_redactions"]],
    check_specs=[_STEP.check_spec],
    kinds={"python", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def stage_labels(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
    """One row per labelling, conversation and stage; conversations that are new, have grown or changed are labelled."""
    yield from _STEP.results(context, warehouse, LabelSummary(), _label)


def _label(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Done:
    home = warehouse.home
    summary = label_pending(
        home.raw_database,
        home.build_database,
        default_labeller(home.model),
        run_id=context.run.run_id,
        now=warehouse.now(),
        relabel_from=relabelled_from(context),
        on_progress=context.log.info,
    )
    return Done(summary)
