"""What the agent's side alone makes possible: no word of a customer, and no answer of an LLM, reaches these sets.

A customer can only shrink them: a complaint takes `resolved` back, and so does a language that cannot be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.classification.conversation import Conversation
from orchestration.classification.embedded.batches import CUSTOMER, Reading
from orchestration.classification.embedded.model import Model, Signal
from orchestration.classification.llm.excerpt import TOOL_CALLED
from orchestration.classification.rules import NEUTRAL_TOOL

# From here on a message is possible evidence. On the golden set this keeps 89 of 96 true proposals.
_LEAST_PROBABILITY = 0.1
_EVEN_ODDS = 0.5


@dataclass(frozen=True)
class Support:
    """The events (ids) that may show a target, and the weight of each event (0..1) for choosing what is sent."""

    resolved: frozenset[str] = frozenset()
    solution_proposed: frozenset[str] = frozenset()
    claimed_resolved: frozenset[str] = frozenset()
    scores: Mapping[str, float] = field(default_factory=dict)


def supports(model: Model, conversations: Sequence[Conversation]) -> list[Support]:
    """Return what each conversation supports; nothing where no shipped language fits."""
    return [
        Support() if reading is None else _support(model, reading, signals)
        for _, reading, signals in model.signals(conversations)
    ]


def _support(model: Model, reading: Reading, signals: Mapping[str, Signal]) -> Support:
    by_target = {target: _probabilities(model, target, signal) for target, signal in signals.items()}
    scores: dict[str, float] = {}
    for probabilities in by_target.values():
        for at, probability in probabilities.items():
            name = reading.messages[at].event_id
            scores[name] = max(probability, scores.get(name, 0.0))
    return Support(
        resolved=_resolving(model, reading, by_target["resolved"]),
        solution_proposed=_possible(reading, by_target["solution_proposed"]),
        claimed_resolved=_possible(reading, by_target["claimed_resolved"]),
        scores=scores,
    )


def _probabilities(model: Model, target: str, signal: Signal) -> dict[int, float]:
    return {
        at: model.calibration.probability(target, score)
        for at, score in zip(signal.positions, signal.scores, strict=True)
    }


def _possible(reading: Reading, probabilities: Mapping[int, float]) -> frozenset[str]:
    return frozenset(
        reading.messages[at].event_id
        for at, probability in probabilities.items()
        if reading.messages[at].role == "agent" and probability >= _LEAST_PROBABILITY
    )


def _resolving(model: Model, reading: Reading, probabilities: Mapping[int, float]) -> frozenset[str]:
    """Return the events since which it is resolved to the end, for the embedded model and for the tools.

    No lower threshold than its own, and none below even odds, where greetings and "still here" stand on the golden set:
    that is what an answer that obeys an injection would cite.
    """
    least = max(model.calibration.thresholds["resolved"], _EVEN_ODDS)
    deeds = [
        message
        for message in reading.messages
        if message.event_type == TOOL_CALLED and not NEUTRAL_TOOL.search((message.tool_name or "").lower())
    ]
    if deeds and deeds[-1].is_error:
        return frozenset()
    found = set()
    for at in sorted(probabilities, reverse=True):
        if probabilities[at] < least:
            break
        if reading.messages[at].role != CUSTOMER and not reading.messages[at].is_error:
            found.add(reading.messages[at].event_id)
    return frozenset(found)
