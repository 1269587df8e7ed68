"""Labels of the embedded model into those of an LLM, where one is configured and the model was not sure."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs import labels
from orchestration.defs.label_steps import Done, LabelStep, relabelled_from
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG, WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.landing import throttled
from orchestration.ledger.llm_labelling import count_unsure, label_unsure, llm_step
from orchestration.ledger.llm_report import LlmReport

_STEP = LabelStep(
    key=("ledger", "llm_labels"),
    check_name="llm_finished",
    description="Every unsure conversation that may be asked about was; if not, what stopped it and helps.",
    activity="asking the LLM",
)
# Of the runs that start by themselves one a day may pay; what people start pays too.
_PAYING = (None, NIGHTLY)
_SECONDS_BETWEEN_LINES = 10.0


@dg.asset(
    key=_STEP.key,
    deps=[
        labels.stage_labels,
        ["intermediate", "int_conversations_undetermined"],
    ],
    check_specs=[_STEP.check_spec],
    kinds={"python", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def llm_labels(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
    """One row per labelling by an LLM, conversation and stage: closed conversations under the model's margin."""
    yield from _STEP.results(context, warehouse, LlmReport(), _label)


def _label(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Done:
    home, now = warehouse.home, warehouse.now()
    step = llm_step(warehouse.settings, home, now)
    trigger = context.run.tags.get(TRIGGER_TAG)
    if step is None or trigger not in _PAYING:
        margin = count_unsure(home.raw_database, home.build_database)
        why = (
            "no LLM endpoint is configured: COLLOQUY_LLM_BASE_URL"
            if step is None
            else f"this run ({trigger}) asks no LLM, the nightly one does"
        )
        report = LlmReport(conversations=margin.labelled, under_margin=margin.under_margin)
        told = f"{why}; {margin.unanswered:,} conversations below the confidence threshold keep the embedded answer"
        return Done(report, told)
    report = label_unsure(
        home.raw_database,
        home.build_database,
        step,
        run_id=context.run.run_id,
        now=now,
        relabel_from=relabelled_from(context),
        # Dagster keeps each line, and this may take the better part of an hour.
        on_progress=throttled(context.log.info, seconds=_SECONDS_BETWEEN_LINES),
    )
    return Done(report, problem=report.problem)
