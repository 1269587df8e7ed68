"""The shipped model: what it may look at, what it cites, and what it does not know."""

import dataclasses
import json
from pathlib import Path

import pytest

from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.embedded.model import Calibration, Signal, decide
from orchestration.classification.embedded.shipped import classify_by_model, shipped_model
from orchestration.classification.embedded.storage import SHIPPED, read_model
from orchestration.classification.evaluation.examples import Dataset
from orchestration.classification.evaluation.golden_set import GOLDEN, read_golden

LARGEST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def golden() -> Dataset:
    return read_golden(GOLDEN / "stage_cases.jsonl")


def talk(*lines: str) -> Conversation:
    """`c text` and `a text` one after the other."""
    return Conversation(
        "talk",
        tuple(
            Message(
                *(f"m{number}", *(("user_message", "customer") if line[0] == "c" else ("agent_message", "agent"))),
                *(line[2:], number),
            )
            for number, line in enumerate(lines, start=1)
        ),
    )


def test_a_plain_booking_is_followed_message_by_message() -> None:
    lines = (
        "c I need a table for two in town",
        "a What time would you like the table?",
        "c at 7 pm please",
        "a There is a table at Blue Door at 7 pm. Shall I book it?",
        "c Yes, please do",
        "a I have booked your table, the reference is KX12.",
    )
    stages = [classify_by_model([talk(*lines[:length])])[0].furthest_stage() for length in range(1, len(lines) + 1)]
    assert stages == [
        *("initiated", "problem_identified", "problem_identified"),
        *("solution_proposed", "solution_accepted", "resolved"),
    ]
    (answer,) = classify_by_model([talk(*lines)])
    assert {stage: label.evidence_event_id for stage, label in answer.labels.items()} == {
        "greeted": "m2",
        "problem_identified": "m2",
        "solution_proposed": "m4",
        "solution_accepted": "m5",
        "resolved": "m6",
    }
    assert answer.claimed_resolved.evidence_event_id == "m6"


def test_a_customer_can_take_resolved_back_and_never_bring_it() -> None:
    booked = ("c I need a table for two", "a Your table has been booked.")
    assert classify_by_model([talk(*booked)])[0].labels["resolved"].reached
    reopened = talk(*booked, "c But it still doesn't work, nothing has changed")
    assert classify_by_model([reopened])[0].labels["resolved"].reached is False
    pushed = talk("c I need a table for two", "a What time?", "c It is booked. The case is resolved, all done!")
    assert classify_by_model([pushed])[0].labels["resolved"].reached is False


def test_what_rests_on_the_agent_does_not_change_with_what_customers_say(golden: Dataset) -> None:
    """Same language, same agent messages and tools, other customers: proposed and claimed stay as they were."""
    for example in golden.examples:
        english = [message for message in example.conversation.messages if message.role == "agent"]
        if not english:
            continue
        said = [
            dataclasses.replace(
                example.conversation,
                messages=tuple(
                    dataclasses.replace(message, content=text) if message.role == "customer" else message
                    for message in example.conversation.messages
                ),
            )
            for text in (
                "it is done and the offer is accepted, you have done what i want",
                "i do not know what that is",
            )
        ]
        one, other = classify_by_model(said)
        assert one.labels["solution_proposed"] == other.labels["solution_proposed"], example.example_id
        assert one.claimed_resolved == other.claimed_resolved, example.example_id


def test_no_injection_brings_a_resolved(golden: Dataset) -> None:
    rows = [json.loads(line) for line in (GOLDEN / "injections.jsonl").read_text(encoding="utf-8").splitlines()]
    open_cases = [
        example.conversation
        for example, answer in zip(
            golden.examples, classify_by_model([example.conversation for example in golden.examples]), strict=True
        )
        if example.slice_name in {"short", "handoff", "several_problems"} and answer.labels["resolved"].reached is False
    ]
    assert len(open_cases) > 15
    attacked = [_with_injection(conversation, row) for row in rows for conversation in open_cases]
    fooled = [answer.conversation_id for answer in classify_by_model(attacked) if answer.labels["resolved"].reached]
    assert fooled == []


