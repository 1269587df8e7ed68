"""How a phrase is found in a message, on a taxonomy of a few rows."""

from pathlib import Path

from orchestration.classification.messages.labeller import message_labeller
from orchestration.classification.messages.phrase_matching import PhraseBook, Shown
from orchestration.classification.messages.words import NEGATION, clauses
from orchestration.configuration.taxonomy import Kind, TaxonomyRow

ROWS: tuple[tuple[Kind, str, str], ...] = (
    ("intent", "refund", "refund"),
    ("intent", "cancel_order", "cancel my order"),
    ("intent", "cancel_plan", "cancel my plan"),
    ("intent", "none", "cancel my order of service"),
    ("objection", "price", "too expensive"),
    ("objection", "no_need", "do not need it"),
)
FUNCTION_WORDS = frozenset({"my", "the", "it", "is", "i", "do", "a", "of", "to", "and", "for"})
BOOK = PhraseBook(
    [TaxonomyRow(kind=kind, label=label, language="en", phrase=phrase) for kind, label, phrase in ROWS],
    FUNCTION_WORDS,
)


def shown(text: str, kind: Kind = "intent") -> str:
    return BOOK.shown(text)[kind].label


def test_words_may_stand_in_any_order_with_any_ending() -> None:
    assert shown("My orders: could somebody have them cancelled?") == "cancel_order"
    assert shown("My two orders were never cancelled") == "cancel_order"
    assert shown("REFUNDED?") == "refund"
    assert shown("I ordered a lens") == "unknown"


def test_enough_of_a_phrase_has_to_be_there_in_one_sentence() -> None:
    # 2 of 2.5: the function word is missing.
    assert BOOK.shown("cancel this order")["intent"] == Shown("cancel_order", 0.8)
    assert shown("I want to cancel") == "unknown"
    assert shown("I want to cancel. What is in my order?") == "unknown"


def test_the_weightier_phrase_wins_and_equal_ones_are_unknown() -> None:
    assert shown("a refund, or cancel my order") == "cancel_order"
    assert shown("cancel my order and my plan") == "unknown"
    assert shown("cancel my order of service") == "unknown"


def test_other_words_of_the_same_letters_are_others() -> None:
    assert shown("the borders of my cancellation") == "unknown"
    charged = TaxonomyRow(kind="intent", label="x", language="en", phrase="charged")
    assert PhraseBook([charged], frozenset()).shown("I changed it")["intent"].label == "unknown"


def test_a_denied_opinion_is_its_opposite_and_a_denied_wish_the_same_topic() -> None:
    assert shown("It is too expensive", "objection") == "price"
    assert shown("It is not too expensive", "objection") == "unknown"
    assert shown("I cannot pay that, it is too expensive", "objection") == "price"
    assert shown("I don't need it", "objection") == "no_need"
    assert shown("I need it", "objection") == "unknown"
    assert shown("I never asked for a refund") == "refund"


def test_clauses_hold_words_without_apostrophes_hyphens_and_single_letters() -> None:
    assert clauses("J\N{RIGHT SINGLE QUOTATION MARK}ai mon e-mail, il n'arrive pas!") == [
        ["ai", "mon", "mail"],
        ["il", "arrive", NEGATION],
    ]
    assert clauses("Can't, won't \u2026 123") == [[NEGATION], [NEGATION]]


def test_a_taxonomy_of_ones_own_changes_answers_and_definition(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.csv").write_text(
        "kind,label,language,phrase\nintent,ride,en,I need a taxi\n", encoding="utf-8"
    )
    mine = message_labeller(tmp_path / "taxonomy.csv")
    assert mine.label("Could I get a taxi? I need one.", "en").shown["intent"].label == "unknown"
    assert mine.label("I need a taxi to the station.", "en").shown["intent"].label == "ride"
    assert mine.label("Necesito un taxi", "es").shown["intent"].label == "unknown"
    (tmp_path / "taxonomy.csv").write_text(
        "kind,label,language,phrase\nintent,ride,en,I need a cab\n", encoding="utf-8"
    )
    assert message_labeller(tmp_path / "taxonomy.csv").definition_hash != mine.definition_hash
