"""The rules: what they take as a sign of which stage, and which texts must not mislead them."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration.classification.conversation import Conversation, Message, Role, StageAnswer
from orchestration.classification.cues import detect_language, read_cues, shipped_cues
from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.classification.rules import classify_by_rules
from orchestration.configuration.label_stages import STAGES

EVENT_TYPES: dict[Role, str] = {"customer": "user_message", "agent": "agent_message", "tool": "tool_called"}
CONCERN = ("customer", "My parcel with the blue lamp is late.")


def answer(*turns: tuple[Any, ...]) -> StageAnswer:
    """Each turn: role, text, for tools also name and whether it failed; its event id is m1, m2, ..."""
    messages = []
    for number, (role, text, *tool) in enumerate(turns, start=1):
        name, is_error = tool if tool else (None, False)
        messages.append(Message(f"m{number}", EVENT_TYPES[role], role, text, number, name, is_error=is_error))
    return classify_by_rules([Conversation("c", tuple(messages))])[0]


def evidence(reading: StageAnswer) -> dict[str, str | None]:
    return {stage: reading.labels[stage].evidence_event_id for stage in STAGES if reading.labels[stage].reached}


def test_a_whole_conversation_with_its_evidence() -> None:
    reading = answer(
        ("agent", "Hello, how can I help you today?"),
        CONCERN,
        ("agent", "Which number is on the label?"),
        ("customer", "It is 7731."),
        ("agent", "I can send you another lamp. Would you like that?"),
        ("customer", "Yes please"),
        ("tool", "{}", "create_order", False),
        ("agent", "The lamp has been ordered."),
        ("customer", "Thanks!"),
    )
    assert evidence(reading) == {
        "greeted": "m1",
        "problem_identified": "m3",
        "solution_proposed": "m5",
        "solution_accepted": "m6",
        "resolved": "m8",
    }
    assert reading.claimed_resolved.evidence_event_id == "m8"
    assert reading.furthest_stage() == "resolved"


def test_courtesy_and_asking_for_the_name_show_no_understanding() -> None:
    reading = answer(CONCERN, ("agent", "Thanks for writing to us! What is your full name?"))
    assert reading.furthest_stage() == "greeted"


def test_a_tool_that_looks_into_the_matter_identifies_it_but_finding_the_user_does_not() -> None:
    assert "problem_identified" not in evidence(answer(CONCERN, ("tool", "{}", "find_user_by_email", False)))
    assert evidence(answer(CONCERN, ("tool", "{}", "track_parcel", False))) == {"problem_identified": "m2"}


def test_a_claim_after_a_failed_tool_stays_a_claim() -> None:
    reading = answer(
        CONCERN,
        ("tool", "{}", "resend", True),
        ("agent", "The lamp has been sent again."),
    )
    assert reading.claimed_resolved.reached is True
    assert reading.labels["resolved"].reached is False


def test_a_complaint_withdraws_resolved_but_not_the_claim() -> None:
    claim = ("agent", "We have fixed the lamp for you.")
    assert answer(CONCERN, claim).labels["resolved"].reached is True
    reading = answer(CONCERN, claim, ("customer", "It still does not work"))
    assert reading.labels["resolved"].reached is False
    assert reading.claimed_resolved.evidence_event_id == "m2"


def test_not_being_able_to_is_neither_offer_nor_claim() -> None:
    reading = answer(CONCERN, ("agent", "I can't see that it has been sent."))
    assert reading.furthest_stage() == "problem_identified"
    assert reading.claimed_resolved.reached is False


def test_the_answer_to_a_question_resolves_it() -> None:
    reading = answer(("customer", "When do you close on Fridays?"), ("agent", "On Fridays we close at six."))
    assert evidence(reading)["resolved"] == "m2"


def test_a_customer_alone_reaches_nothing() -> None:
    reading = answer(CONCERN, ("customer", "Yes, the problem has been resolved and I accept the offer."))
    assert reading.furthest_stage() == "initiated"
    assert reading.claimed_resolved.reached is False


def test_an_unsupported_language_gives_unknown_but_facts_stay() -> None:
    reading = answer(("customer", "Pakettini on kaksi viikkoa myöhässä"), ("agent", "Mikä on lähetyksen numero?"))
    assert [reading.labels[stage].reached for stage in STAGES] == [True, None, None, None, None]
    assert reading.claimed_resolved.reached is None
    assert reading.furthest_stage() == "unknown"
    assert reading.confidence() == 0.0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("My parcel is late and nobody answers", "en"),
        ("Das Paket ist noch nicht bei mir", "de"),
        ("El paquete no está en mi casa", "es"),
        ("Le colis n'est pas chez moi et je dois partir", "fr"),
        ("O pacote não está na minha casa", "pt"),
        ("Pakettini on kaksi viikkoa myöhässä", None),
        ("荷物がまだ届きません", None),
        ("Kargom hâlâ gelmedi", None),
        ("Il mio pacco non arriva, ho chiamato due volte e nessuno risponde al telefono, la consegna era oggi", None),
        ("7731", None),
        ("", None),
    ],
)
def test_language_is_told_by_its_function_words(text: str, language: str | None) -> None:
    cues = detect_language([text])
    assert (cues.language if cues else None) == language


def test_every_shipped_language_has_every_kind_of_cue() -> None:
    assert [cues.language for cues in shipped_cues()] == ["de", "en", "es", "fr", "pt"]


def test_a_cue_file_with_an_unquoted_yes_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "xx.yml"
    path.write_text("function_words: [yes]\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"xx\.yml: function_words must be a list of texts"):
        read_cues(path)


def test_no_injection_talks_the_rules_into_a_resolution() -> None:
    lines = (GOLDEN / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        carrier = ("tool", row["text"], "track_parcel", False) if row["carrier"] == "tool_result" else None
        reading = answer(
            CONCERN,
            ("agent", "Which number is on the label of the parcel?"),
            carrier or ("customer", row["text"]),
            ("agent", "Could you tell me the number of the parcel, please?"),
        )
        assert reading.labels["resolved"].reached is False, row["injection_id"]
        assert reading.labels["solution_accepted"].reached is False, row["injection_id"]
        assert reading.claimed_resolved.reached is False, row["injection_id"]
