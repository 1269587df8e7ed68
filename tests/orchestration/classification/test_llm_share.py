"""How many conversations an LLM would be asked about, and what 1,000 would cost."""

from dataclasses import replace

import pytest

from orchestration.classification.embedded.shipped import shipped_model
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.classification.evaluation.llm_share import as_json, as_markdown, llm_share
from orchestration.configuration.label_stages import STAGES
from tests.support.unsure_events import conversation_of, sure, unsure


def _example(name: str, talk: list[dict[str, object]], furthest: str) -> Example:
    reached = {stage: STAGES.index(stage) <= STAGES.index(furthest) for stage in STAGES}
    return Example(name, conversation_of(name, talk), reached, "all", outcome=reached["resolved"])


# The model takes those that are not sure for accepted; the last one of them is.
PROPOSED = [_example(f"u{number}", unsure(f"u{number}"), "solution_proposed") for number in range(5)]
ACCEPTED = _example("u5", unsure("u5"), "solution_accepted")
RESOLVED = [_example(f"s{number}", sure(f"s{number}"), "resolved") for number in range(4)]
DATASET = Dataset("made up", (*RESOLVED, *PROPOSED, ACCEPTED))


def test_the_least_sure_are_counted_and_priced_once_where_they_say_the_same() -> None:
    found = llm_share(DATASET, shipped_model().model, share=0.41)
    # 4.1 of 10 are five, of whom the first in order are taken: all equally sure, all with the same words.
    assert (found.conversations, found.under_margin, found.asked, found.calls) == (10, 6, 5, 1)
    assert (found.right_of_asked, found.right_of_others) == ((0, 5), (5, 5))
    assert found.usd_per_1000 == pytest.approx(100 * found.cost_usd)
    row = "| made up | 10 | 60.0% | 50.0% | 0.0% | 100.0% | 1 |"
    assert row in as_markdown([found], 0.41)
    assert as_json([found])[0]["usd_per_1000"] == found.usd_per_1000


def test_the_price_is_that_of_what_is_read_and_written() -> None:
    one = llm_share(Dataset("one", (PROPOSED[0],)), shipped_model().model, share=1.0)
    # Of the 90 tokens written alone $0.000054; of what is read, schema and instructions included, 500 to 1,500 tokens.
    assert 0.000054 + 500 * 0.15e-6 < one.cost_usd < 0.000054 + 1_500 * 0.15e-6
    assert one.usd_per_1000 == pytest.approx(1_000 * one.cost_usd)


def test_who_is_sure_is_not_asked_about_whatever_the_share() -> None:
    found = llm_share(DATASET, shipped_model().model, share=1.0)
    assert (found.asked, found.calls, found.right_of_asked, found.right_of_others) == (6, 1, (1, 6), (4, 4))
    unknown = replace(PROPOSED[0], truth={**PROPOSED[0].truth, "resolved": None})
    lone = llm_share(Dataset("unknown", (unknown,)), shipped_model().model, share=1.0)
    assert (lone.right_of_asked, lone.right_of_others) == ((0, 0), (0, 0))
    assert "| 100.0% | - | - | 1 |" in as_markdown([lone], 1.0)
