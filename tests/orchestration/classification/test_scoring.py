"""Scores, the constant and the comparison with the baseline, on sets small enough to count by hand."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestration.classification.answer_statistics import BinaryCounts
from orchestration.classification.conversation import Classifier, Conversation, StageAnswer, StageLabel
from orchestration.classification.evaluation.baseline import compare, read_baselines, record_baselines
from orchestration.classification.evaluation.constant import majority_constant
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.classification.evaluation.report import SetReport, as_json, as_markdown
from orchestration.classification.evaluation.scoring import Share, score
from orchestration.configuration.label_stages import STAGES

Reached = tuple[bool | None, ...]
GREETED: Reached = (True, False, False, False, False)
PROPOSED: Reached = (True, True, True, False, False)
RESOLVED: Reached = (True, True, True, True, True)


def example(name: str, truth: Reached, slice_name: str = "short", *, expects_unknown: bool = False) -> Example:
    stages = dict(zip(STAGES, truth, strict=True))
    conversation = Conversation(name, ())
    return Example(name, conversation, stages, slice_name, outcome=truth[-1], expects_unknown=expects_unknown)


def answering(answers: dict[str, Reached], confidence: float = 0.9) -> Classifier:
    def classify(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        return [_answer(conversation.conversation_id) for conversation in conversations]

    def _answer(name: str) -> StageAnswer:
        labels = {stage: StageLabel(value, confidence) for stage, value in zip(STAGES, answers[name], strict=True)}
        return StageAnswer(name, labels, labels["resolved"])

    return classify


DATASET = Dataset(
    "tiny",
    (
        example("right", PROPOSED),
        example("too_far", GREETED, "long"),
        example("masked_acceptance", (True, True, True, None, False)),
        example("unknown_resolved", (True, True, True, False, None)),
        example("not_answered", RESOLVED, "long"),
        example("finnish", PROPOSED, expects_unknown=True),
    ),
)
ANSWERS: dict[str, Reached] = {
    "right": PROPOSED,
    "too_far": RESOLVED,
    "masked_acceptance": (True, True, True, True, False),
    "unknown_resolved": RESOLVED,
    "not_answered": (True, None, None, None, None),
    "finnish": (True, None, None, None, None),
}


def test_masked_stages_leave_truth_and_prediction_and_rows_without_resolved_are_not_placed() -> None:
    scores = score("stub", answering(ANSWERS), DATASET)
    assert scores.current_stage == Share(2, 4)
    assert scores.predictions == {
        "right": "solution_proposed",
        "too_far": "resolved",
        "masked_acceptance": "solution_proposed",
        "not_answered": "unknown",
    }
    assert scores.answered == Share(3, 4)
    assert scores.abstained == Share(1, 1)
    assert scores.slices == {"long": Share(0, 2), "short": Share(2, 2)}
    # Right in two of three answers, each 0.9 sure.
    assert scores.calibration_error == pytest.approx(0.9 - 2 / 3)


def test_stages_are_counted_over_every_row_that_knows_them() -> None:
    scores = score("stub", answering(ANSWERS), DATASET)
    # right (no/no), too_far (no/yes), unknown_resolved (no/yes), not_answered (yes/unknown)
    assert scores.stages["solution_accepted"] == BinaryCounts(0, 2, 1, 1, unknown=1)
    assert scores.stages["resolved"] == BinaryCounts(0, 1, 1, 2, unknown=1)
    assert scores.claims["resolved against the outcome"] == BinaryCounts(0, 1, 1, 2, unknown=1)
    assert "claimed_resolved against the label" not in scores.claims


def test_the_constant_is_the_strongest_guess() -> None:
    constant = majority_constant(DATASET)
    # Proposed is right for `right` and, its acceptance masked, for `masked_acceptance`: 2 of 4.
    assert (constant.stage, constant.confidence) == ("solution_proposed", 0.5)
    assert score("constant", constant, DATASET).current_stage == Share(2, 4)


def test_the_constant_is_chosen_after_masking() -> None:
    masked = (True, True, True, None, False)
    rows = (example("one", masked), example("two", masked), example("three", (True, True, True, True, False)))
    constant = majority_constant(Dataset("masked", rows))
    # Without the masks "proposed" would win with two of three.
    assert (constant.stage, constant.confidence) == ("solution_accepted", 1.0)


def test_comparison_counts_the_examples_only_one_got_right(tmp_path: Path) -> None:
    baseline_path = tmp_path / "baseline.json"
    record_baselines(baseline_path, [score("rules", answering(ANSWERS), DATASET)])
    better = ANSWERS | {"too_far": GREETED, "not_answered": RESOLVED, "right": GREETED}
    comparison = compare(score("model", answering(better), DATASET), read_baselines(baseline_path)["rules"], DATASET)
    assert (comparison.only_classifier_right, comparison.only_baseline_right) == (2, 1)
    assert comparison.p_value == 1.0


def test_a_baseline_of_other_examples_is_refused(tmp_path: Path) -> None:
    smaller = Dataset("tiny", DATASET.examples[:2])
    record_baselines(tmp_path / "b.json", [score("rules", answering(ANSWERS), smaller)])
    with pytest.raises(ValueError, match=r"masked_acceptance and 1 more differ.*--record"):
        compare(score("rules", answering(ANSWERS), DATASET), read_baselines(tmp_path / "b.json")["rules"], DATASET)
    with pytest.raises(ValueError, match=r"absent\.json: no baseline"):
        read_baselines(tmp_path / "absent.json")


def test_report_prints_shares_and_leaves_out_what_does_not_exist() -> None:
    scores = [score(name, answering(ANSWERS), DATASET) for name in ("constant", "stub")]
    report = SetReport("tiny", 6, "", "resolved", scores, prints_slices=True)
    text = as_markdown([report])
    assert "## tiny: 6 conversations, current stage known in 4" in text
    assert "| stub | 50.0 % | +0.0 points | 75.0 % | 0.233 | 66.7 % | 1 of 1 |" in text
    assert "| long | 2 | 0.0 % | 0.0 % |" in text
    assert "| resolved | stub | 0.000 | 0.000 | 0.000 | 1 | 1 |" in text
    stub = as_json([report])["tiny"]["classifiers"]["stub"]
    assert stub["current_stage_accuracy"] == 0.5
    assert stub["stages"]["resolved"]["false_positives"] == 1
