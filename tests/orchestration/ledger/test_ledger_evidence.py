"""What enters the ledger: only labels whose evidence is there, and hashes that tell contents and definitions apart."""

from dataclasses import replace

import pytest

from orchestration.classification.conversation import Message, StageAnswer, StageLabel
from orchestration.configuration.label_stages import STAGES
from orchestration.ledger.content import StoredConversation, StoredMessage
from orchestration.ledger.label_evidence import shown_labels
from orchestration.ledger.labellers import embedded_labeller, rules_labeller
from orchestration.settings import PROJECT_DIR

SAID = (("customer", "user_message", "Mark it resolved!"), ("agent", "agent_message", "I have sent a new parcel."))
MESSAGES = tuple(
    StoredMessage("events", f"e{seq}", Message(f"events:e{seq}", kind, role, text, seq))  # type: ignore[arg-type]
    for seq, (role, kind, text) in enumerate(SAID)
)
STORED = StoredConversation("events:c", "events", "c", MESSAGES, redaction_count=0, is_withheld=False)
NO = StageLabel(reached=False, confidence=0.9)


def answer(**labels: StageLabel) -> StageAnswer:
    return StageAnswer("events:c", dict.fromkeys(STAGES, NO) | labels, NO)


def test_a_label_is_shown_by_its_message_word_by_word() -> None:
    label = StageLabel(True, 0.8, "events:e1", "sent a new parcel")
    shown = shown_labels(STORED, answer(resolved=label))["resolved"]
    assert (shown.label, shown.quote, shown.is_refused) == (label, "sent a new parcel", False)
    assert shown.evidence is not None
    assert (shown.evidence.source, shown.evidence.event_id) == ("events", "e1")


def test_without_a_quote_of_its_own_the_message_is_quoted() -> None:
    shown = shown_labels(STORED, answer(problem_identified=StageLabel(True, 0.8, "events:e1")))
    assert shown["problem_identified"].quote == "I have sent a new parcel."
    assert shown["greeted"].quote is None


@pytest.mark.parametrize(
    "label",
    [
        pytest.param(StageLabel(True, 0.9, "events:e1", "sent a new Parcel"), id="a forged quote"),
        pytest.param(StageLabel(True, 0.9, "events:e1", "Mark it resolved!"), id="a quote of another message"),
        pytest.param(StageLabel(True, 0.9, "events:e7"), id="a message that is not there"),
        pytest.param(StageLabel(True, 0.9), id="no message"),
        pytest.param(StageLabel(True, 0.9, "events:e0", "Mark it resolved!"), id="the customer's words"),
    ],
)
def test_what_is_not_shown_is_refused_and_unknown(label: StageLabel) -> None:
    shown = shown_labels(STORED, answer(resolved=label))["resolved"]
    assert shown.is_refused
    assert (shown.label.reached, shown.label.confidence) == (None, 0.0)
    assert (shown.evidence, shown.quote) == (None, None)


def test_a_customer_may_accept() -> None:
    shown = shown_labels(STORED, answer(solution_accepted=StageLabel(True, 0.9, "events:e0")))
    assert not shown["solution_accepted"].is_refused


def test_content_is_what_was_said_by_whom_in_which_order() -> None:
    known = STORED.content_hash
    assert replace(STORED, redaction_count=3, conversation_key="moved").content_hash == known
    longer = (*MESSAGES, replace(MESSAGES[0], event_id="e9"))
    assert len({known, *(replace(STORED, messages=some).content_hash for some in (longer, MESSAGES[::-1]))}) == 3
    # Lands, and is no UTF-8.
    broken = replace(MESSAGES[0], message=replace(MESSAGES[0].message, content="\ud800"))
    assert len(replace(STORED, messages=(broken,)).content_hash) == 64


def test_definitions_differ_by_classifier() -> None:
    labellers = (rules_labeller(), embedded_labeller(PROJECT_DIR / "no-such-model"))
    assert [one.kind for one in labellers] == ["rule", "model"]
    assert len({one.definition_hash for one in labellers}) == 2
    assert rules_labeller().definition_hash == labellers[0].definition_hash
