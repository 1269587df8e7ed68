"""The furthest stage of an answer, and how sure it is."""

import pytest

from orchestration.classification.conversation import StageAnswer, StageLabel
from orchestration.configuration.label_stages import STAGES, furthest_stage


def reached(*values: bool | None) -> dict[str, bool | None]:
    return dict(zip(STAGES, values, strict=True))


@pytest.mark.parametrize(
    ("values", "masked", "furthest"),
    [
        ((False, False, False, False, False), (), "initiated"),
        ((True, True, False, False, False), (), "problem_identified"),
        ((True, True, False, False, True), (), "resolved"),
        ((True, True, True, True, True), ("resolved",), "solution_accepted"),
        ((True, True, True, None, False), ("solution_accepted",), "solution_proposed"),
        ((True, True, True, None, False), (), "unknown"),
        ((True, None, True, False, False), (), "solution_proposed"),
        ((None, False, False, False, False), (), "unknown"),
    ],
)
def test_furthest_stage_skips_masks_and_admits_the_unknown(
    values: tuple[bool | None, ...], masked: tuple[str, ...], furthest: str
) -> None:
    assert furthest_stage(reached(*values), masked) == furthest


def test_confidence_is_that_of_the_least_sure_part_that_places_the_conversation() -> None:
    confidences = dict(zip(STAGES, (0.1, 0.9, 0.8, 0.6, 0.7), strict=True))
    labels = {
        stage: StageLabel(stage in {"greeted", "problem_identified"}, confidence)
        for stage, confidence in confidences.items()
    }
    answer = StageAnswer("c", labels, StageLabel(reached=False, confidence=1.0))
    assert answer.furthest_stage() == "problem_identified"
    assert answer.confidence() == 0.6
    assert answer.confidence(("solution_accepted",)) == 0.7
