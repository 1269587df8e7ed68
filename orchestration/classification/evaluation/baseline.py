"""The recorded answers on the golden set, and whether a classifier differs from them by more than luck."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.classification.answer_statistics import mcnemar_exact
from orchestration.classification.evaluation.examples import Dataset
from orchestration.classification.evaluation.scoring import Scores


@dataclass(frozen=True)
class Baseline:
    """Furthest stage by example, and the share of right ones (0..1); recorded, or measured in the same evaluation."""

    classifier: str
    accuracy: float
    predictions: Mapping[str, str]
    is_recorded: bool = True


@dataclass(frozen=True)
class Comparison:
    """Examples that only one of the two got right, and the exact two-sided McNemar p-value of that difference."""

    classifier: str
    baseline: str
    only_classifier_right: int
    only_baseline_right: int
    p_value: float
    is_recorded: bool = True


def record_baselines(path: Path, recorded: Iterable[Scores]) -> None:
    """Write the answers of classifiers as the new baselines, replacing those before."""
    content = {
        scores.classifier: {
            "accuracy": scores.current_stage.value,
            "predictions": dict(sorted(scores.predictions.items())),
        }
        for scores in recorded
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_baselines(path: Path) -> dict[str, Baseline]:
    """Read the recorded baselines by classifier. Raises ValueError naming the file and what to do without any."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: Baseline(name, row["accuracy"], row["predictions"]) for name, row in content.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: no baseline ({error!r}); write one: python -m orchestration eval --record"
        ) from error


def compare(scores: Scores, baseline: Baseline, dataset: Dataset) -> Comparison:
    """Compare a classifier with the baseline, example by example.

    Raises ValueError when the baseline was recorded on other examples: a pair would be missing.
    """
    truth = {example.example_id: example.current_stage for example in dataset.examples}
    if set(scores.predictions) != set(baseline.predictions):
        changed = sorted(set(scores.predictions) ^ set(baseline.predictions))
        raise ValueError(
            f"the baseline does not hold the same examples as {dataset.name} ({changed[0]} and "
            f"{len(changed) - 1} more differ); record it again: python -m orchestration eval --record"
        )
    pairs = [
        (stage == truth[name], baseline.predictions[name] == truth[name]) for name, stage in scores.predictions.items()
    ]
    gained = sum(new and not old for new, old in pairs)
    lost = sum(old and not new for new, old in pairs)
    return Comparison(
        scores.classifier, baseline.classifier, gained, lost, mcnemar_exact(gained, lost), baseline.is_recorded
    )
