"""The golden set as an asset check: what it shows, and that a failure never stops the marts."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from orchestration.classification.embedded.storage import SHIPPED
from orchestration.classification.evaluation.constant import Constant
from orchestration.defs import label_checks
from orchestration.defs.label_checks import golden_set_holds
from orchestration.defs.resources import Warehouse
from orchestration.ledger.labellers import Labeller, embedded_labeller


def check(home: Path, monkeypatch: pytest.MonkeyPatch) -> dg.AssetCheckResult:
    monkeypatch.setenv("COLLOQUY_HOME", str(home))
    result = golden_set_holds(dg.build_asset_check_context(), Warehouse())
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_the_shipped_model_holds_and_its_numbers_stand_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = check(tmp_path, monkeypatch)
    assert result.passed, result.description
    assert result.metadata["definition_hash"].value == embedded_labeller(tmp_path / "model").definition_hash
    assert "| embedded (shipped) |" in str(result.metadata["evaluation"].value)
    assert result.metadata["accuracy"].value == pytest.approx(result.metadata["baseline_accuracy"].value, abs=0.02)


def test_a_worse_model_is_a_warning_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def worse(own_model: Path) -> Labeller:
        return replace(embedded_labeller(own_model), classify=Constant("greeted", 0.5))

    monkeypatch.setattr(label_checks, "embedded_labeller", worse)
    result = check(tmp_path, monkeypatch)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description is not None
    assert "of the golden stages right, recorded for model" in result.description
    assert "evaluation" in result.metadata


def test_an_own_model_that_cannot_be_read_is_a_warning_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "model"
    own.mkdir()
    (own / "model.json").write_bytes((SHIPPED / "model.json").read_bytes())
    (own / "coefficients.npz").write_bytes(b"nothing")
    result = check(tmp_path, monkeypatch)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description is not None
    assert "the model in use could not be evaluated: ValueError" in result.description
    assert str(own) in result.description
