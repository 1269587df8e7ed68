"""Conversations while they run: what has not been understood after three exchanges, and by which sign."""

from dataclasses import replace
from typing import Any

import pytest

from orchestration.classification.conversation import Conversation, Message
from orchestration.classification.embedded.shipped import classify_by_model
from orchestration.classification.evaluation.golden_set import GOLDEN, read_golden
from orchestration.classification.misunderstandings import exchanges_of, misunderstanding_of
from orchestration.classification.realtime import classify_prefix

CONCERN = "I want to change the delivery address of my order, the parcel must not go to my office."
SPECIFIC = "I can change the delivery address of your order. Which street should the parcel go to?"
FALLBACK = "Sorry, I did not understand that."
FLAT = "Okay, thank you for telling me. One moment please."


def talk(*lines: str) -> tuple[Message, ...]:
    """Build messages from `c: text`, `a: text` and `fallback`."""
    messages = []
    for seq, line in enumerate(lines):
        side, _, text = line.partition(": ")
        fields: dict[str, Any] = {
            "c": {"event_type": "user_message", "role": "customer", "content": text},
            "a": {"event_type": "agent_message", "role": "agent", "content": text},
            "fallback": {"event_type": "fallback_triggered", "role": "system", "content": ""},
        }[side]
        messages.append(Message(event_id=f"m{seq}", seq=seq, **fields))
    return tuple(messages)


def exchange(customer: str, agent: str) -> tuple[str, str]:
    return f"c: {customer}", f"a: {agent}"


def flagged(messages: tuple[Message, ...]) -> tuple[int, bool | None, str | None, str | None]:
    answer = classify_prefix(messages)
    return (
        answer.exchanges,
        answer.is_unidentified_after_three_exchanges,
        answer.signal,
        answer.evidence_event_id,
    )


DIFFERENT = ("The street is wrong on it.", "My neighbours have never seen the courier.", CONCERN)


def test_three_times_not_understood_by_what_the_agent_says() -> None:
    lines = [line for text in DIFFERENT for line in exchange(text, FALLBACK)]
    assert flagged(talk(*lines)) == (3, True, "fallback_text", "m5")
    assert flagged(talk(*lines[:-1])) == (2, False, None, None)
    assert flagged(talk(*lines[:-2])) == (2, False, None, None)


def test_the_event_of_the_agent_is_believed_first() -> None:
    lines = [line for text in DIFFERENT for line in exchange(text, FALLBACK)]
    with_event = (*lines[:2], "fallback", *lines[2:])
    assert flagged(talk(*with_event)) == (3, True, "fallback_event", "m2")


def test_an_event_alone_answers_an_exchange() -> None:
    assert flagged(talk(*(part for text in DIFFERENT for part in (f"c: {text}", "fallback")))) == (
        3,
        True,
        "fallback_event",
        "m5",
    )


def test_a_customer_who_says_it_again_was_not_understood() -> None:
    again = "I want to change the delivery address of the order, it must not go to my office!"
    lines = [*exchange(CONCERN, FLAT), *exchange(again, FLAT), *exchange("Is anybody there at all today?", FLAT)]
    assert flagged(talk(*lines)) == (3, True, "rephrase", "m2")


def test_two_short_answers_that_are_alike_say_nothing() -> None:
    for text, again, signal in (
        ("Yes, please.", "Yes please!", None),
        ("Yes, do it please.", "Yes do it please!", "rephrase"),
    ):
        first, second = exchanges_of(talk(*exchange(text, FLAT), *exchange(again, FLAT)))
        found = misunderstanding_of(first, second)
        assert (found.signal if found else None) == signal


def test_what_was_identified_is_not_flagged_however_much_goes_wrong_before_and_after() -> None:
    missed = exchange("The street is wrong on it.", FALLBACK)
    good = exchange(CONCERN, SPECIFIC)
    for order in ((missed, missed, good), (good, missed, missed), (missed, good, missed)):
        assert flagged(talk(*(line for pair in order for line in pair)))[:2] == (3, False)


