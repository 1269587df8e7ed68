"""Customers' messages into the label ledger."""

from collections.abc import Iterator

import dagster as dg

from orchestration.classification.messages.labeller import message_labeller
from orchestration.defs import llm_labels
from orchestration.defs.label_steps import Done, LabelStep, relabelled_from
from orchestration.defs.policy import WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.ledger.message_labelling import MessageSummary, label_messages

_STEP = LabelStep(
    key=("ledger", "message_labels"),
    check_name="message_labelling_finished",
    description="Every pending message was labelled; where not, the marts build on the labels there are.",
    activity="labelling messages",
)


@dg.asset(
    key=_STEP.key,
    deps=[
        ["intermediate", "int_events"],
        ["raw", "message_redactions"],
        # Of one run the stages are labelled first: what is dearer is lost last.
        llm_labels.llm_labels,
    ],
    check_specs=[_STEP.check_spec],
    kinds={"python", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def message_labels(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
    """One row per labelling and customer message: sentiment, intent, objection and reasons; new and changed ones."""
    yield from _STEP.results(context, warehouse, MessageSummary(), _label)


def _label(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Done:
    home = warehouse.home
    summary = label_messages(
        home.raw_database,
        home.build_database,
        message_labeller(home.taxonomy),
        run_id=context.run.run_id,
        now=warehouse.now(),
        relabel_from=relabelled_from(context),
        on_progress=context.log.info,
    )
    return Done(summary)
