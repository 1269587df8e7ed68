"""Runs classifiers over sets."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestration.classification.conversation import Classifier
from orchestration.classification.embedded.shipped import classify_by_model
from orchestration.classification.evaluation.constant import majority_constant
from orchestration.classification.evaluation.examples import Dataset
from orchestration.classification.evaluation.real_sets import REAL_SETS, read_real_set
from orchestration.classification.evaluation.report import SetReport
from orchestration.classification.evaluation.scoring import score
from orchestration.classification.rules import classify_by_rules

# Everything `make eval` measures besides the constant.
CLASSIFIERS: Mapping[str, Classifier] = {"rules": classify_by_rules, "model": classify_by_model}


def evaluate(dataset: Dataset, classifiers: Mapping[str, Classifier]) -> SetReport:
    """Score the constant and the classifiers on one set."""
    constant = majority_constant(dataset)
    candidates: dict[str, Classifier] = {"constant": constant, **classifiers}
    scores = [score(name, classifier, dataset) for name, classifier in candidates.items()]
    return SetReport(dataset.name, len(dataset.examples), dataset.target, constant.stage, scores)


def real_datasets(folder: Path, seeds: Path) -> Iterator[Dataset]:
    """Yield prefixes and whole conversations of each real set that lies in the folder; nothing when none does."""
    for name in REAL_SETS:
        if (folder / name).is_dir():
            yield from read_real_set(folder / name, seeds)
