"""Labels of the embedded model into those of an LLM, where one is configured and the model was not sure."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from orchestration.defs import labels
from orchestration.defs import warehouse as build
from orchestration.defs.policy import NIGHTLY, RELABEL_TAG, TRIGGER_TAG, WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.labelling.ledger.llm_labelling import count_unsure, label_unsure, llm_step
from orchestration.labelling.ledger.llm_report import LlmReport
from orchestration.landing import throttled

_KEY = ["ledger", "llm_labels"]
_FINISHED = "llm_finished"
# Of the runs that start by themselves one a day may pay; what people start pays too.
_PAYING = (None, NIGHTLY)
_SECONDS_BETWEEN_LINES = 10.0


@dg.asset(
    key=_KEY,
    deps=[
        labels.stage_labels,
        get_asset_key_for_model([build.canonical_events], "int_conversations_unsettled"),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            _FINISHED,
            asset=_KEY,
            description="Every unsure conversation that may be asked about was; if not, what stopped it and helps.",
        )
    ],
    kinds={"python", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def llm_labels(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
    """One row per labelling by an LLM, conversation and stage: closed conversations under the model's margin."""
    started_at = warehouse.now()
    report, problem = LlmReport(), None
    try:
        report, told = _label(context, warehouse)
        problem = report.problem
        context.log.info(told)
    except Exception as error:  # noqa: BLE001 - whatever it raises must not cost the marts
        problem = f"it broke off, the marts build on the labels there are: {type(error).__name__}: {error}"
    if problem:
        context.log.warning(problem)
    seconds = (warehouse.now() - started_at).total_seconds()
    yield dg.MaterializeResult(asset_key=_KEY, metadata={**report.as_metadata(), "seconds": seconds})
    yield dg.AssetCheckResult(
        check_name=_FINISHED,
        passed=problem is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=problem or report.as_text(),
    )


def _label(context: dg.AssetExecutionContext, warehouse: Warehouse) -> tuple[LlmReport, str]:
    """Return what was done and how to say it."""
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
        return report, f"{why}; {margin.unanswered:,} conversations under the margin keep the embedded answer"
    relabel_from = context.run.tags.get(RELABEL_TAG)
    report = label_unsure(
        home.raw_database,
        home.build_database,
        step,
        run_id=context.run.run_id,
        now=now,
        relabel_from=None if relabel_from is None else datetime.fromisoformat(relabel_from),
        # Dagster keeps each line, and this may take the better part of an hour.
        on_progress=throttled(context.log.info, seconds=_SECONDS_BETWEEN_LINES),
    )
    return report, report.as_text()
