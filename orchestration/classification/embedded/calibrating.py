"""Probabilities, thresholds and the confidence threshold for review, each from its own held-out conversations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from orchestration.classification.answer_statistics import accuracy_of_most_confident, expected_calibration_error
from orchestration.classification.conversation import StageAnswer
from orchestration.classification.embedded.heads import HEADS
from orchestration.classification.embedded.linear import Floats, logistic, minimise, sigmoid
from orchestration.classification.embedded.model import Calibration, Model, answer_of
from orchestration.classification.labelled import LABEL_TARGETS, LabelledConversation, group_weights
from orchestration.configuration.label_stages import STAGES, furthest_stage

CONFIDENT_SHARE = 0.8
# Answers at least this often right are sure.
_RIGHT_WHERE_SURE = 0.98
# People can work through the least sure tenth.
_REVIEWED_SHARE = 0.1
_PARTS = 3
_THRESHOLDS = tuple(round(0.2 + 0.05 * step, 2) for step in range(13))
_ROUNDS = 2
_STEPS = 50
_LEAST_BLOCK = 40


@dataclass(frozen=True)
class Measured:
    """How a model does on labelled prefixes that it has not seen; shares are 0..1."""

    conversations: int
    accuracy: float
    calibration_error: float
    confident_accuracy: float


def calibrate(
    model: Model, held_out: Sequence[LabelledConversation], *, tunes_thresholds: bool = True
) -> tuple[Model, Measured]:
    """Fit probabilities on the first third, thresholds and margin on the second, and measure on the last.

    Without tuning, a message shows a stage where its score means more likely than not, and only what stands at the end
    of a conversation, `resolved`, goes by its calibrated probability.
    """
    probabilities, answers = held_out[::_PARTS], held_out[1::_PARTS]
    model = model.calibrated(_with_probabilities(model, probabilities))
    if tunes_thresholds:
        model = model.calibrated(_with_thresholds(model, answers))
    else:
        model = model.calibrated(_with_even_thresholds(model.calibration))
    model = model.calibrated(_with_answers(model, answers))
    return model, measure(model, measuring_part(held_out))


def measuring_part(held_out: Sequence[LabelledConversation]) -> Sequence[LabelledConversation]:
    """Return the third that calibrate() fits nothing on."""
    return held_out[_PARTS - 1 :: _PARTS]


def measure(model: Model, held_out: Sequence[LabelledConversation]) -> Measured:
    """Let a model answer for labelled prefixes."""
    sure, right = _sure_and_right(model, held_out)
    return Measured(
        len(right),
        float(np.mean(right)) if right else 0.0,
        expected_calibration_error(sure, right) or 0.0,
        accuracy_of_most_confident(sure, right, CONFIDENT_SHARE) or 0.0,
    )


def _with_probabilities(model: Model, held_out: Sequence[LabelledConversation]) -> Calibration:
    found = model.signals([conversation.conversation for conversation in held_out])
    weights = group_weights(held_out)
    slopes, offsets = {}, {}
    for target in LABEL_TARGETS:
        rows = np.array(
            [
                (signals[target].score, float(conversation.messages[-1].labels[target] or False), weight)
                for (_, _, signals), conversation, weight in zip(found, held_out, weights, strict=True)
                if signals and conversation.messages[-1].labels[target] is not None
            ]
        ).reshape(-1, 3)
        slopes[target], offsets[target] = fit_platt(*rows.T)
    return replace(model.calibration, slopes=slopes, offsets=offsets)


def fit_platt(scores: Floats, truths: Floats, weights: Floats | float = 1.0) -> tuple[float, float]:
    """Return slope and offset of the logistic curve through (score, truth 0 or 1); the slope never falls below 0.05."""

    def loss(point: Floats) -> tuple[float, Floats]:
        logits = point[0] * scores + point[1]
        residuals = weights * (sigmoid(logits) - truths)
        # A weak pull towards the neutral curve keeps separable scores from running away.
        away = point - np.array((1.0, 0.0))
        losses = weights * (np.logaddexp(0, logits) - truths * logits)
        value = float(losses.sum() + 0.5 * (away**2).sum())
        return value, np.array(((residuals * scores).sum(), residuals.sum())) + away

    slope, offset = minimise(loss, np.array((1.0, 0.0)), _STEPS)
    return max(float(slope), 0.05), float(offset)


def _with_thresholds(model: Model, held_out: Sequence[LabelledConversation]) -> Calibration:
    """Choose the thresholds, one after the other and twice over, that place most conversations right."""
    answering = _Answering(model, held_out)
    best = model.calibration
    for _ in range(_ROUNDS):
        for target in LABEL_TARGETS[:-1]:
            tried = [
                replace(best, thresholds={**best.thresholds, target: threshold})
                # The middle first: among equally good thresholds it is the least surprising.
                for threshold in sorted(_THRESHOLDS, key=lambda value: abs(value - 0.5))
            ]
            best = max(tried, key=lambda calibration: sum(answering.right(calibration)))
    return best


def _with_even_thresholds(calibration: Calibration) -> Calibration:
    """Put the thresholds of targets that fire once where a score is 0.

    Their probability is that of the highest of all scores: its curve rests on how many messages there were.
    """
    thresholds = {target: logistic(offset) for target, offset in calibration.offsets.items()}
    return replace(calibration, thresholds={**thresholds, **{head.target: 0.5 for head in HEADS if head.is_state}})


def _with_answers(model: Model, held_out: Sequence[LabelledConversation]) -> Calibration:
    sure, right = _sure_and_right(model, held_out)
    points = rising_curve(sure, right)
    calibrated = replace(model.calibration, answers=points)
    confidences = sorted(((calibrated.confidence(value), hit) for value, hit in zip(sure, right, strict=True)))
    # The lowest margin above which answers are right often enough, all of them together.
    margin, kept, hits = 1.0, 0, 0
    for confidence, hit in reversed(confidences):
        kept, hits = kept + 1, hits + hit
        if hits >= _RIGHT_WHERE_SURE * kept:
            margin = confidence
    least_sure = (
        float(np.quantile([confidence for confidence, _ in confidences], _REVIEWED_SHARE)) if confidences else 0.0
    )
    return replace(calibrated, sure_from=margin, review_below=min(least_sure, margin))


def rising_curve(values: Sequence[float], hits: Sequence[bool]) -> tuple[tuple[float, float], ...]:
    """Return points of the non-decreasing curve that fits share of hits by value best (isotonic regression).

    Blocks hold at least 40 values, so that a lucky streak at the end does not become certainty.
    """
    order = np.argsort(np.asarray(values), kind="stable")
    count = max(1, len(order) // _LEAST_BLOCK)
    blocks: list[tuple[float, float, int]] = []
    for part in np.array_split(order, count):
        blocks.append((float(np.mean([values[i] for i in part])), float(np.mean([hits[i] for i in part])), len(part)))
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            (low, low_rate, low_count), (high, high_rate, high_count) = blocks[-2:]
            total = low_count + high_count
            merged = (
                (low * low_count + high * high_count) / total,
                (low_rate * low_count + high_rate * high_count) / total,
                total,
            )
            blocks[-2:] = [merged]
    return tuple((value, min(rate, 0.99)) for value, rate, _ in blocks)


class _Answering:
    """Answers of one model under changing calibrations, its scores computed once."""

    def __init__(self, model: Model, held_out: Sequence[LabelledConversation]) -> None:
        self._signals = model.signals([conversation.conversation for conversation in held_out])
        self._truths = [placed(conversation) for conversation in held_out]

    def answers(self, calibration: Calibration) -> list[tuple[StageAnswer, str, tuple[str, ...]]]:
        return [
            (answer_of(*signals, calibration), *truth)
            for signals, truth in zip(self._signals, self._truths, strict=True)
            if truth is not None and signals[1] is not None
        ]

    def right(self, calibration: Calibration) -> list[bool]:
        return [answer.furthest_stage(masked) == stage for answer, stage, masked in self.answers(calibration)]


def _sure_and_right(model: Model, held_out: Sequence[LabelledConversation]) -> tuple[list[float], list[bool]]:
    answers = _Answering(model, held_out).answers(model.calibration)
    return (
        [answer.confidence(masked) for answer, _, masked in answers],
        [answer.furthest_stage(masked) == stage for answer, stage, masked in answers],
    )


def placed(conversation: LabelledConversation) -> tuple[str, tuple[str, ...]] | None:
    """Return the furthest stage and the stages that cannot be known, None when resolved is one of them."""
    labels = conversation.messages[-1].labels
    truth: dict[str, bool | None] = {stage: labels[stage] for stage in STAGES if stage != "greeted"}
    truth["greeted"] = any(labelled.message.role == "agent" for labelled in conversation.messages)
    if truth["resolved"] is None:
        return None
    masked = tuple(stage for stage in STAGES if truth[stage] is None)
    return furthest_stage(truth, masked), masked
