"""`make eval` over the shipped golden set."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.classification.conversation import Conversation, StageAnswer, StageLabel
from orchestration.classification.evaluation.baseline import record_baselines
from orchestration.classification.evaluation.evaluating import CLASSIFIERS
from orchestration.classification.evaluation.gate import hold_to_baseline
from orchestration.classification.evaluation.golden_set import GOLDEN, read_golden
from orchestration.classification.rules import classify_by_rules
from orchestration.commands.eval import run_evaluation
from orchestration.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_eval_prints_and_writes_markdown_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(home=tmp_path / "home")
    assert run_evaluation(settings, tmp_path / "absent", is_recording=False, now=NOW) == 0
    printed = capsys.readouterr().out
    assert "## golden: 200 conversations, current stage known in" in printed
    assert "No real conversations in" in printed
    folder = tmp_path / "home" / "evaluation"
    assert (folder / "evaluation.md").read_text(encoding="utf-8") in printed
    content = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert content["measured_at"] == "2026-03-01T12:00:00+00:00"
    assert set(content["sets"]["golden"]["classifiers"]) == {"constant", *CLASSIFIERS}
    assert "right in 82.9% of 2,848; selective accuracy at 80% coverage 89.4% (aimed at: 98%)" in printed
    assert content["held_out"]["conversations"] == 2848
    # The least sure fifth of 200 golden conversations.
    assert "| golden | 200 | 64.5% | 20.0% | 24.2% | 77.7% | 40 |" in printed
    assert content["llm_share"][0]["usd_per_1000"] <= 0.05
    assert "| authored pairs | 576 | 26.8% of 123 | 0.66% | - |" in printed
    assert [(row["name"], row["found"], row["false"]) for row in content["rephrases"]] == [("authored pairs", 33, 3)]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_no_classifier_is_worse_than_recorded(name: str) -> None:
    """A change that pays on the golden set is recorded with `eval --record`; two points are the gate."""
    gate = hold_to_baseline(name, CLASSIFIERS[name], name, GOLDEN)
    assert gate.holds, gate.as_text()


@pytest.mark.parametrize(("spoilt", "holds"), [(3, True), (4, False)])
def test_the_gate_closes_behind_the_second_point(tmp_path: Path, spoilt: int, holds: bool) -> None:
    """Of 190 placed conversations three are 1.6 points, four are 2.1."""
    shutil.copy(GOLDEN / "stage_cases.jsonl", tmp_path)
    recorded = hold_to_baseline("rules", classify_by_rules, "rules", GOLDEN)
    dataset = read_golden(GOLDEN / "stage_cases.jsonl")
    scores = recorded.report.scores[-1]
    truth = {one.example_id: one.current_stage for one in dataset.examples}
    right = [name for name, stage in scores.predictions.items() if stage == truth[name]][:spoilt]

    def spoil(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        nothing = StageLabel(reached=None, confidence=0.0)
        return [
            StageAnswer(answer.conversation_id, dict.fromkeys(answer.labels, nothing), nothing)
            if answer.conversation_id in right
            else answer
            for answer in classify_by_rules(conversations)
        ]

    record_baselines(tmp_path / "baseline.json", [scores])
    gate = hold_to_baseline("rules", spoil, "rules", tmp_path)
    assert gate.baseline_accuracy - gate.accuracy == pytest.approx(spoilt / 190)
    assert gate.holds is holds
    assert gate.comparison.only_baseline_right == spoilt
    assert f"wrong where it was right {spoilt}" in gate.as_text()


def test_a_classifier_without_a_baseline_has_no_gate() -> None:
    with pytest.raises(ValueError, match="no baseline of somebody"):
        hold_to_baseline("rules", classify_by_rules, "somebody", GOLDEN)


def test_a_broken_golden_case_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"case_id": "x"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"cases\.jsonl:1: KeyError"):
        read_golden(path)
