"""Labelling by the shipped model."""

import time
from collections.abc import Mapping
from typing import Any

from orchestration.classification.embedded.shipped import classify_by_model
from tests.benchmarks.labelling import conversations_of_size
from tests.benchmarks.measuring import Outcome, measured

Request = Mapping[str, Any]


def label(request: Request) -> Outcome:
    """Label composed conversations with the shipped model, already loaded."""
    conversations = conversations_of_size(request["messages"], request["conversations"])
    classify_by_model(conversations[:1])

    def classify() -> Request:
        began = time.monotonic()
        labelled = len(list(classify_by_model(conversations)))
        # This clock is the same for all processes of a machine.
        return {"labelled": labelled, "began": began, "ended": time.monotonic()}

    return measured(classify)
