"""How long the list for review is, and how often the model is wrong on it and off it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from orchestration.classification.conversation import Conversation, StageAnswer
from orchestration.classification.embedded.calibrating import measuring_part
from orchestration.classification.embedded.model import Model
from orchestration.classification.embedded.shipped import shipped_model
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.classification.evaluation.review_list import as_json, as_markdown, review_list
from orchestration.classification.training.corpus import held_out_prefixes
from orchestration.configuration.label_stages import STAGES
from tests.support.unsure_events import conversation_of, sure, unsure


def _example(name: str, talk: list[dict[str, object]], furthest: str) -> Example:
    reached = {stage: STAGES.index(stage) <= STAGES.index(furthest) for stage in STAGES}
    return Example(name, conversation_of(name, talk), reached, "all", outcome=reached["resolved"])


def test_both_sides_are_counted() -> None:
    # All that is not sure is to review here. The model takes the unsure for accepted and the sure for resolved.
    model = shipped_model().model
    model = model.calibrated(replace(model.calibration, review_below=model.calibration.sure_from))
    wrong = [_example(f"u{number}", unsure(f"u{number}"), "solution_proposed") for number in range(3)]
    right = _example("u3", unsure("u3"), "solution_accepted")
    certain = [_example(f"s{number}", sure(f"s{number}"), "resolved") for number in range(4)]
    mistaken = _example("s4", sure("s4"), "greeted")
    unknown = replace(certain[0], truth={**certain[0].truth, "resolved": None})
    found = review_list(Dataset("made up", (*wrong, right, *certain, mistaken, unknown)), model)
    assert as_json([found]) == [
        {"name": "made up", "conversations": 9, "reviewed": 4, "wrong_of_reviewed": 3, "wrong_of_others": 1}
    ]
    assert "| made up | 9 | 44.4% | 75.0% | 20.0% |" in as_markdown([found])
    nobody = review_list(Dataset("none", ()), model)
    assert "| none | 0 | - | - | - |" in as_markdown([nobody])


def _shares(model: Model, conversations: Sequence[Conversation]) -> tuple[float, float]:
    answers: list[StageAnswer] = model(conversations)
    return float(np.mean([model.needs_review(one) for one in answers])), float(
        np.mean([model.is_unsure(one) for one in answers])
    )


def test_about_a_tenth_of_what_was_held_out_is_to_review() -> None:
    """Of the third that no threshold was fitted on; what is to review is not sure."""
    model = shipped_model().model
    held_out = [one.conversation for one in measuring_part(held_out_prefixes(2))]
    to_review, not_sure = _shares(model, held_out)
    assert 0.06 < to_review < 0.15
    assert not_sure > 0.4
    assert model.calibration.review_below < model.calibration.sure_from
