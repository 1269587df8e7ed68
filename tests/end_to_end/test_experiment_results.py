"""What the shipped experiment models make of sums whose results are published or computed elsewhere."""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from tests.support.experiments import Experiments
from tests.support.warehouse import SHARED_DATA

CASES = SHARED_DATA / "ab_golden_dev.csv"
LEFT_OUT = {"n_per_arm_evanmiller", "n_per_arm_arcsine", "n_per_arm_pooled_null", "bh", "published"}
UNTIL = datetime(2025, 3, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone

pytestmark = pytest.mark.skipif(not CASES.exists(), reason=f"{CASES} is not there; it is not part of the repository")


def read_cases() -> dict[str, dict[str, Any]]:
    """Return the reference cases by id, their inputs and expectations read."""
    if not CASES.exists():
        return {}
    with CASES.open(newline="", encoding="utf-8") as file:
        return {
            row["case_id"]: {**row, "inputs": json.loads(row["inputs"]), "expected": json.loads(row["expected"])}
            for row in csv.DictReader(file)
        }


GOLDEN = read_cases()
TWO_ARMS = [name for name, case in GOLDEN.items() if case["kind"] in {"two_prop", "verdict"}]


def registration(name: str, case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a case; a plan written down after the start is none, so that it is read at any time."""
    inputs = case["inputs"]
    row: dict[str, Any] = {"test_name": name}
    if "planned_total" in inputs:
        row |= {"planned_total": inputs["planned_total"], "planned_at": "2025-01-15 00:00:00"}
    if case["kind"] == "delta_ratio":
        row |= {"randomization_unit": "user", "planned_total": 2000, "planned_at": "2025-01-15 00:00:00"}
    if case["kind"] == "sample_size":
        row |= {"mde_abs": inputs["mde_abs"]}
    if case["kind"] == "multiplicity":
        treatments = [f"treatment_{number}" for number in range(len(inputs["p"]))]
        shares = "|".join(str(1 / (len(treatments) + 1)) for _ in range(len(treatments) + 1))
        row |= {"variants": "|".join(["control", *treatments]), "weights": shares}
        row |= {"primary_metric": "session_seconds", "metric_type": "engagement"}
    return row


def sums_of(name: str, case: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the sums of each arm, in the order of SUMS."""
    inputs = case["inputs"]
    if case["kind"] == "multiplicity":
        yield (name, "session_seconds", "control", *_mean_sums(0.0))
        for number, p_value in enumerate(inputs["p"]):
            yield (name, "session_seconds", f"treatment_{number}", *_mean_sums(_difference(p_value)))
    for variant in ("control", "treatment"):
        if case["kind"] == "delta_ratio":
            arm = inputs[variant]
            yield (
                *(name, "conversion", variant, arm["n_users"], arm["sum_conv"], arm["sum_sessions"], arm["sum_conv"]),
                *(arm["sum_conv_sq"], arm["sum_sessions_sq"], arm["sum_cross"]),
            )
        elif case["kind"] in {"two_prop", "verdict", "sample_size"}:
            converted, units = inputs[variant] if variant in inputs else (int(1000 * inputs["baseline"]), 1000)
            yield (name, "conversion", variant, units, converted, units, converted, converted, units, converted)


SUMS = (
    *("test_name", "metric", "variant", "units", "converted_units"),
    *("sum_m", "sum_y", "sum_yy", "sum_mm", "sum_ym"),
)
UNITS_OF_MEANS = 1000


def _mean_sums(mean: float) -> tuple[float, ...]:
    """Return the sums of an arm of this mean whose variance is 1."""
    squares = UNITS_OF_MEANS - 1 + UNITS_OF_MEANS * mean * mean
    total = UNITS_OF_MEANS * mean
    return (UNITS_OF_MEANS, 0, UNITS_OF_MEANS, total, squares, UNITS_OF_MEANS, total)


def _difference(p_value: float) -> float:
    """Return the difference of two such means whose always-valid p-value is this: the e-value solved for z."""
    ratio = 7.936154601737565 * 2 * UNITS_OF_MEANS / 5000
    z = math.sqrt(2 * (1 + ratio) / ratio * (-math.log(p_value) + 0.5 * math.log(1 + ratio)))
    return z * math.sqrt(2 / UNITS_OF_MEANS)


Results = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Put units and sums of every case in; return the rows of the primary metric by test and variant."""
    rows = [registration(name, case) for name, case in GOLDEN.items() if case["kind"] != "assignment"]
    size = GOLDEN["sample_size_01"]
    rows.append(registration("group_sequential", size) | {"planned_total": 4000, "planned_at": "2024-12-31 00:00:00"})
    experiments = Experiments(tmp_path_factory.mktemp("golden"), rows, UNTIL)
    counts = GOLDEN["srm_02"]["inputs"]["counts"]
    arms = [("srm_02", variant, count) for variant, count in zip(("control", "treatment"), counts, strict=True)]
    arms += [
        (row["test_name"], variant, 1000)
        for row in rows
        for variant in row.get("variants", "control|treatment").split("|")
        if row["test_name"] != "srm_02"
    ]
    names, variants, units = zip(*arms, strict=True)
    experiments.put_units(
        pd.DataFrame({"test_name": names, "variant": variants, "day": [19] * len(arms), "units": units})
    )
    experiments.build_from("int_ab_test_units_found")
    measured = GOLDEN | {"group_sequential": size}
    rows_of_sums = [row for name, case in measured.items() for row in sums_of(name, case)]
    experiments.put_sums(pd.DataFrame(rows_of_sums, columns=list(SUMS)).assign(day=19))
    experiments.build_from("int_ab_test_dates_summed")
    found = experiments.rows("select * from marts.ab_test_results where not is_exploratory")
    return {(row["test_name"], row["variant"]): row for row in found}


@pytest.mark.parametrize("name", TWO_ARMS)
def test_two_proportions_are_those_of_the_reference(results: Results, name: str) -> None:
    expected, treatment, control = GOLDEN[name]["expected"], results[name, "treatment"], results[name, "control"]
    found = {
        "rate_control": control["conversion_rate"],
        "rate_treatment": treatment["conversion_rate"],
        "abs_diff": treatment["abs_diff"],
        "rel_lift": treatment["rel_lift"],
        "wilson_control": [control["wilson_low"], control["wilson_high"]],
        "wilson_treatment": [treatment["wilson_low"], treatment["wilson_high"]],
        "z_pooled": treatment["z_pooled"],
        "fixed_p": treatment["fixed_p_value"],
        "newcombe_ci": [treatment["fixed_ci_low"], treatment["fixed_ci_high"]],
        "z_unpooled": treatment["z"],
        "n_star": treatment["planned_total"] or 5000,
        "log_e": treatment["log_e"],
        "anytime_p": min(1.0, math.exp(-treatment["log_e"])),
        "anytime_ci": [treatment["ci_low"], treatment["ci_high"]],
        "verdict": treatment["verdict"],
    }
    for key in expected.keys() - LEFT_OUT:
        if key == "verdict":
            assert found[key] == expected[key]
        else:
            assert found[key] == pytest.approx(expected[key], rel=1e-6), key


def test_without_a_plan_there_is_no_share_of_it(results: Results) -> None:
    assert results["verdict_02", "treatment"]["information_fraction"] is None
    assert results["two_prop_12", "treatment"]["information_fraction"] == 1.0
    assert results["two_prop_01", "treatment"]["information_fraction"] == 0.03


def test_users_are_compared_by_the_delta_method(results: Results) -> None:
    expected, row = GOLDEN["delta_ratio_01"]["expected"], results["delta_ratio_01", "treatment"]
    assert row["abs_diff"] == pytest.approx(expected["diff"], rel=1e-9)
    assert row["std_error"] == pytest.approx(expected["se_delta"], rel=1e-6)
    assert row["z"] == pytest.approx(expected["z"], rel=1e-6)
    assert row["fixed_p_value"] == pytest.approx(expected["fixed_p"], rel=1e-6)
    assert row["log_e"] == pytest.approx(expected["log_e"], rel=1e-6)
    assert row["sequential_p_value"] == pytest.approx(expected["anytime_p"], rel=1e-6)
    assert row["z_pooled"] is None


def test_several_treatments_share_one_chance_of_error(results: Results) -> None:
    case = GOLDEN["multiplicity_01"]
    rows = [results["multiplicity_01", f"treatment_{number}"] for number in range(4)]
    assert [row["sequential_p_value"] for row in rows] == pytest.approx(case["inputs"]["p"], rel=1e-9)
    assert [row["sequential_p_holm"] for row in rows] == pytest.approx(case["expected"]["holm"], rel=1e-9)
    assert [row["verdict"] for row in rows] == [
        "significant: treatment better" if p < 0.05 else "inconclusive" for p in case["expected"]["holm"]
    ]


def test_units_that_fall_to_the_variants_otherwise_than_planned_make_it_invalid(results: Results) -> None:
    expected, row = GOLDEN["srm_02"]["expected"], results["srm_02", "treatment"]
    assert row["srm_p_value"] == pytest.approx(expected["dm_p"], rel=1e-6)
    assert row["srm_chi2_p"] == pytest.approx(expected["srm_p"], rel=1e-6)
    assert row["verdict"] == "invalid: sample ratio mismatch"
    assert "400 to treatment, 600 to control" in row["verdict_reason"]


def test_how_many_units_a_difference_needs(results: Results) -> None:
    expected = GOLDEN["sample_size_01"]["expected"]
    msprt, group_sequential = results["sample_size_01", "treatment"], results["group_sequential", "treatment"]
    assert (msprt["method"], group_sequential["method"]) == ("msprt", "group_sequential")
    assert msprt["required_n_per_variant"] == math.ceil(1.75 * expected["n_per_arm_unpooled"])
    assert group_sequential["required_n_per_variant"] == math.ceil(expected["n_per_arm_horizon"])
