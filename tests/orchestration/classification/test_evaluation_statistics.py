"""The statistics of the evaluation against values worked out by hand and against scipy."""

import itertools

import pytest
from scipy.stats import binomtest, pearsonr  # type: ignore[import-untyped]

from orchestration.classification.answer_statistics import (
    BinaryCounts,
    accuracy_of_most_confident,
    count_binary,
    expected_calibration_error,
    mcnemar_exact,
    reliability,
)


def test_rates_of_a_small_table() -> None:
    counts = BinaryCounts(true_positives=3, false_positives=1, false_negatives=2, true_negatives=4)
    assert counts.precision == 0.75
    assert counts.recall == 0.6
    assert counts.f1 == pytest.approx(2 / 3)
    # (3*4 - 1*2) / sqrt(4 * 5 * 6 * 5)
    assert counts.matthews_correlation == pytest.approx(0.4082482905)


def test_rates_of_nothing_are_none_rather_than_zero() -> None:
    nothing = BinaryCounts(0, 0, 0, 5)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.matthews_correlation) == (None, None, None, None)


def test_pairs_without_truth_are_left_out_and_unknown_answers_are_not_predictions() -> None:
    pairs = [(True, True), (True, None), (False, None), (False, True), (None, True), (None, None), (False, False)]
    assert count_binary(pairs) == BinaryCounts(1, 1, 1, 2, unknown=2)


def test_matthews_correlation_is_the_correlation_of_truth_and_prediction() -> None:
    pairs = [(number % 5 < 2, number * 7 % 11 < 6) for number in range(200)]
    expected = pearsonr([float(truth) for truth, _ in pairs], [float(prediction) for _, prediction in pairs])[0]
    assert count_binary(pairs).matthews_correlation == pytest.approx(expected)


def test_calibration_error_by_hand() -> None:
    confidences = [0.9] * 5 + [0.6] * 5
    correct = [True, True, True, True, False, True, True, True, False, False]
    rows = reliability(confidences, correct, bins=2)
    assert [row.count for row in rows] == [5, 5]
    assert [row.mean_confidence for row in rows] == pytest.approx([0.6, 0.9])
    assert [row.accuracy for row in rows] == pytest.approx([0.6, 0.8])
    assert expected_calibration_error(confidences, correct, bins=2) == pytest.approx(0.05)
    assert expected_calibration_error([], []) is None


def test_bins_have_equal_mass() -> None:
    rows = reliability([index / 100 for index in range(23)], [True] * 23)
    assert [row.count for row in rows] == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]


def test_input_order_changes_nothing_when_confidences_are_tied() -> None:
    answers = [(0.5, True), (0.5, False), (0.5, False), (0.9, True)]
    errors, accuracies = set(), set()
    for order in itertools.permutations(answers):
        confidences, correct = [row[0] for row in order], [row[1] for row in order]
        errors.add(expected_calibration_error(confidences, correct, bins=2))
        accuracies.add(accuracy_of_most_confident(confidences, correct, 0.5))
    assert len(errors) == 1
    # The surest answer, and one of the three tied ones, of which a third is right.
    assert [pytest.approx(value) for value in accuracies] == [(1 + 1 / 3) / 2]


def test_accuracy_of_the_most_confident_by_hand() -> None:
    confidences, correct = [0.5, 0.9, 0.7, 0.6, 0.8], [False, True, False, True, True]
    assert accuracy_of_most_confident(confidences, correct, 0.8) == 0.75
    assert accuracy_of_most_confident(confidences, correct, 0.4) == 1.0
    assert accuracy_of_most_confident([], [], 0.8) is None


def test_mcnemar_by_hand_and_against_the_binomial_test() -> None:
    # 2 * (1 + 6) / 2**6
    assert mcnemar_exact(1, 5) == mcnemar_exact(5, 1) == 0.21875
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(3, 3) == 1.0
    for first, second in ((0, 7), (12, 30), (600, 700), (9_000, 9_500)):
        assert mcnemar_exact(first, second) == pytest.approx(binomtest(first, first + second).pvalue, rel=1e-9)
