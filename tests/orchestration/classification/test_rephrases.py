"""Rephrases are found as people read them: the threshold, the evaluation set, and cases that are no rephrase."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.classification.evaluation.rephrases import (
    PAIRS,
    Pair,
    RephraseReport,
    as_markdown,
    evaluate_rephrases,
    read_pairs,
)
from orchestration.classification.rephrases.detecting import LEAST_SIMILARITY, compare
from orchestration.classification.rephrases.frequencies import Frequencies, count_frequencies, shipped_frequencies
from orchestration.classification.rephrases.terms import terms_of
from orchestration.settings import PROJECT_DIR

MARGIN = read_pairs(GOLDEN / "rephrase_margin_pairs.yml")
YARDSTICK = read_pairs(GOLDEN / PAIRS)
LANGUAGES = {"de", "en", "es", "fr", "pt"}


def test_the_pairs_cover_every_language_and_are_each_of_one_set() -> None:
    for pairs in (MARGIN, YARDSTICK):
        counts = Counter((pair.language, pair.is_rephrase) for pair in pairs)
        assert {language for language, _ in counts} == LANGUAGES
        assert all(counts[language, True] >= 12 and counts[language, False] >= 40 for language in LANGUAGES)
    texts = [{text for pair in pairs for text in (pair.before, pair.after)} for pairs in (MARGIN, YARDSTICK)]
    # Common short messages: thanks, yes, a number.
    assert all(len(text.split()) <= 4 for text in texts[0] & texts[1])


def test_the_threshold_is_the_lowest_with_few_false_pairs_on_pairs_of_its_own() -> None:
    others = [pair for pair in MARGIN if not pair.is_rephrase]

    def false(hundredths: int) -> int:
        least = hundredths / 100
        return sum(compare(pair.before, pair.after, least_similarity=least).is_again for pair in others)

    allowed = 0.005 * len(others)
    assert min(hundredths for hundredths in range(1, 101) if false(hundredths) <= allowed) / 100 == LEAST_SIMILARITY


def test_the_yardstick() -> None:
    """Words alone find a quarter, and take hardly anything else for one; a change here is one of the detector."""
    seen = [pair.is_rephrase for pair in YARDSTICK if compare(pair.before, pair.after).is_again]
    assert (sum(seen), len(seen) - sum(seen)) == (33, 3)
    found = {pair.language for pair in YARDSTICK if pair.is_rephrase and compare(pair.before, pair.after).is_rephrase}
    assert found == LANGUAGES


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        # The same in other words: twice as long, shorter, annoyed.
        ("How do I cancel my broadband contract?", "My broadband contract: how on earth can I cancel it?", "rephrase"),
        ("My parcel with the lamp has not arrived", "no, the parcel with the lamp still has not arrived!", "rephrase"),
        (
            "I want to return the lamp I bought here in May",
            "I want to return this lamp I bought here in May.",
            "repeat",
        ),
        # The same words, another sign.
        ("Cancel my order, please.", "cancel my order please!!", "repeat"),
        # One word in the place of another is another request.
        ("Is the pool of the hotel open on Monday?", "Is the pool of the hotel open on Tuesday?", None),
        # A number that is new answers, or asks of another thing.
        ("Where is the parcel with my garden chairs?", "The parcel with my garden chairs is number 4471.", None),
        ("Yes please", "yes please", None),
        ("", "", None),
        ("4471 4472 4473", "4471 4472 4473", "repeat"),
    ],
)
def test_what_is_repetition_and_how(before: str, after: str, kind: str | None) -> None:
    said = compare(before, after)
    assert (said.is_rephrase, said.is_repeat) == (kind == "rephrase", kind == "repeat")
    assert 0.0 <= said.similarity <= 1.0
    assert said.is_again is (kind is not None)


def test_the_similarity_is_the_share_of_the_weight_that_comes_again() -> None:
    """Weights by hand: 1 + ln(11 / (n + 1)); an unlisted word counts as one of a single text."""
    frequencies = Frequencies(10, {"order": 10, "lamp": 1})
    assert frequencies.weight("order") == 1.0
    assert frequencies.weight("lamp") == frequencies.weight("zither") == pytest.approx(2.704748)
    # Four of five words that hardly any text has come again, together more than 30: 0.8 is left.
    before, after = "zither quokka xylem vortex wombat", "wombat vortex and xylem with quokka beside everything"
    assert len(terms_of(before)) == 5
    assert compare(before, after).similarity == pytest.approx(0.8)
    # Of two words both come again, but two may meet by accident: less than 0.8 by how far they are from 30.
    weight = 2 * shipped_frequencies().weight("zither")
    assert compare("zither of quokka", "quokka with a zither").similarity == pytest.approx(weight / 30)


def test_the_shipped_frequencies_are_those_of_the_training_texts() -> None:
    """After a change of the texts: make train."""
    counted = count_frequencies()
    assert counted == shipped_frequencies()
    assert counted.texts > 10_000
    # Marks of the notation are no words.
    assert counted.of["conce"] < 100


def test_what_was_pasted_is_read_to_a_bound() -> None:
    question = "How do I cancel my broadband contract?"
    assert compare("lorem ipsum " * 400 + question, question).similarity == 0.0
    assert not compare(question, "lorem ipsum " * 400 + question).is_again


def test_the_evaluation_counts_pairs_and_conversations(tmp_path: Path) -> None:
    again = "My broadband contract: how on earth can I cancel it?"
    said = ["How do I cancel my broadband contract?", again, again, "Thanks a lot for that."]
    folder = tmp_path / "sgd"
    folder.mkdir()
    with gzip.open(folder / "events.jsonl.gz", "wt", encoding="utf-8") as file:
        for name, texts in (("a", said), ("b", said[3:])):
            for place, text in enumerate(texts):
                event = {"event_id": f"{name}{place}", "conversation_id": name, "event_type": "message_sent"}
                file.write(json.dumps(event | {"properties": {"seq": place, "content": text}}) + "\n")
    golden, sgd = evaluate_rephrases(tmp_path, GOLDEN, PROJECT_DIR / "seeds")
    assert (golden.pairs, golden.rephrases) == (len(YARDSTICK), sum(pair.is_rephrase for pair in YARDSTICK))
    assert sgd == RephraseReport("sgd", 3, conversations=2, rephrases=None, found=None, false=2, false_conversations=1)
    assert "| sgd | 3 | - | 66.67% | 50.0% of 2 |" in as_markdown([sgd])


def test_a_broken_pair_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pairs.yml"
    path.write_text("pairs: [{before: a}]")
    with pytest.raises(ValueError, match=r"pairs\.yml: a pair needs before, after"):
        read_pairs(path)
    path.write_text("pairs: [{before: a, after: b, language: en, is_rephrase: true}]")
    assert read_pairs(path) == [Pair("a", "b", "en", is_rephrase=True)]
