"""What is known of a conversation while it runs: rules and the embedded model, no network, milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from orchestration.classification.conversation import Classifier, Conversation, Message, StageAnswer
from orchestration.classification.embedded.shipped import classify_by_model
from orchestration.classification.misunderstandings import (
    SIGNALS,
    Misunderstanding,
    Signal,
    exchanges_of,
    misunderstanding_of,
)

EXCHANGES = 3


@dataclass(frozen=True)
class PrefixAnswer:
    """What a conversation has reached so far, and whether the agent is getting anywhere.

    `stages` is the classifier's answer for the whole prefix, `exchanges` counts the customer's turns with an answer.
    `is_unidentified_after_three_exchanges`: after three or more of them the agent has not shown which problem it is;
    None where the language is none of the classifier's and not every exchange was misunderstood. `signal` names what
    shows it, `no_stage` when nothing but the stages do; `evidence_event_id` is the last event that shows the signal.
    Both None unless unidentified, the event also with `no_stage`.
    """

    stages: StageAnswer
    exchanges: int
    is_unidentified_after_three_exchanges: bool | None
    signal: Signal | Literal["no_stage"] | None = None
    evidence_event_id: str | None = None


def classify_prefix(messages: Sequence[Message], classify: Classifier = classify_by_model) -> PrefixAnswer:
    """Answer for the messages of one conversation up to now, oldest first; without any, nothing has been reached.

    `messages` holds texts as they were written (`role` customer or agent), tool calls (`role` tool) and, where the
    agent reports it, `fallback_triggered` events (`role` system), each with an `event_id` of its own. `classify` may be
    the warehouse's own model: `embedded_labeller(home.model).classify`. Raises ValueError when an event_id comes twice
    or a `seq` goes back.
    """
    ids = [message.event_id for message in messages]
    if len(set(ids)) < len(ids):
        raise ValueError("an event_id comes twice: evidence could be either message")
    if any(later.seq < earlier.seq for earlier, later in pairwise(messages)):
        raise ValueError("the messages are not in their order: seq goes back")
    conversation = Conversation("", tuple(messages))
    stages = classify([conversation])[0]
    exchanges = exchanges_of(messages)
    if len(exchanges) < EXCHANGES:
        return PrefixAnswer(stages, len(exchanges), is_unidentified_after_three_exchanges=False)
    missed = [misunderstanding_of(one, after) for one, after in zip(exchanges, [*exchanges[1:], None], strict=True)]
    # The text of an agent that has not understood shows no problem, however much it sounds like it.
    unheard = {
        message.event_id
        for one, miss in zip(exchanges, missed, strict=True)
        if miss is not None
        for message in one.agent
    }
    heard = stages
    if unheard:
        rest = tuple(message for message in messages if message.event_id not in unheard)
        heard = classify([Conversation("", rest)])[0]
    found = [miss for miss in missed if miss is not None]
    is_identified = heard.labels["problem_identified"].reached
    if is_identified is None and len(found) == len(exchanges):
        is_identified = False
    if is_identified is not False:
        return PrefixAnswer(stages, len(exchanges), None if is_identified is None else False)
    strongest = _strongest(found)
    if strongest is None:
        return PrefixAnswer(stages, len(exchanges), True, "no_stage")
    return PrefixAnswer(stages, len(exchanges), True, strongest.signal, strongest.event_id)


def _strongest(found: Sequence[Misunderstanding]) -> Misunderstanding | None:
    """Return the last misunderstanding of the most reliable signal."""
    for signal in SIGNALS:
        of_signal = [one for one in found if one.signal == signal]
        if of_signal:
            return of_signal[-1]
    return None
