"""The shipped coefficients are what `make train` makes of the shipped texts, and nothing else."""

import dataclasses

import numpy as np
import pytest

from orchestration.classification.embedded.batches import SIDES
from orchestration.classification.embedded.storage import SHIPPED, read_model
from orchestration.classification.training.corpus import training_conversations
from orchestration.commands.train import train

# Sums in another order, on another processor, end a little elsewhere; another text would end far away.
_TOLERANCE = 0.02
LARGEST_CALIBRATION_ERROR = 0.03


@pytest.mark.full
def test_the_shipped_model_follows_from_the_shipped_texts() -> None:
    trained = train(training_conversations(1))
    made, measured = trained.model, trained.measured
    shipped = read_model(SHIPPED).model
    assert made.dense.keys() == shipped.dense.keys()
    for head, weights in shipped.dense.items():
        assert made.dense[head] == pytest.approx(weights, abs=_TOLERANCE), head
    for side in SIDES:
        assert np.abs(made.texts[side].weights - shipped.texts[side].weights).max() < _TOLERANCE
        assert np.abs(made.texts[side].flags - shipped.texts[side].flags).max() < _TOLERANCE
    assert made.calibration.slopes == pytest.approx(shipped.calibration.slopes, abs=_TOLERANCE)
    recorded = read_model(SHIPPED).measured
    assert dataclasses.astuple(measured) == pytest.approx(dataclasses.astuple(recorded), abs=_TOLERANCE)
    assert measured.calibration_error <= LARGEST_CALIBRATION_ERROR
