"""Messages get the labels that a person reads in them, in five languages; known misses are written down."""

import json
from collections import Counter
from itertools import product

import pytest

from orchestration.classification.conversation import Message
from orchestration.classification.cues import simplified
from orchestration.classification.messages.labeller import MessageLabeller, languages_of, message_labeller
from orchestration.classification.messages.phrase_matching import LEAST_LEAD, LEAST_SHARE, phrase_books
from orchestration.configuration.label_stages import UNKNOWN
from orchestration.configuration.taxonomy import KINDS, NO_LABEL, read_taxonomy
from orchestration.settings import PROJECT_DIR
from tests.support.message_cases import MessageCase, answers, kinds_of, read_message_cases

TAXONOMY = PROJECT_DIR / "seeds" / "taxonomy.csv"
CASES = read_message_cases("message_cases")
LANGUAGES = {"de", "en", "es", "fr", "pt"}


@pytest.fixture(scope="module")
def labeller() -> MessageLabeller:
    return message_labeller(TAXONOMY)


@pytest.mark.parametrize("case", CASES, ids=[case.text[:40] for case in CASES])
def test_a_message_says_what_a_person_reads_in_it(labeller: MessageLabeller, case: MessageCase) -> None:
    found = answers(labeller, case)
    wrong = {what for what, expected in case.expected.items() if found[what] != expected}
    assert wrong == case.known_misses, found


def test_the_cases_cover_every_language_and_hold_unknowns(labeller: MessageLabeller) -> None:
    expected = Counter((case.language, case.expected[what] == UNKNOWN) for case, what in kinds_of(CASES))
    assert {language for language, _ in expected} == LANGUAGES | {"it"}
    assert all(expected[language, False] >= 8 and expected[language, True] >= 3 for language in LANGUAGES)
    assert len(CASES) >= 40
    misses = sum(len(case.known_misses) for case in CASES)
    assert misses <= 0.06 * sum(expected.values())


def test_the_margin_is_the_best_on_texts_of_its_own() -> None:
    """A wrong label costs as much as a right one is worth; of equally good margins the strictest."""
    cases = read_message_cases("message_margin_cases")
    assert not {case.text for case in cases} & {case.text for case in CASES}
    books = phrase_books(read_taxonomy(TAXONOMY))

    def worth(least_share: float, least_lead: float) -> int:
        total = 0
        for case, kind in kinds_of(cases):
            shown = books[case.language].shown(case.text, least_share=least_share, least_lead=least_lead)
            found = {one: shown[one].label for one in KINDS}[kind]  # type: ignore[index]
            total += (found == case.expected[kind]) - (found not in {case.expected[kind], UNKNOWN})
        return total

    tried = product((0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0), (0.25, 0.5, 1.0))
    assert max((worth(*margin), *margin) for margin in tried)[1:] == (LEAST_SHARE, LEAST_LEAD)


def test_no_phrase_is_a_case_in_other_clothes() -> None:
    """As for the stage model: the phrases are not copied from the evaluation set."""
    phrases = {frozenset(simplified(row.phrase).split()) for row in read_taxonomy(TAXONOMY)}
    for case in CASES:
        words = frozenset(simplified(case.text).strip(" .!?¿").split())
        assert all(len(words & one) < 0.6 * len(words | one) for one in phrases), case.text


def test_every_kind_has_labels_and_counter_examples_in_every_language() -> None:
    rows = read_taxonomy(TAXONOMY)
    for kind in KINDS:
        labels = {
            language: {row.label for row in rows if (row.kind, row.language) == (kind, language)}
            for language in LANGUAGES
        }
        assert all(labels[language] == labels["en"] for language in LANGUAGES), kind
        assert NO_LABEL in labels["en"]


def of_language(text: str, role: str = "customer") -> Message:
    event_type = "user_message" if role == "customer" else "agent_message"
    return Message("1", event_type, role, text, 1)  # type: ignore[arg-type]


def test_a_message_is_read_in_its_own_language_where_it_is_long_enough() -> None:
    spoken = [
        of_language("Hello, how can I help you with your order today?", "agent"),
        of_language("Sí, gracias."),
        of_language("Mejor en español: no puedo entrar en mi cuenta desde el lunes."),
        of_language("ok"),
    ]
    assert languages_of(spoken) == ["en", "en", "es", "en"]
    assert languages_of(spoken[1:3]) == ["es", "es"]
    assert languages_of([of_language("Gdzie jest moja paczka, czekam od tygodnia.")]) == [None]


def test_an_agents_envelope_is_no_language() -> None:
    thought = "the customer is asking where it is, and I have to look for it in the list of the orders of this week"
    wrapped = of_language(json.dumps({"thought": thought, "text": "Wir haben Ihre Bestellung, sie ist da."}), "agent")
    assert languages_of([of_language("4471"), wrapped]) == ["de", "de"]


def test_what_cannot_be_read_is_unknown(labeller: MessageLabeller) -> None:
    for text, language in (("refund please, I want my money back", None), ("", "en"), ("4471", "en")):
        said = labeller.label(text, language)
        assert said.sentiment is None
        assert {one.label for one in said.shown.values()} == {UNKNOWN}


def test_what_was_pasted_is_read_to_a_bound(labeller: MessageLabeller) -> None:
    pasted = "lorem ipsum " * 400 + "I want a refund, this is terrible."
    said = labeller.label(pasted, "en")
    assert (said.shown["intent"].label, said.sentiment) == (UNKNOWN, 0.0)
    assert labeller.label(pasted[-40:], "en").shown["intent"].label == "refund"


def test_half_a_surrogate_pair_and_controls_are_no_trouble(labeller: MessageLabeller) -> None:
    assert labeller.label("I want a refund \ud83d\x00 now", "en").shown["intent"].label == "refund"
