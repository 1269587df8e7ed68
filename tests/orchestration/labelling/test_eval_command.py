"""`make eval` over the shipped golden set."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.commands.eval import GOLDEN, run_evaluation
from orchestration.labelling.evaluation.baseline import read_baselines
from orchestration.labelling.evaluation.golden_set import read_golden
from orchestration.labelling.evaluation.run import CLASSIFIERS, evaluate
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


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_no_classifier_is_worse_than_recorded(name: str) -> None:
    """A change that pays on the golden set is recorded with `eval --record`; two points are the gate."""
    report = evaluate(read_golden(GOLDEN / "stage_cases.jsonl"), {name: CLASSIFIERS[name]})
    accuracy = report.scores[-1].current_stage.value
    assert accuracy is not None
    assert accuracy >= read_baselines(GOLDEN / "baseline.json")[name].accuracy - 0.02


def test_a_broken_golden_case_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"case_id": "x"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"cases\.jsonl:1: KeyError"):
        read_golden(path)
