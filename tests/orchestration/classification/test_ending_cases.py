"""A label alone makes a conversation resolved only where it is: endings in five languages, written by hand."""

from collections import Counter
from typing import Any

import pytest
import yaml

from orchestration.classification.conversation import StageAnswer
from orchestration.classification.embedded.shipped import classify_by_model
from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.settings import PROJECT_DIR
from tests.support.llm_cases import talk

CASES: list[dict[str, Any]] = yaml.safe_load((GOLDEN / "ending_cases.yml").read_text(encoding="utf-8"))["cases"]
LEAST_CONFIDENCE: float = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text())["vars"][
    "least_inference_confidence"
]


def counts_as_resolved(answer: StageAnswer) -> bool:
    """As int_evidence_classified: sure, and with a claim of the agent or an agreement of the customer."""
    label = answer.labels["resolved"]
    is_supported = bool(answer.labels["solution_accepted"].reached or answer.claimed_resolved.reached)
    return bool(label.reached) and label.confidence >= LEAST_CONFIDENCE and is_supported


def test_every_kind_has_every_language() -> None:
    kinds = ("apology", "refusal", "non_understanding", "failed", "gives_up", "still_broken", "solved")
    languages = ("en", "de", "es", "fr", "pt")
    assert Counter((case["kind"], case["language"]) for case in CASES) == {
        (kind, language): 1 for kind in kinds for language in languages
    }


@pytest.mark.parametrize("case", CASES, ids=[f"{case['kind']}-{case['language']}" for case in CASES])
def test_an_ending_counts_only_where_it_is_a_solution(case: dict[str, Any]) -> None:
    (answer,) = classify_by_model([talk("ending", *case["talk"])])
    assert counts_as_resolved(answer) == (case["kind"] == "solved")
