"""How much of a tool's result a message of the agent repeats, and how that changes the class of the message."""

import json

import numpy as np
import pytest

from orchestration.classification.acts import AGENT_ACTS
from orchestration.classification.conversation import Message
from orchestration.classification.embedded.context import AGENT_WIDTH, dense_rows
from orchestration.classification.embedded.cue_flags import AGENT_FLAGS
from orchestration.classification.embedded.grounding import told_share

BALANCE = json.dumps({"account": "checking", "balance": 812.4, "branch": "North Quay", "open": True})
_ANSWER, _OFFER, _CLAIM = (AGENT_ACTS.index(act) for act in ("answer", "offer", "claim"))
_FAILS, _OFFERS = (len(AGENT_ACTS) + AGENT_FLAGS.index(flag) for flag in ("fails", "offers"))


@pytest.mark.parametrize(
    ("text", "results", "share"),
    [
        # Words of the result: checking, 812, 4, north, quay. A value is repeated when all its words occur.
        ("there are 812.4 in your checking account", [BALANCE], 3 / 5),
        ("at our north quay branch there are 812.4 in your checking account", [BALANCE], 1.0),
        ("the branch in the north has it", [BALANCE], 0.0),
        # Two words of a result that has no more are not enough: four are.
        ("all good at north quay", ['{"branch": "North Quay"}'], 2 / 4),
        # Of a long result six words are enough.
        ("take one tablet with water in the morning", ["Take one tablet with water in the morning, then rest"], 0.0),
        (
            "the leaflet says: take one tablet with water before noon",
            [
                json.dumps(
                    {"note": "Take one tablet with water before noon", "author": "Dr Lund", "page": 3, "set": "b"}
                )
            ],
            1.0,
        ),
        ("checking", ["[]", BALANCE], 1 / 5),
        ("checking", ["[]"], 0.0),
        ("", [BALANCE], 0.0),
        # Several rows are a choice, and repeating one of them is an offer.
        ("there are 812.4 in your checking account", [f"[{BALANCE}, {BALANCE}]"], 0.0),
        ("there are 812.4 in your checking account", [f"[{BALANCE}]"], 3 / 5),
        ("true", [BALANCE], 0.0),
        # Nested deeper than any real result: taken for text, and no run fails because of it.
        *(("hello", ["[" * depth + '"hello"' + "]" * depth], 1 / 4) for depth in (5, 150, 900, 1_900)),
        # What is longer than 4,000 characters is not searched.
        ("812.4 checking north quay", [BALANCE + " " * 4_000], 0.0),
    ],
)
def test_told_words_are_counted(text: str, results: list[str], share: float) -> None:
    assert told_share(text, results) == pytest.approx(share)


def _acts_after(tool: Message, text: str, **said: float) -> np.ndarray:
    vector = np.zeros(AGENT_WIDTH)
    for name, value in said.items():
        vector[(*AGENT_ACTS, *AGENT_FLAGS).index(name)] = value
    agent = Message("e-2", "agent_message", "agent", text, 2)
    return dense_rows((tool, agent), (np.zeros(0), vector))[1]


def _tool(*, is_error: bool = False) -> Message:
    return Message("e-1", "tool_called", "tool", BALANCE, 1, "get_balance", is_error=is_error)


TOLD = "At our North Quay branch there are 812.4 in your checking account."


@pytest.mark.parametrize(
    ("text", "said", "answer", "offer"),
    [
        (TOLD, {"answer": 0.1, "offer": 0.6}, 1.0, 0.0),
        # A message worded as an offer stays an offer; questions keep their class.
        (TOLD, {"answer": 0.1, "offer": 0.6, "offers": 1.0}, 1.0, 0.6),
        (TOLD, {"answer": 0.1, "offer": 0.6, "asks": 1.0}, 0.1, 0.6),
        # A failure or a claim in the words of the result is no answer.
        (TOLD, {"answer": 0.1, "fails": 1.0}, 0.1, 0.0),
        (TOLD, {"answer": 0.1, "failure": 0.75}, 0.25, 0.0),
        (TOLD, {"answer": 0.1, "claim": 0.5}, 0.5, 0.0),
        ("Let me see.", {"answer": 0.1, "offer": 0.6}, 0.1, 0.6),
        ('{"message": "' + TOLD + '"}', {"answer": 0.1, "offer": 0.6}, 1.0, 0.0),
    ],
)
def test_what_is_told_from_the_books_is_an_answer(
    text: str, said: dict[str, float], answer: float, offer: float
) -> None:
    row = _acts_after(_tool(), text, **said)
    assert (row[_ANSWER], row[_OFFER]) == pytest.approx((answer, offer))


def test_what_a_failed_call_gave_is_not_told() -> None:
    assert _acts_after(_tool(is_error=True), TOLD, answer=0.1)[_ANSWER] == pytest.approx(0.1)


def test_a_result_is_told_by_the_next_message_only() -> None:
    messages = (_tool(), *(Message(f"e-{seq}", "agent_message", "agent", TOLD, seq) for seq in (2, 3)))
    rows = dense_rows(messages, (np.zeros(0), np.zeros(AGENT_WIDTH), np.zeros(AGENT_WIDTH)))
    assert [row[_ANSWER] for row in rows[1:]] == [1.0, 0.0]
