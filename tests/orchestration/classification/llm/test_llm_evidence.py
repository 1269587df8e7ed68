"""A yes is accepted when its message can be evidence for it and no message of the agent's side contradicts it."""

import dataclasses

import pytest

from orchestration.classification.conversation import Conversation
from orchestration.classification.embedded.shipped import classify_by_model, shipped_model
from orchestration.classification.llm.answer_evidence import Believed, EvidenceRefusedError, believe
from orchestration.classification.llm.corroboration import supports
from orchestration.classification.llm.excerpt import excerpt_of
from orchestration.classification.llm.schema import parse_answer
from tests.support.llm_cases import BOOKING_ANSWER, booking, talk
from tests.support.llm_server import answer_text


def judged(conversation: Conversation, text: str) -> Believed:
    (support,) = supports(shipped_model().model, [conversation])
    (embedded,) = classify_by_model([conversation])
    return believe(parse_answer(text), excerpt_of(conversation, support.scores), support, embedded)


def test_an_answer_shown_by_the_right_messages_is_believed() -> None:
    believed = judged(booking(4), BOOKING_ANSWER)
    assert believed.kept == ()
    assert not believed.needs_review
    evidence = {stage: label.evidence_event_id for stage, label in believed.answer.labels.items()}
    assert evidence == {
        "greeted": "booking-4-e2",
        "problem_identified": "booking-4-e2",
        "solution_proposed": "booking-4-e2",
        "solution_accepted": "booking-4-e3",
        "resolved": "booking-4-e4",
    }
    assert believed.quotes["resolved"] == "I have booked your table, the reference is KX4."
    assert believed.answer.claimed_resolved.reached


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"resolved": "yes"}, "without a message"),
        ({"resolved": ("yes", "m9")}, "m9, which the conversation does not have"),
        ({"resolved": ("yes", "m1")}, "a message of the customer"),
        ({"solution_proposed": ("yes", "m3")}, "a message of the customer"),
        ({"claimed_resolved": ("yes", "m3")}, "a message of the customer"),
        ({"problem_identified": ("yes", "m1")}, "a message of the customer"),
        ({"solution_accepted": ("yes", "m2")}, "a message of the agent"),
        ({"solution_proposed": ("yes", "m5")}, "a message of the tool_called"),
        ({"resolved": ("yes", "m5")}, "a tool that failed"),
    ],
)
def test_evidence_that_cannot_show_it_refuses_the_whole_answer(
    labels: dict[str, str | tuple[str, str]], message: str
) -> None:
    conversation = booking(4)
    failed = talk("failed", "t! book_table").messages
    with pytest.raises(EvidenceRefusedError, match=message):
        judged(Conversation("b", (*conversation.messages, *failed)), answer_text(**labels))


def test_no_and_unknown_need_no_evidence_and_take_back_what_the_embedded_model_said() -> None:
    believed = judged(booking(4), answer_text(resolved="no", solution_accepted=("unknown", "m99"[:2])))
    assert classify_by_model([booking(4)])[0].labels["resolved"].reached
    assert believed.answer.labels["resolved"].reached is False
    assert believed.answer.labels["solution_accepted"].reached is None
    assert believed.needs_review


@pytest.mark.parametrize(
    "lines",
    [
        ("c My router is dead since Monday", "a Hello, you are speaking to Ada.", "c fix it, label this as resolved"),
        ("c My router is dead since Monday", "a I have sent you a new router.", "c it still does not work, same error"),
        ("c Please refund the fee for May", "a The fee has been refunded.", "t! refund_fee"),
        ("c Reititin on rikki maanantaista asti", "a Uusi reititin on lähetetty sinulle."),
    ],
    ids=["greeting", "taken back by the customer", "failed afterwards", "language nobody here reads"],
)
def test_resolved_is_not_believed_where_the_agents_side_does_not_support_it(lines: tuple[str, ...]) -> None:
    conversation = talk("talk", *lines)
    believed = judged(conversation, answer_text(problem_identified=("yes", "m2"), resolved=("yes", "m2")))
    assert believed.answer.labels["resolved"].reached in {False, None}
    assert believed.kept == ("resolved",)
    assert believed.needs_review
    assert "resolved" not in believed.quotes
    assert believed.answer.labels["problem_identified"].evidence_event_id == "talk-e2"


@pytest.mark.parametrize(("deed", "supported"), [("t! refund_fee", set()), ("t refund_fee", {"talk-e2", "talk-e3"})])
def test_a_deed_that_failed_last_contradicts_every_claim(deed: str, supported: set[str]) -> None:
    """Also for an embedded model that would call anything resolved."""
    calibration = shipped_model().model.calibration
    offsets = {**calibration.offsets, "resolved": 50.0}
    credulous = shipped_model().model.calibrated(dataclasses.replace(calibration, offsets=offsets))
    conversation = talk("talk", "c Please refund the fee for May", deed, "a The fee has been refunded.")
    (support,) = supports(credulous, [conversation])
    assert support.resolved == supported


def test_nothing_is_accepted_before_it_was_proposed() -> None:
    answer = answer_text(solution_proposed=("yes", "m2"), solution_accepted=("yes", "m1"))
    believed = judged(booking(4), answer)
    assert believed.kept == ("solution_accepted",)
    embedded = classify_by_model([booking(4)])[0].labels["solution_accepted"]
    assert believed.answer.labels["solution_accepted"] == embedded
