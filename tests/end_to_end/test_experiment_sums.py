"""What the shipped experiment models make of sums: guardrails in both directions, and users corrected by their past."""

from collections.abc import Mapping
from datetime import datetime
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.experiments import Experiments

UNTIL = datetime(2025, 3, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone
# Converted of 10,000 in control and treatment; the interval is 1.8 points wide to either side.
SHARES = {"unharmed": (2000, 2000), "unclear": (2000, 1950), "harmed": (2000, 1500), "improved": (2000, 2500)}
# By how much the mean number of messages, of which fewer are better, rises; the interval is 0.14 wide to either side.
RISES = {"as long": 0.0, "a bit longer": 0.15, "longer": 0.5, "shorter": -0.5}
GUARDED = {"guardrail_margin": 0.02}
GUARDED_MEAN = {"guardrail_margin": 0.2, "primary_metric": "user_message_count", "metric_type": "engagement"}
OF_USERS = {"randomization_unit": "user", "window_hours": 24}


def sums(name: str, metric: str, variant: str, values: Mapping[str, np.ndarray], converted: int = 0) -> dict[str, Any]:
    """Return what units with these values of y, m, x and n add up to."""
    row = {"test_name": name, "metric": metric, "variant": variant, "units": len(values["y"])}
    row |= {f"sum_{one}": column.sum() for one, column in values.items()}
    pairs = combinations_with_replacement("ymxn", 2)
    row |= {f"sum_{first}{second}": (values[first] * values[second]).sum() for first, second in pairs}
    return {**row, "converted_units": converted}


def units_of(y: np.ndarray, x: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return units of one session each, and one earlier session where something is known of the past."""
    past = np.zeros(len(y)) if x is None else x
    return {"y": y, "m": np.ones(len(y)), "x": past, "n": np.zeros(len(y)) if x is None else np.ones(len(y))}


def drawn_users() -> dict[str, dict[str, np.ndarray]]:
    """Return two arms of users whose number of converting conversations goes with that of the time before."""
    random = np.random.default_rng(5)
    arms = {}
    for variant, size, gain in (("control", 700, 0.0), ("treatment", 800, 0.3)):
        earlier = random.poisson(3, size).astype(float)
        arms[variant] = units_of(0.5 * earlier + random.normal(gain, 1, size), earlier)
    return arms


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Put the sums in and return the rows of the treatments by test and metric."""
    plans = [{"test_name": name, **GUARDED} for name in SHARES]
    plans += [{"test_name": name, **GUARDED_MEAN} for name in RISES]
    plans += [{"test_name": name, **OF_USERS} for name in ("users", "newcomers", "alike")]
    rows: list[dict[str, Any]] = []
    for name, counts in SHARES.items():
        for variant, count in zip(("control", "treatment"), counts, strict=True):
            for metric in ("conversion", "value:sale"):
                rows.append(sums(name, metric, variant, units_of(np.arange(10_000) < count), count))
    deviations = np.random.default_rng(1).normal(0, 1, 1000)
    deviations = (deviations - deviations.mean()) / deviations.std(ddof=1)
    for name, rise in RISES.items():
        for variant, mean in (("control", 5.0), ("treatment", 5.0 + rise)):
            rows.append(sums(name, "user_message_count", variant, units_of(mean + deviations)))
    for variant, users in drawn_users().items():
        rows.append(sums("users", "conversion", variant, users, len(users["y"])))
        rows.append(sums("newcomers", "conversion", variant, units_of(users["y"]), len(users["y"])))
        alike = units_of(users["y"], np.full(len(users["y"]), 0.1))
        rows.append(sums("alike", "conversion", variant, alike, len(users["y"])))
    experiments = Experiments(tmp_path_factory.mktemp("sums"), plans, UNTIL)
    experiments.run_sql("create or replace view intermediate.int_metrics_defined as select 'sale' as goal")
    experiments.put_sums(pd.DataFrame(rows).assign(day=19))
    experiments.build_from("int_ab_test_dates_summed")
    found = experiments.rows("select * from marts.ab_test_results where not is_control")
    return {(row["test_name"], row["metric"]): row for row in found}


Results = Mapping[tuple[str, str], Mapping[str, Any]]


def test_a_guardrail_holds_when_the_interval_excludes_the_margin(results: Results) -> None:
    assert {name: results[name, "conversion"]["guardrail"] for name in SHARES} == {
        "unharmed": "ok",
        "unclear": "unknown",
        "harmed": "breach",
        "improved": "ok",
    }
    assert results["unharmed", "conversion"]["ci_low"] == pytest.approx(-0.0177, abs=5e-5)


def test_a_guardrail_of_something_that_should_be_low_looks_at_the_rise(results: Results) -> None:
    assert {name: results[name, "user_message_count"]["guardrail"] for name in RISES} == {
        "as long": "ok",
        "a bit longer": "unknown",
        "longer": "breach",
        "shorter": "ok",
    }
    assert results["as long", "user_message_count"]["ci_high"] == pytest.approx(0.1397, abs=5e-5)


def test_a_margin_is_in_the_unit_of_the_primary_metric(results: Results) -> None:
    share, value = results["harmed", "conversion"], results["harmed", "value:sale"]
    assert (share["mde_abs"], share["guardrail"]) == (0.05, "breach")
    assert (value["mde_abs"], value["guardrail"], value["required_n_per_variant"]) == (None, None, None)
    assert value["abs_diff"] == pytest.approx(-0.05)
    assert value["verdict_reason"]


def test_cuped_is_the_regression_on_what_users_did_before(results: Results) -> None:
    arms = drawn_users()
    outcome = np.concatenate([arms["control"]["y"], arms["treatment"]["y"]])
    past = np.concatenate([arms["control"]["x"], arms["treatment"]["x"]])
    treated = np.repeat([0.0, 1.0], [len(arms["control"]["y"]), len(arms["treatment"]["y"])])
    (_, effect, slope), residual, _, _ = np.linalg.lstsq(np.column_stack([treated * 0 + 1, treated, past]), outcome)
    row = results["users", "conversion"]
    assert row["cuped_theta"] == pytest.approx(slope, rel=1e-9)
    assert row["cuped_abs_diff"] == pytest.approx(effect, rel=1e-9)
    # Each arm has a variance of its own; the regression has one, and counts the slope among what it estimates.
    pooled = float(residual[0]) / (len(outcome) - 3) * (1 / 700 + 1 / 800)
    assert row["cuped_std_error"] == pytest.approx(pooled**0.5, rel=0.01)
    assert row["cuped_variance_reduction"] == pytest.approx(1 - (row["cuped_std_error"] / row["std_error"]) ** 2)
    width, raw = row["cuped_ci_high"] - row["cuped_ci_low"], row["ci_high"] - row["ci_low"]
    assert width / raw == pytest.approx(row["cuped_std_error"] / row["std_error"], rel=1e-9)


@pytest.mark.parametrize("name", ["newcomers", "alike"])
def test_without_a_past_that_differs_there_is_nothing_to_correct_by(results: Results, name: str) -> None:
    row = results[name, "conversion"]
    assert row["abs_diff"] == pytest.approx(results["users", "conversion"]["abs_diff"])
    assert {
        row[f"cuped_{column}"] for column in ("theta", "abs_diff", "std_error", "ci_low", "variance_reduction")
    } == {None}
