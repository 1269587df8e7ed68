"""What a model that is always right would answer about the golden cases."""

import json
from collections.abc import Mapping
from pathlib import Path

from orchestration.classification.evaluation.examples import Example
from orchestration.classification.evaluation.golden_set import GOLDEN, read_golden
from orchestration.classification.labelled import LABEL_TARGETS
from orchestration.classification.llm.excerpt import Excerpt
from tests.support.llm_server import answer_text

STAGE_CASES = GOLDEN / "stage_cases.jsonl"


def golden_examples() -> tuple[Example, ...]:
    """Return the golden cases."""
    return read_golden(STAGE_CASES).examples


def golden_evidence(path: Path = STAGE_CASES) -> dict[str, dict[str, str]]:
    """Return for each case the event that shows each stage."""
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {case["case_id"]: case["truth_evidence"] for case in cases}


def right_answer(example: Example, excerpt: Excerpt, evidence: Mapping[str, str]) -> str:
    """Return the truth as an answer; a claim whose message was not labelled is the one that shows resolved."""
    references = {message.event_id: reference for reference, message in excerpt.messages.items()}
    labels: dict[str, str | tuple[str, str]] = {}
    for target in LABEL_TARGETS:
        truth = example.claim_truth if target == "claimed_resolved" else example.truth[target]
        event_id = evidence.get(target, evidence.get("resolved", ""))
        if truth is None or (truth and event_id not in references):
            labels[target] = "unknown"
        else:
            labels[target] = ("yes", references[event_id]) if truth else "no"
    return answer_text(**labels)
