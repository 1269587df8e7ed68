"""The embedded model: answers for conversations and prefixes, with the message that shows each stage."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from orchestration.classification.acts import AGENT_ACTS, CUSTOMER_ACTS
from orchestration.classification.agent_text import unwrap
from orchestration.classification.conversation import Conversation, StageAnswer, StageLabel
from orchestration.classification.cues import simplified
from orchestration.classification.embedded.batches import (
    CUSTOMER,
    SIDES,
    Numbers,
    Reading,
    Side,
    TextHeads,
    dense_of,
    read_batch,
    said_of,
)
from orchestration.classification.embedded.heads import HEADS, Head
from orchestration.classification.embedded.linear import logistic
from orchestration.classification.labelled import LABEL_TARGETS
from orchestration.classification.messages.courtesy import is_courtesy
from orchestration.classification.misunderstandings import is_unsolved
from orchestration.classification.rules import without_courtesy
from orchestration.configuration.label_stages import STAGES, UNKNOWN

_CLAIMED = "claimed_resolved"
_ACTS = {"agent": len(AGENT_ACTS), "customer": len(CUSTOMER_ACTS)}
# The confidence where nothing in the conversation could show it: not certain, because an event may be missing.
_FACT_CONFIDENCE = 0.99
_NEVER = -12.0
# A solution before the agent's last word that it could not help: it may be about something else.
_CONTRADICTED_PROBABILITY = 0.5
_BATCH_CONVERSATIONS = 256


@dataclass(frozen=True)
class Signal:
    """The score (log-odds) of a target for a whole conversation, and of each message that could show it."""

    score: float
    positions: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities and answers.

    `slopes` and `offsets` (Platt) and `thresholds` by target; `answers` maps the least sure part of an answer to how
    often such answers are right, by straight lines between points; below `sure_from` an answer is unsure and
    an LLM may be asked, below `review_below` a person should look.
    """

    slopes: Mapping[str, float]
    offsets: Mapping[str, float]
    thresholds: Mapping[str, float]
    answers: Sequence[tuple[float, float]]
    sure_from: float
    review_below: float

    @staticmethod
    def neutral() -> "Calibration":
        """Take scores for what they are."""
        return Calibration(
            *(dict.fromkeys(LABEL_TARGETS, 1.0), dict.fromkeys(LABEL_TARGETS, 0.0), dict.fromkeys(LABEL_TARGETS, 0.5)),
            answers=((0.0, 0.0), (1.0, 1.0)),
            sure_from=0.5,
            review_below=0.5,
        )

    def probability(self, target: str, score: float) -> float:
        """Return the calibrated probability of a target."""
        return logistic(self.slopes[target] * score + self.offsets[target])

    def least_score(self, target: str) -> float:
        """Return the score from which on a target's probability passes its threshold."""
        threshold = self.thresholds[target]
        return (math.log(threshold / (1 - threshold)) - self.offsets[target]) / self.slopes[target]

    def confidence(self, probability: float) -> float:
        """Return how often an answer whose least sure part has this probability is right."""
        values, shares = zip(*self.answers, strict=True)
        return float(np.interp(probability, values, shares))


