"""The shipped model as a classifier."""

from collections.abc import Sequence
from functools import cache

from orchestration.classification.conversation import Conversation, StageAnswer
from orchestration.classification.embedded.storage import SHIPPED, StoredModel, read_model


@cache
def shipped_model() -> StoredModel:
    """Read the shipped model once. Raises ValueError when the installation lacks it."""
    return read_model(SHIPPED)


def classify_by_model(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
    """Answer with the shipped model."""
    return shipped_model().model(conversations)
