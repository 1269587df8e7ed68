"""The gate on the golden set: a classifier may not become worse than recorded by more than two points."""

from dataclasses import dataclass
from pathlib import Path

from orchestration.classification.conversation import Classifier
from orchestration.classification.evaluation.baseline import Comparison, compare, read_baselines
from orchestration.classification.evaluation.evaluating import evaluate
from orchestration.classification.evaluation.golden_set import read_golden
from orchestration.classification.evaluation.report import SetReport

# Share of right furthest stages that may be lost; a change that pays is recorded with `eval --record`.
ALLOWED_LOSS = 0.02


@dataclass(frozen=True)
class Gate:
    """How a classifier does on the golden set, and the recorded accuracy; accuracies are shares (0..1)."""

    accuracy: float
    baseline_accuracy: float
    comparison: Comparison
    report: SetReport

    @property
    def holds(self) -> bool:
        """Whether the classifier lost no more than allowed."""
        return self.accuracy >= self.baseline_accuracy - ALLOWED_LOSS

    def as_text(self) -> str:
        """Summarise it in one line."""
        return (
            f"{self.comparison.classifier}: {self.accuracy:.1%} of the golden stages right, recorded for "
            f"{self.comparison.baseline} {self.baseline_accuracy:.1%}; right where it was wrong "
            f"{self.comparison.only_classifier_right}, wrong where it was right {self.comparison.only_baseline_right} "
            f"(McNemar p = {self.comparison.p_value:.3g})"
        )


def hold_to_baseline(name: str, classifier: Classifier, baseline: str, golden: Path) -> Gate:
    """Score a classifier on the golden set in folder `golden` and compare it with the recorded `baseline`.

    Raises ValueError when a case or the baseline cannot be used, FileNotFoundError without cases.
    """
    dataset = read_golden(golden / "stage_cases.jsonl")
    report = evaluate(dataset, {name: classifier})
    scores = report.scores[-1]
    recorded = read_baselines(golden / "baseline.json").get(baseline)
    if recorded is None or scores.current_stage.value is None:
        raise ValueError(f"{golden}: nothing to compare {name} with: no case or no baseline of {baseline}")
    return Gate(scores.current_stage.value, recorded.accuracy, compare(scores, recorded, dataset), report)