def test_an_answer_that_missed_the_point_identifies_nothing() -> None:
    """The agent's own event states that it did not understand, whatever it wrote then."""
    lines = [part for _ in range(3) for part in (*exchange(CONCERN, SPECIFIC), "fallback")]
    assert classify_by_model([Conversation("", talk(*lines))])[0].labels["problem_identified"].reached
    assert flagged(talk(*lines)) == (3, True, "fallback_event", "m8")


def test_nothing_but_courtesy_is_unidentified_by_the_stages_alone() -> None:
    lines = ("c: Hello!", "a: Hello, how can I help you?", "c: How are you?", "a: Fine, thank you.", "c: Nice.")
    assert flagged(talk(*lines, "a: One moment please."))[1:] == (True, "no_stage", None)


def test_another_language_is_unknown_unless_every_exchange_was_missed() -> None:
    said = ("Haluaisin vaihtaa toimitusosoitteen.", "Paketti ei saa tulla toimistolle.", "Auttakaa minua, kiitos.")
    lines = [line for text in said for line in exchange(text, "Selvä, hetkinen vain, olkaa hyvä.")]
    assert flagged(talk(*lines)) == (3, None, None, None)
    lines = [part for text in said for part in (f"c: {text}", "fallback")]
    assert flagged(talk(*lines)) == (3, True, "fallback_event", "m5")


def test_a_greeting_is_no_exchange_and_two_messages_in_a_row_are_one() -> None:
    messages = talk("a: Hello!", "c: Hi.", "c: " + CONCERN, "a: One moment.", "a: " + SPECIFIC, "c: Elm Street 5.")
    (only,) = exchanges_of(messages)
    assert ([one.event_id for one in only.customer], [one.event_id for one in only.agent]) == (
        ["m1", "m2"],
        ["m3", "m4"],
    )


def test_the_stages_are_those_of_the_classifier_for_every_golden_prefix() -> None:
    for example in read_golden(GOLDEN / "stage_cases.jsonl").examples[::10]:
        messages = example.conversation.messages
        for end in range(len(messages) + 1):
            expected = classify_by_model([Conversation("", messages[:end])])[0]
            assert classify_prefix(messages[:end]).stages == expected


def test_messages_out_of_order_or_twice_are_refused() -> None:
    messages = talk(*exchange(CONCERN, SPECIFIC))
    with pytest.raises(ValueError, match="an event_id comes twice"):
        classify_prefix((*messages, replace(messages[0], seq=9)))
    with pytest.raises(ValueError, match="not in their order"):
        classify_prefix(messages[::-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm sorry, I didn't quite understand that.", True),
        ("Hmm. Could you rephrase that, please?", True),
        ("Das habe ich leider nicht ganz verstanden.", True),
        ("Perdona, no te he entendido bien.", True),
        ("Désolée, je n'ai pas bien compris.", True),
        ("Desculpa, não entendi bem.", True),
        ('{"message": "Sorry, I did not get that."}', True),
        ('{"thoughts": "I did not understand that.", "message": "Which street should it go to?"}', False),
        ("I did not find any flights on that day.", False),
        ("I understand that you want to change the address.", False),
        ("Could you please repeat the number of your order?", False),
        ("Could you repeat your order number please?", False),
        ("Können Sie bitte die Bestellnummer wiederholen?", False),
        ("Sorry, that table is no longer available. Shall I look for another one?", False),
        ("I understand your request.", False),
        ("Entiendo tu consulta, un momento.", False),
        ("Je comprends votre demande.", False),
        ("Entendi o seu pedido.", False),
        ("Ich verstehe Sie.", False),
        ("Ich verstehe Sie nicht.", True),
        ("No entiendo tu consulta.", True),
        ("Ich habe Ihre Bestellung gefunden.", False),
        ("Puedo cambiar la dirección de su pedido.", False),
        ("J'ai bien noté votre nouvelle adresse.", False),
        ("", False),
    ],
)
def test_texts_of_agents_who_have_not_understood(text: str, expected: bool) -> None:
    (exchanged,) = exchanges_of(talk("c: " + CONCERN, "a: " + text))
    assert (misunderstanding_of(exchanged, None) is not None) is expected
