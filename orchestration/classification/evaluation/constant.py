"""The baseline that ignores its input: always the same furthest stage."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.classification.conversation import Conversation, StageAnswer, StageLabel
from orchestration.classification.evaluation.examples import Dataset
from orchestration.configuration.label_stages import INITIATED, STAGES, furthest_stage


@dataclass(frozen=True)
class Constant:
    """Answers `stage` for everything, `confidence` sure (its accuracy on the set it was chosen for)."""

    stage: str
    confidence: float

    def __call__(self, conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        """Return the same answer for each conversation; it cites nothing."""
        labels = {stage: StageLabel(is_reached, self.confidence) for stage, is_reached in _up_to(self.stage).items()}
        return [StageAnswer(conversation.conversation_id, labels, labels["resolved"]) for conversation in conversations]


def majority_constant(dataset: Dataset) -> Constant:
    """Return the constant with the best accuracy on a set: the strongest guess that reads no conversation."""
    rows = [example for example in dataset.examples if not example.expects_unknown and example.current_stage]
    hits = {
        stage: sum(furthest_stage(_up_to(stage), row.masked) == row.current_stage for row in rows)
        for stage in (INITIATED, *STAGES)
    }
    best = max(hits, key=lambda stage: hits[stage])
    return Constant(best, hits[best] / len(rows) if rows else 0.0)


def _up_to(stage: str) -> dict[str, bool]:
    last = STAGES.index(stage) if stage in STAGES else -1
    return {name: position <= last for position, name in enumerate(STAGES)}
