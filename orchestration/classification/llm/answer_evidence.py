"""Whether an answer is believed: every yes must be shown by a message that can show it."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.classification.conversation import Message, StageAnswer, StageLabel
from orchestration.classification.labelled import LABEL_TARGETS
from orchestration.classification.llm.corroboration import Support
from orchestration.classification.llm.excerpt import TOOL_CALLED, Excerpt
from orchestration.classification.llm.schema import Said
from orchestration.configuration.label_stages import STAGES

# Raised with every change of what is believed.
EVIDENCE_VERSION = 1
# A rough guess, not measured: endpoints do not report their confidence.
CONFIDENCE = 0.8
_CLAIMED = "claimed_resolved"
_SIDES: Mapping[str, tuple[str, ...]] = {
    "problem_identified": ("agent", TOOL_CALLED),
    "solution_proposed": ("agent",),
    "solution_accepted": ("customer",),
    "resolved": ("agent", TOOL_CALLED),
    _CLAIMED: ("agent",),
}


class EvidenceRefusedError(ValueError):
    """An answer whose evidence does not exist or is not of the side it must be of; the message names it."""


@dataclass(frozen=True)
class Believed:
    """The labels of an answer, with the words that show each yes by target (verbatim, redacted).

    `kept` are the targets where the answer is not believed and the embedded one stays; `needs_review` if there are any,
    or one is unknown.
    """

    answer: StageAnswer
    quotes: Mapping[str, str]
    kept: tuple[str, ...]

    @property
    def needs_review(self) -> bool:
        """Whether a person should review it."""
        return bool(self.kept) or any(label.reached is None for label in self.answer.labels.values())


def believe(said: Mapping[str, Said], excerpt: Excerpt, support: Support, embedded: StageAnswer) -> Believed:
    """Turn the answer of the model into labels. Raises EvidenceRefusedError when a yes cites what cannot show it.

    `greeted` is a fact and stays as it is. A `no` and an `unknown` need no evidence. A yes for proposed, claimed and
    resolved is believed only where the agent's side alone supports it, one for accepted only after a proposal.
    """
    for target in LABEL_TARGETS:
        if said[target].reached:
            _check_side(target, said[target].reference, excerpt)
    labels: dict[str, StageLabel] = {}
    kept = []
    quotes: dict[str, str] = {}
    for target in LABEL_TARGETS:
        if said[target].reached and not _is_supported(target, said, excerpt, support, labels):
            labels[target] = _label_of(embedded, target)
            kept.append(target)
            continue
        reference = said[target].reference if said[target].reached else None
        event_id = None if reference is None else excerpt.messages[reference].event_id
        labels[target] = StageLabel(
            said[target].reached, CONFIDENCE if said[target].reached is not None else 0.0, event_id
        )
        if reference is not None:
            quotes[target] = excerpt.quote(reference)
    greeted = embedded.labels["greeted"]
    stages = {stage: greeted if stage == "greeted" else labels[stage] for stage in STAGES}
    return Believed(StageAnswer(embedded.conversation_id, stages, labels[_CLAIMED]), quotes, tuple(kept))


def _check_side(target: str, reference: str | None, excerpt: Excerpt) -> None:
    if reference is None:
        raise EvidenceRefusedError(f"{target} is answered yes without a message that shows it")
    message = excerpt.messages.get(reference)
    if message is None:
        raise EvidenceRefusedError(f"{target} cites {reference}, which the conversation does not have")
    if _side(message) not in _SIDES[target]:
        raise EvidenceRefusedError(f"{target} cites {reference}, a message of the {_side(message)}")
    if message.event_type == TOOL_CALLED and message.is_error and target == "resolved":
        raise EvidenceRefusedError(f"{target} cites {reference}, a tool that failed")


def _side(message: Message) -> str:
    return TOOL_CALLED if message.event_type == TOOL_CALLED else message.role


def _is_supported(
    target: str, said: Mapping[str, Said], excerpt: Excerpt, support: Support, labels: Mapping[str, StageLabel]
) -> bool:
    event_id = excerpt.messages[said[target].reference or ""].event_id
    if target == "solution_accepted":
        proposal = labels["solution_proposed"].evidence_event_id
        order = [message.event_id for message in excerpt.messages.values()]
        return proposal in order and order.index(event_id) > order.index(proposal)
    supporting = {
        "solution_proposed": support.solution_proposed,
        "resolved": support.resolved,
        _CLAIMED: support.claimed_resolved,
    }
    return target not in supporting or event_id in supporting[target]


def _label_of(answer: StageAnswer, target: str) -> StageLabel:
    return answer.claimed_resolved if target == _CLAIMED else answer.labels[target]
