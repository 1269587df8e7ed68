"""Scores the answers of one classifier on one set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from orchestration.classification.answer_statistics import (
    BinaryCounts,
    ReliabilityBin,
    accuracy_of_most_confident,
    count_binary,
    expected_calibration_error,
    reliability,
)
from orchestration.classification.conversation import Classifier, StageAnswer
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.configuration.label_stages import STAGES, UNKNOWN

CONFIDENT_SHARE = 0.8
_Pair = tuple[Example, StageAnswer]


@dataclass(frozen=True)
class Share:
    """`hits` of `total`."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """Share (0..1), None of nothing."""
        return self.hits / self.total if self.total else None


@dataclass(frozen=True)
class Scores:
    """The scores of a classifier on a set.

    `current_stage`: right furthest stages; `answered`: those not unknown; `predictions`: example_id -> furthest stage.
    `claims`: (what, against what) -> counts. `abstained`: unknown answers where unknown is right.
    """

    classifier: str
    dataset: str
    current_stage: Share
    answered: Share
    stages: Mapping[str, BinaryCounts]
    slices: Mapping[str, Share]
    claims: Mapping[str, BinaryCounts]
    abstained: Share
    calibration_error: float | None
    confident_accuracy: float | None
    reliability: Sequence[ReliabilityBin]
    predictions: Mapping[str, str]


def score(name: str, classifier: Classifier, dataset: Dataset) -> Scores:
    """Let a classifier answer for a set and score it; masked stages are taken out of truth and prediction."""
    answers = classifier([example.conversation for example in dataset.examples])
    pairs = list(zip(dataset.examples, answers, strict=True))
    unreadable = [pair for pair in pairs if pair[0].expects_unknown]
    readable = [pair for pair in pairs if not pair[0].expects_unknown]
    placed = [pair for pair in readable if pair[0].current_stage is not None]
    answered = [pair for pair in placed if _predicted(pair) != UNKNOWN]
    confidences = [answer.confidence(example.masked) for example, answer in answered]
    correct = [_is_right(pair) for pair in answered]
    return Scores(
        classifier=name,
        dataset=dataset.name,
        current_stage=_share(placed, _is_right),
        answered=Share(len(answered), len(placed)),
        stages={
            stage: count_binary((example.truth[stage], answer.labels[stage].reached) for example, answer in readable)
            for stage in STAGES
        },
        slices={
            name: _share([pair for pair in placed if pair[0].slice_name == name], _is_right)
            for name in sorted({example.slice_name for example, _ in placed})
        },
        claims=_claims(readable),
        abstained=_share(unreadable, _abstains),
        calibration_error=expected_calibration_error(confidences, correct),
        confident_accuracy=accuracy_of_most_confident(confidences, correct, CONFIDENT_SHARE),
        reliability=reliability(confidences, correct),
        predictions={example.example_id: _predicted((example, answer)) for example, answer in placed},
    )


def _claims(pairs: Sequence[_Pair]) -> dict[str, BinaryCounts]:
    counts = {
        "claimed_resolved against the label": count_binary(
            (example.claim_truth, answer.claimed_resolved.reached) for example, answer in pairs
        ),
        "claimed_resolved against the outcome": count_binary(
            (example.outcome, answer.claimed_resolved.reached) for example, answer in pairs
        ),
        "resolved against the outcome": count_binary(
            (example.outcome, answer.labels["resolved"].reached) for example, answer in pairs
        ),
    }
    if all(example.claim_truth is None for example, _ in pairs):
        del counts["claimed_resolved against the label"]
    return counts


def _predicted(pair: _Pair) -> str:
    example, answer = pair
    return answer.furthest_stage(example.masked)


def _is_right(pair: _Pair) -> bool:
    return _predicted(pair) == pair[0].current_stage


def _abstains(pair: _Pair) -> bool:
    """Nothing that rests on text is answered; that an agent wrote, or which tool ran, is known in any language."""
    return pair[1].labels["resolved"].reached is None


def _share(pairs: Sequence[_Pair], holds: Callable[[_Pair], bool]) -> Share:
    return Share(sum(holds(pair) for pair in pairs), len(pairs))