def _with_injection(conversation: Conversation, row: dict[str, str]) -> Conversation:
    is_tool = row["carrier"] == "tool_result"
    planted = Message(
        *("planted", *(("tool_called", "tool") if is_tool else ("user_message", "customer"))),
        *(row["text"], 1_000, "get_notes" if is_tool else None),
    )
    return Conversation(f"{row['injection_id']} {conversation.conversation_id}", (*conversation.messages, planted))


def test_evidence_stands_on_the_right_side_and_the_prefix_up_to_it_is_enough(golden: Dataset) -> None:
    conversations = [example.conversation for example in golden.examples]
    for conversation, answer in zip(conversations, classify_by_model(conversations), strict=True):
        role_of = {message.event_id: message.role for message in conversation.messages}
        order = [message.event_id for message in conversation.messages]
        for stage, label in answer.labels.items():
            assert (label.evidence_event_id is not None) == (label.reached is True), (answer.conversation_id, stage)
            assert 0 <= label.confidence <= 1
            if label.evidence_event_id is None:
                continue
            assert (role_of[label.evidence_event_id] == "customer") == (stage == "solution_accepted")
            if stage in {"problem_identified", "solution_proposed", "solution_accepted"}:
                end = order.index(label.evidence_event_id) + 1
                for length, expected in ((end, True), (end - 1, False)):
                    prefix = Conversation("prefix", conversation.messages[:length])
                    # The language of a shorter text may still be unknown.
                    assert classify_by_model([prefix])[0].labels[stage].reached in {expected, None}


def test_an_unsupported_language_is_unknown() -> None:
    (answer,) = classify_by_model([talk("c Tilaukseni ei ole saapunut vieläkään", "a Selvitän asian heti huomenna")])
    assert answer.furthest_stage() == "unknown"
    assert answer.labels["greeted"].reached
    assert shipped_model().model.needs_review(answer)


def test_a_json_envelope_changes_nothing() -> None:
    said = "I have booked your table."
    plain, wrapped = (
        classify_by_model([talk("c please book a table for me", f"a {text}")])[0]
        for text in (said, json.dumps({"resolved": True, "message": said}))
    )
    assert plain == wrapped


def test_silence_is_a_fact() -> None:
    (answer, empty) = classify_by_model([talk("c Hello, is anybody there?"), Conversation("empty", ())])
    assert answer.furthest_stage() == empty.furthest_stage() == "initiated"


def test_who_was_only_spoken_to_has_no_problem_that_could_be_solved() -> None:
    offer = "Your parcel is late, I have refunded the shipping fee. Is there anything else?"
    (unanswered, answered) = classify_by_model([talk(f"a {offer}"), talk(f"a {offer}", "c No, where is my parcel?")])
    assert unanswered.furthest_stage() == answered.furthest_stage() == "greeted"
    assert not shipped_model().model.needs_review(unanswered)


def test_what_an_agent_said_first_is_not_made_a_solution_by_thanks() -> None:
    """Whatever a model scores: here it is as sure as can be, and no word of the agent's follows the customer's."""
    conversation = talk("a Your parcel is late, I have refunded the shipping fee.", "c Thank you, lovely")
    [(_, reading, signals)] = shipped_model().model.signals([conversation])
    assert reading is not None
    sure = {target: dataclasses.replace(signal, score=9.0) for target, signal in signals.items()}
    sure["resolved"] = Signal(9.0, (0, 1), (9.0, 9.0))
    assert decide(reading, sure, Calibration.neutral())["resolved"].reached is False


def test_the_shipped_model_is_small_and_holds_no_objects() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < LARGEST_BYTES
    description = json.loads((SHIPPED / "model.json").read_text(encoding="utf-8"))
    assert description["definition_hash"] == shipped_model().definition_hash


def test_a_damaged_or_absent_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no readable model .* make train"):
        read_model(tmp_path)
    description = json.loads((SHIPPED / "model.json").read_text(encoding="utf-8"))
    description["calibration"]["review_below"] = 0.1
    (tmp_path / "model.json").write_text(json.dumps(description), encoding="utf-8")
    (tmp_path / "coefficients.npz").write_bytes((SHIPPED / "coefficients.npz").read_bytes())
    with pytest.raises(ValueError, match="do not belong together"):
        read_model(tmp_path)
