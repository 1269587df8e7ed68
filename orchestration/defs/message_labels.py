"""Customers' messages into the label ledger."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from orchestration.defs import llm_labels
from orchestration.defs import warehouse as build
from orchestration.defs.policy import RELABEL_TAG, WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.labelling.ledger.message_labelling import MessageSummary, label_messages
from orchestration.labelling.messages.labeller import message_labeller

_KEY = ["ledger", "message_labels"]
_FINISHED = "message_labelling_finished"


@dg.asset(
    key=_KEY,
    deps=[
        get_asset_key_for_model([build.canonical_events], "int_events"),
        ["raw", "message_redactions"],
        # Of one run the stages are labelled first: what is dearer is lost last.
        llm_labels.llm_labels,
    ],
    check_specs=[
        dg.AssetCheckSpec(
            _FINISHED,
            asset=_KEY,
            description="Every pending message was labelled; where not, the marts build on the labels there are.",
        )
    ],
    kinds={"python", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def message_labels(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
    """One row per labelling and customer message: its mood, intent, objection and reasons; new and changed ones."""
    started_at = warehouse.now()
    summary, problem = MessageSummary(), None
    try:
        summary = _label(context, warehouse)
    except Exception as error:  # noqa: BLE001 - whatever it raises must not cost the marts
        problem = (
            f"labelling messages broke off, the marts build on the labels there are: {type(error).__name__}: {error}"
        )
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


def _label(context: dg.AssetExecutionContext, warehouse: Warehouse) -> MessageSummary:
    home = warehouse.home
    relabel_from = context.run.tags.get(RELABEL_TAG)
    return label_messages(
        home.raw_database,
        home.build_database,
        message_labeller(home.taxonomy),
        run_id=context.run.run_id,
        now=warehouse.now(),
        relabel_from=None if relabel_from is None else datetime.fromisoformat(relabel_from),
        on_progress=context.log.info,
    )
