"""`make train EXTRA=dir` writes a model only when it beats the shipped one on groups it was not fitted on."""

import json
from pathlib import Path

import pytest

from orchestration.classification.labelled import LABEL_TARGETS
from orchestration.classification.training.corpus import training_conversations
from orchestration.commands import train as command
from orchestration.commands.train import run_training
from orchestration.ledger.labellers import embedded_model
from orchestration.settings import Settings
from orchestration.warehouse.home import Home

# Words the shipped texts lack, so that only these conversations show what they mean.
_QUIBBED = ("the zorbel is now quibbed for you", "we have the zorbel quibbed as of today", "quibbed it is")
_PLIMMED = ("the zorbel is now plimmed for you", "we have the zorbel plimmed as of today", "plimmed it is")
# Words the shipped model knows.
_DONE = ("Your order has been cancelled.", "I have cancelled your order.", "Done, your order is cancelled.")
_ASKED = ("Could you tell me the order number?", "When did you place it?", "Which order is it, please?")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    few = training_conversations(1)[::60]
    monkeypatch.setattr(command, "training_conversations", lambda seed: few)
    return Settings(home=tmp_path / "home")


def _write(
    folder: Path,
    groups: str,
    *,
    done: tuple[str, ...] = _QUIBBED,
    others: tuple[str, ...] = _PLIMMED,
    conversations: int = 240,
) -> Path:
    """Write conversations of groups: in every second one the agent claims success, in the others it does not."""
    folder.mkdir()
    lines = []
    for number in range(conversations):
        is_done = number % 2 == 0
        reached = ["problem_identified", *(("resolved", "claimed_resolved") if is_done else ())]
        messages = [
            {"role": "customer", "content": "I want to cancel the order that I placed yesterday"},
            {"role": "agent", "content": (done if is_done else others)[number // 8 % 3], "reached": reached},
        ]
        group = groups[number // 2 % len(groups)]
        lines.append(json.dumps({"conversation_id": f"c-{number}", "group": group, "messages": messages}))
    (folder / "own.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_words_that_mean_the_same_in_all_groups_make_a_better_model(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = _write(tmp_path / "extra", "abcd")
    assert run_training(settings, extra) == 0
    said = capsys.readouterr().out
    assert "current stage right 100.0% with your own model" in said
    assert "with the shipped one" in said
    name, stored = embedded_model(Home(settings.home).model)
    assert name == "own"
    calibration = stored.model.calibration
    fires_once = [target for target in LABEL_TARGETS if target != "resolved"]
    assert [calibration.least_score(target) for target in fires_once] == pytest.approx([0.0] * 4, abs=1e-9)
    assert calibration.thresholds["resolved"] == 0.5


def test_where_the_shipped_model_is_right_already_it_stays_in_use(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = _write(tmp_path / "extra", "abcd", done=_DONE, others=_ASKED)
    assert run_training(settings, extra) == 0
    said = capsys.readouterr().out
    assert "100.0% with the shipped one" in said
    assert "nothing is written, the shipped model stays in use" in said
    assert embedded_model(Home(settings.home).model)[0] == "shipped"


def test_one_conversation_leaves_nothing_to_compare_on(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = _write(tmp_path / "extra", "a", conversations=1)
    assert run_training(settings, extra) == 1
    assert "label at least 2" in capsys.readouterr().out
    assert not Home(settings.home).model.exists()


def test_one_group_for_all_is_held_out_conversation_by_conversation(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = _write(tmp_path / "extra", "a")
    assert run_training(settings, extra) == 0
    assert "current stage right 100.0% with your own model" in capsys.readouterr().out