@dataclass(frozen=True)
class Model:
    """Text weights by side (acts, then the heads of that side), dense weights and bias by head, calibration."""

    texts: Mapping[Side, TextHeads]
    dense: Mapping[str, Numbers]
    calibration: Calibration

    def __call__(self, conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        """Answer for each conversation; where no shipped language fits, what rests on text is unknown."""
        return [
            answer_of(conversation, reading, signals, self.calibration)
            for conversation, reading, signals in self.signals(conversations)
        ]

    def needs_review(self, answer: StageAnswer) -> bool:
        """Whether the answer is unknown, or among the least sure tenth of the held-out ones by its confidence."""
        return answer.furthest_stage() == UNKNOWN or answer.confidence() < self.calibration.review_below

    def is_unsure(self, answer: StageAnswer) -> bool:
        """Whether the answer is unknown, or less sure than those that are nearly always right."""
        return answer.furthest_stage() == UNKNOWN or answer.confidence() < self.calibration.sure_from

    def calibrated(self, calibration: Calibration) -> "Model":
        """Return the same model with another calibration."""
        return replace(self, calibration=calibration)

    def signals(
        self, conversations: Sequence[Conversation]
    ) -> list[tuple[Conversation, Reading | None, dict[str, Signal]]]:
        """Return the scores behind the answers; None and no scores where no shipped language fits."""
        found = []
        for start in range(0, len(conversations), _BATCH_CONVERSATIONS):
            part = conversations[start : start + _BATCH_CONVERSATIONS]
            batch = read_batch(part)
            scores = {side: self.texts[side].scores(batch.spoken[side].texts) for side in SIDES}
            said = {
                side: said_of(batch.spoken[side], scores[side][:, : _ACTS[side]], self.texts[side].flags)
                for side in SIDES
            }
            for conversation, reading in zip(part, batch.readings, strict=True):
                signals = {} if reading is None else self._signals(reading, scores, dense_of(reading, said))
                found.append((conversation, reading, signals))
        return found

    def _signals(
        self, reading: Reading, text_scores: Mapping[Side, Numbers], rows: Sequence[Numbers]
    ) -> dict[str, Signal]:
        by_head: dict[str, dict[int, float]] = {}
        for side in SIDES:
            own = [head for head in HEADS if head.side == side]
            positions = [
                at for at, message in enumerate(reading.messages) if (message.role == CUSTOMER) == (side == CUSTOMER)
            ]
            if not positions:
                by_head |= {head.name: {} for head in own}
                continue
            dense = np.array([rows[at] for at in positions])
            for number, head in enumerate(own):
                values = self._head_scores(head, dense)
                for row, at in enumerate(positions):
                    place = reading.text_index[at]
                    if place >= 0:
                        values[row] += text_scores[side][place, _ACTS[side] + number]
                by_head[head.name] = dict(zip(positions, values.tolist(), strict=True))
        signals = {
            head.target: Signal(
                *(max(by_head[head.name].values(), default=_NEVER), tuple(by_head[head.name])),
                tuple(by_head[head.name].values()),
            )
            for head in HEADS
            if not head.is_state
        }
        return signals | {"resolved": _state_signal(by_head["resolved"], by_head["reopened"])}

    def _head_scores(self, head: Head, dense: Numbers) -> Numbers:
        weights = self.dense[head.name]
        return np.asarray(dense[:, : len(weights) - 1] @ weights[:-1] + weights[-1], dtype=np.float64)


def _state_signal(resolved: Mapping[int, float], reopened: Mapping[int, float]) -> Signal:
    """Follow the state: the agent's side decides whether it is resolved, a customer can only take that back."""
    positions, scores = [], []
    current = _NEVER
    for at in sorted((*resolved, *reopened)):
        if at in resolved:
            current = resolved[at]
        else:
            kept = logistic(current) * logistic(-reopened[at])
            current = max(_NEVER, math.log(kept / (1 - kept)))
        positions.append(at)
        scores.append(current)
    return Signal(current, tuple(positions), tuple(scores))


def answer_of(
    conversation: Conversation, reading: Reading | None, signals: Mapping[str, Signal], calibration: Calibration
) -> StageAnswer:
    """Return the answer that the scores of a conversation give under a calibration."""
    first_agent = next((message for message in conversation.messages if message.role == "agent"), None)
    greeted = StageLabel(first_agent is not None, _FACT_CONFIDENCE, first_agent.event_id if first_agent else None)
    if not any(message.role == CUSTOMER for message in conversation.messages):
        labels = dict.fromkeys(LABEL_TARGETS, StageLabel(False, _FACT_CONFIDENCE))
    elif reading is None:
        is_silent = first_agent is None and not any(m.event_type == "tool_called" for m in conversation.messages)
        # The agent's side did nothing: that is a fact in every language.
        label = StageLabel(False, _FACT_CONFIDENCE) if is_silent else StageLabel(None, 0.0)
        labels = dict.fromkeys(LABEL_TARGETS, label)
    else:
        labels = decide(reading, signals, calibration)
    claimed = labels.pop(_CLAIMED)
    sure = {
        stage: replace(label, confidence=calibration.confidence(label.confidence)) for stage, label in labels.items()
    }
    return StageAnswer(
        conversation.conversation_id,
        {stage: greeted if stage == "greeted" else sure[stage] for stage in STAGES},
        claimed,
    )


def decide(reading: Reading, signals: Mapping[str, Signal], calibration: Calibration) -> dict[str, StageLabel]:
    """Return the label of each target, its confidence still that of the target alone."""
    labels: dict[str, StageLabel] = {}
    # A customer who has not written anything has stated no problem that could be solved, whatever was offered.
    first = next((at for at, message in enumerate(reading.messages) if message.role == CUSTOMER), len(reading.messages))
    for target in LABEL_TARGETS:
        signal = signals[target]
        probability = calibration.probability(target, signal.score)
        least = calibration.least_score(target)
        passing = [
            at for at, score in zip(signal.positions, signal.scores, strict=True) if score >= least and at >= first
        ]
        if target == "solution_accepted":
            passing = _after_proposal(reading, passing, labels["solution_proposed"])
        if target == "resolved" and not labels["problem_identified"].reached:
            # No problem was solved where none was understood: "still here" to a customer who only tests the line.
            passing = []
        if target == "resolved":
            at = _start_of_run(reading, signal.positions, set(passing))
        else:
            at = passing[0] if passing else None
        if at is None:
            labels[target] = StageLabel(
                reached=False, confidence=max(1 - probability, 1 - calibration.thresholds[target])
            )
        else:
            sure = max(probability, calibration.thresholds[target])
            if target == "resolved" and _ends_unsolved(reading):
                sure = _CONTRADICTED_PROBABILITY
            labels[target] = StageLabel(reached=True, confidence=sure, evidence_event_id=reading.messages[at].event_id)
    return labels


def _ends_unsolved(reading: Reading) -> bool:
    """Whether the last thing an agent says, courtesy aside, is that it could not help or did not understand.

    To thanks or a goodbye that was not understood, nothing is left unsolved.
    """
    spoken = [message for message in reading.messages if message.role in {"agent", CUSTOMER}]
    for message, before in zip(reversed(spoken), [*reversed(spoken[:-1]), None], strict=True):
        if message.role == CUSTOMER:
            continue
        text = unwrap(message.content)
        if is_unsolved(text):
            if before is None or before.role != CUSTOMER or not is_courtesy(before.content, reading.cues.language):
                return True
        elif without_courtesy(reading.cues, simplified(text)):
            return False
    return False


def _after_proposal(reading: Reading, passing: Sequence[int], proposed: StageLabel) -> list[int]:
    """Nothing can be accepted before it was proposed."""
    if proposed.evidence_event_id is None:
        return []
    since = next(at for at, message in enumerate(reading.messages) if message.event_id == proposed.evidence_event_id)
    return [at for at in passing if at > since]


def _start_of_run(reading: Reading, positions: Sequence[int], passing: set[int]) -> int | None:
    """Return where the resolved state that lasts to the end began; the agent's word for it if a tool came first."""
    run: list[int] = []
    for at in reversed(positions):
        if at not in passing:
            break
        run.append(at)
    own = [at for at in reversed(run) if reading.messages[at].role != CUSTOMER]
    if not own:
        # Nothing, or an event of the agent's side before there was anything to resolve.
        return None
    spoken = [at for at in own if reading.messages[at].role == "agent"]
    return spoken[0] if spoken else own[0]
