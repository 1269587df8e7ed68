"""`make model`: a change of one model is tried on a small warehouse that is kept."""

import shutil
from pathlib import Path

import pytest

from orchestration.commands import small_warehouse
from orchestration.commands.build_model import build_model
from orchestration.settings import PROJECT_DIR, Settings


def test_a_small_warehouse_whose_run_was_interrupted_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "model-warehouse"
    runs: list[Path] = []

    def run(settings: Settings, **_: object) -> int:
        runs.append(settings.home)
        return 0

    monkeypatch.setattr(small_warehouse, "simulate_warehouse", lambda *_, **__: None)
    monkeypatch.setattr(small_warehouse, "run_warehouse", run)
    home.mkdir()
    # Of a build that did not come to its publish.
    (home / "build.duckdb").touch()
    small_warehouse.small_warehouse(Settings(home=tmp_path))
    assert runs == [home]


@pytest.mark.full
def test_a_model_and_what_follows_are_built_and_tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path / "home")
    assert build_model(settings, "int_ab_test_dates_affected") == 0
    printed = capsys.readouterr().out
    assert " 0 failed, " in printed
    assert "exposure_date" in printed
    assert build_model(settings, "metrics_dayly") == 2
    assert "metrics_daily" in capsys.readouterr().out

    unit_tests = tmp_path / "project" / "tests" / "unit"
    shutil.copytree(PROJECT_DIR / "tests" / "unit", unit_tests)
    changed = unit_tests / "intermediate" / "int_ab_test_dates_affected.yml"
    text = changed.read_text()
    assert text.count('{exposure_date: "2026-03-03"}') == 1
    changed.write_text(text.replace('{exposure_date: "2026-03-03"}', '{exposure_date: "2026-03-08"}'))
    monkeypatch.setattr(small_warehouse, "PROJECT_DIR", tmp_path / "project")
    assert build_model(settings, "int_ab_test_dates_affected") == 1
    printed = capsys.readouterr().out
    assert "fail: int_ab_test_dates_affected__takes_the_old_dates_and_the_new" in printed
    assert " 1 failed, " in printed


def test_a_name_without_a_model_is_refused_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_model(Settings(home=tmp_path / "home"), "fct_conversation") == 2
    assert "no model is called 'fct_conversation'; near it: fct_conversations" in capsys.readouterr().out
    assert build_model(Settings(home=tmp_path / "home"), "x;\x1b[2J") == 2
    assert "\x1b" not in capsys.readouterr().out
    assert not (tmp_path / "home").exists()
