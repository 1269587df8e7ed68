"""Classifiers that tests put in the place of the shipped ones."""

from collections.abc import Sequence
from dataclasses import replace

from orchestration.classification.conversation import Conversation, StageAnswer, StageLabel
from orchestration.classification.messages.labeller import MessageLabeller, MessageLabels
from orchestration.classification.messages.phrase_matching import NOTHING
from orchestration.configuration.label_stages import STAGES
from orchestration.ledger.labellers import Labeller, rules_labeller


class BrokeOffError(Exception):
    """The error of a classifier that is made to break."""


def breaking(labeller: Labeller, after_batches: int) -> Labeller:
    """Return a labeller that answers so many batches and then breaks."""
    answered = 0

    def classify(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        nonlocal answered
        if answered == after_batches:
            raise BrokeOffError("the classifier broke")
        answered += 1
        return labeller.classify(conversations)

    return replace(labeller, classify=classify)


def breaking_on_messages(labeller: MessageLabeller, after_messages: int) -> MessageLabeller:
    """Return a labeller that labels so many messages and then breaks."""
    labelled = 0

    def label(text: str, language: str | None, before: str | None = None, /) -> MessageLabels:
        nonlocal labelled
        if labelled == after_messages:
            raise BrokeOffError("the labelling of messages broke")
        labelled += 1
        return labeller.label(text, language, before)

    return replace(labeller, label=label)


def doubting_messages(labeller: MessageLabeller) -> MessageLabeller:
    """Return another definition of a labeller: it reads sentiments and rephrases the other way and no intent."""

    def label(text: str, language: str | None, before: str | None = None, /) -> MessageLabels:
        labels = labeller.label(text, language, before)
        sentiment = None if labels.sentiment is None else -labels.sentiment
        said = None if labels.said is None else replace(labels.said, is_rephrase=not labels.said.is_rephrase)
        return replace(labels, sentiment=sentiment, shown={**labels.shown, "intent": NOTHING}, said=said)

    return replace(labeller, definition_hash="e" * 64, label=label)


def doubting_labeller() -> Labeller:
    """Return another definition of the rules: it believes no agent and takes every concern for identified late."""
    rules = rules_labeller()

    def doubted(conversation: Conversation, answer: StageAnswer) -> StageAnswer:
        agents = [message for message in conversation.messages if message.role == "agent"]
        labels = dict(answer.labels) | {"resolved": StageLabel(reached=False, confidence=0.6)}
        if agents:
            labels["problem_identified"] = StageLabel(True, 0.6, agents[-1].event_id)
        return replace(answer, labels=labels)

    def classify(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        return [doubted(one, answer) for one, answer in zip(conversations, rules.classify(conversations), strict=True)]

    return replace(rules, model="doubting rules", definition_hash="d" * 64, classify=classify)


def undecided_labeller() -> Labeller:
    """Return one that knows nothing of stages: the stages of the warehouse then come from events alone."""

    def classify(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        unknown = StageLabel(reached=None, confidence=0.0)
        return [StageAnswer(one.conversation_id, dict.fromkeys(STAGES, unknown), unknown) for one in conversations]

    return replace(rules_labeller(), model="undecided", definition_hash="f" * 64, classify=classify)
