"""The statistics of the evaluation, on plain numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class BinaryCounts:
    """Predictions against truth. `unknown` of them gave no answer; these count as not predicted."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    unknown: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the predicted that is true, None when nothing was predicted."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of the true that was predicted, None when nothing is true."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, None when nothing is true and nothing was predicted."""
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def matthews_correlation(self) -> float | None:
        """Correlation of prediction and truth (-1..1), None when one of them is constant."""
        predicted = self.true_positives + self.false_positives
        true = self.true_positives + self.false_negatives
        total = predicted + self.false_negatives + self.true_negatives
        scale = predicted * true * (total - predicted) * (total - true)
        product = self.true_positives * self.true_negatives - self.false_positives * self.false_negatives
        return None if scale == 0 else product / math.sqrt(scale)


@dataclass(frozen=True)
class ReliabilityBin:
    """How often answers of about one confidence were right."""

    count: int
    mean_confidence: float
    accuracy: float


def count_binary(pairs: Iterable[tuple[bool | None, bool | None]]) -> BinaryCounts:
    """Count (truth, prediction) pairs; a pair without a truth is left out."""
    known = [(truth, prediction) for truth, prediction in pairs if truth is not None]
    return BinaryCounts(
        true_positives=sum(truth and prediction is True for truth, prediction in known),
        false_positives=sum(not truth and prediction is True for truth, prediction in known),
        false_negatives=sum(truth and prediction is not True for truth, prediction in known),
        true_negatives=sum(not truth and prediction is not True for truth, prediction in known),
        unknown=sum(prediction is None for _, prediction in known),
    )


def reliability(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> list[ReliabilityBin]:
    """Return bins of equal mass from least to most confident; fewer than `bins` when there are fewer answers."""
    ordered, hits = _by_confidence(confidences, correct)
    parts = zip(np.array_split(ordered, bins), np.array_split(hits, bins), strict=True)
    return [ReliabilityBin(len(part), float(part.mean()), float(hit.mean())) for part, hit in parts if len(part)]


def expected_calibration_error(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> float | None:
    """Mean distance of confidence and accuracy over bins of equal mass (0..1), None without answers."""
    table = reliability(confidences, correct, bins)
    total = sum(row.count for row in table)
    return _ratio(sum(row.count * abs(row.mean_confidence - row.accuracy) for row in table), total)


def accuracy_of_most_confident(confidences: Sequence[float], correct: Sequence[bool], share: float) -> float | None:
    """Accuracy of the most confident `share` (0..1) of the answers, rounded up to whole answers; None without any."""
    _, hits = _by_confidence(confidences, correct)
    kept = math.ceil(round(share * len(hits), 9))
    return float(hits[len(hits) - kept :].mean()) if kept else None


def mcnemar_exact(only_first_right: int, only_second_right: int) -> float:
    """Two-sided exact p-value that two classifiers are equally good, from the examples only one of them got right."""
    discordant = only_first_right + only_second_right
    ways, tail = 1, 0
    for count in range(min(only_first_right, only_second_right) + 1):
        tail += ways
        ways = ways * (discordant - count) // (count + 1)
    # Whole numbers until the end: 2 ** -n alone would be 0 for a thousand examples.
    return min(1.0, float(2 * tail / 2**discordant))


def _by_confidence(
    confidences: Sequence[float], correct: Sequence[bool]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sort by confidence; answers of the same confidence share their accuracy, so that input order cannot matter."""
    values, group = np.unique(np.asarray(confidences, dtype=np.float64), return_inverse=True)
    if not len(values):
        return values, values
    hits = np.bincount(group, weights=np.asarray(correct, dtype=np.float64))
    sizes = np.bincount(group)
    return np.repeat(values, sizes), np.repeat(hits / sizes, sizes)


def _ratio(numerator: float, denominator: float) -> float | None:
    return None if denominator == 0 else numerator / denominator
