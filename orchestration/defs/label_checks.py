"""The evaluation of the classifier in use as an asset check: `make test` holds the shipped one to the same gate."""

import dagster as dg

from orchestration.classification.evaluation.gate import Gate, hold_to_baseline
from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.classification.evaluation.report import as_markdown
from orchestration.defs.resources import Warehouse
from orchestration.ledger.labellers import embedded_labeller

# The one recorded with the release: an own model is held to it too.
_BASELINE = "model"


# Blocking, so that it has run before anything is published; being a warning, it holds nothing back.
@dg.asset_check(
    asset=["ledger", "stage_labels"],
    name="golden_set_holds",
    description="On the golden set the model in use is no more than two points worse than the shipped one as recorded.",
    blocking=True,
)
def golden_set_holds(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
    """Score the model in use on the golden set; a quarter of a second, so every run does."""
    problem, metadata = None, {}
    try:
        labeller = embedded_labeller(warehouse.home.model)
        gate = hold_to_baseline(labeller.model, labeller.classify, _BASELINE, GOLDEN)
    except Exception as error:  # noqa: BLE001 - what cannot be evaluated must not cost the marts
        problem = f"the model in use could not be evaluated: {type(error).__name__}: {error}"
    else:
        metadata = _metadata(gate, labeller.definition_hash)
        problem = None if gate.holds else gate.as_text()
    if problem is not None:
        context.log.warning(problem)
    return dg.AssetCheckResult(
        passed=problem is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=problem or gate.as_text(),
        metadata=metadata,
    )


def _metadata(gate: Gate, definition_hash: str) -> dict[str, dg.MetadataValue]:
    return {
        "accuracy": dg.MetadataValue.float(gate.accuracy),
        "baseline_accuracy": dg.MetadataValue.float(gate.baseline_accuracy),
        "definition_hash": dg.MetadataValue.text(definition_hash),
        "evaluation": dg.MetadataValue.md(as_markdown([gate.report])),
    }
