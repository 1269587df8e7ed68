"""Reads the hand-written cases of message labels and the labels that a labeller gives them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import yaml

from orchestration.classification.conversation import Message
from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.classification.messages.labeller import MessageLabeller, languages_of
from orchestration.configuration.taxonomy import KINDS, Kind

# The borders that the authors of the lexicon give.
_NEUTRAL_BELOW = 0.05


@dataclass(frozen=True)
class MessageCase:
    """A text and its labels, by kind and `sentiment`; of `known_misses` the answer is wrong."""

    text: str
    language: str
    expected: Mapping[str, str]
    known_misses: frozenset[str]


def read_message_cases(name: str) -> list[MessageCase]:
    """Return the cases of orchestration/classification/evaluation/golden/<name>.yml."""
    content = yaml.safe_load((GOLDEN / f"{name}.yml").read_text(encoding="utf-8"))
    return [
        MessageCase(
            case["text"],
            case["language"],
            {what: case[what] for what in (*KINDS, "sentiment") if what in case},
            frozenset(case.get("known_miss", ())),
        )
        for case in content["cases"]
    ]


def answers(labeller: MessageLabeller, case: MessageCase) -> dict[str, str]:
    """Return the labels that the labeller gives a text on its own, for everything the case names."""
    (language,) = languages_of([Message("1", "user_message", "customer", case.text, 1)])
    said = labeller.label(case.text, language if language is not None else _stated(case))
    found = {kind: said.shown[cast("Kind", kind)].label for kind in case.expected if kind != "sentiment"}
    return found | ({"sentiment": sentiment_of(said.sentiment)} if "sentiment" in case.expected else {})


def sentiment_of(sentiment: float | None) -> str:
    """Return the sign of a sentiment in words."""
    if sentiment is None:
        return "unknown"
    if abs(sentiment) < _NEUTRAL_BELOW:
        return "neutral"
    return "positive" if sentiment > 0 else "negative"


def kinds_of(cases: list[MessageCase]) -> Iterator[tuple[MessageCase, str]]:
    """Yield every question that the cases put."""
    return ((case, what) for case in cases for what in case.expected)


def _stated(case: MessageCase) -> str | None:
    """Return the language of a text too short to tell by itself, as its conversation would."""
    return None if case.language == "it" else case.language
