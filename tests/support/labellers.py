"""Classifiers that tests put in the place of the shipped ones."""

from collections.abc import Sequence
from dataclasses import replace

from orchestration.labelling.conversation import Conversation, StageAnswer, StageLabel
from orchestration.labelling.ledger.labellers import Labeller, rules_labeller


class BrokeOffError(Exception):
    """What a classifier raises that was told to break."""


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
