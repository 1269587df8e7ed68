"""A real A/B test with published numbers, from its events to the verdict: three arms of 64,000 customers."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.experiments import registrations
from tests.support.warehouse import SHARED_DATA, WarehouseUnderTest

REFERENCE = SHARED_DATA / "ab_hillstrom" / "reference.json"
CONTROL = "No E-Mail"
TREATMENTS = ("Womens E-Mail", "Mens E-Mail")
# The window of the last exposure has passed only when something later is known.
LATER = {
    "event_id": "later",
    "conversation_id": "later",
    "event_type": "user_message",
    "timestamp": "2024-03-20T00:00:00Z",
}

pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason=f"{REFERENCE} is not there; it is not part of the repository"
)


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """Return the published numbers."""
    loaded: dict[str, Any] = json.loads(REFERENCE.read_text())
    return loaded


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Land the events under a registration and return the results by metric and variant."""
    plan = {
        "test_name": "email_campaign",
        "control_variant": CONTROL,
        "variants": "|".join([CONTROL, *TREATMENTS]),
        "weights": "0.333333|0.333333|0.333334",
        "assignment": "external",
        "primary_metric": "conversion:visit",
        "window_hours": 336,
        "started_at": "2024-03-01 00:00:00",
    }
    warehouse = WarehouseUnderTest(tmp_path_factory.mktemp("hillstrom"), registrations([plan]), experiments=True)
    warehouse.link_real_set("ab_hillstrom")
    warehouse.write_events([LATER], name="later.jsonl")
    warehouse.land()
    warehouse.build()
    columns = [name for (name,) in warehouse.rows("select name from pragma_table_info('marts.ab_test_results')")]
    found = [dict(zip(columns, row, strict=True)) for row in warehouse.rows("select * from marts.ab_test_results")]
    return {(row["metric"], row["variant"]): row for row in found}


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize("goal", ["visit", "purchase"])
def test_each_treatment_against_nothing_is_as_published(
    rows: Mapping[tuple[str, str], Mapping[str, Any]], reference: Mapping[str, Any], treatment: str, goal: str
) -> None:
    published = reference[f"{treatment} vs {CONTROL}"][goal]
    row, control = rows[f"conversion:{goal}", treatment], rows[f"conversion:{goal}", CONTROL]
    for found, arm in ((row, reference["arms"][treatment]), (control, reference["arms"][CONTROL])):
        assert (found["mature_units"], found["conversions"]) == (arm["n"], arm[f"{goal}s"])
        assert found["conversion_rate"] == pytest.approx(arm[f"{goal}_rate"], rel=1e-12)
    assert row["abs_diff"] == pytest.approx(published["diff"], rel=1e-9)
    assert row["z_pooled"] == pytest.approx(published["z"], rel=1e-9)
    margin = 1.959963984540054 * row["std_error"]
    assert [row["abs_diff"] - margin, row["abs_diff"] + margin] == pytest.approx(published["ci95"], rel=1e-6)
    assert row["verdict"] == "significant: treatment better"
    assert row["is_exploratory"] == (goal == "purchase")
    assert row["srm_p_value"] > 0.5
    assert control["verdict"] is None


def test_what_customers_spend_is_a_mean(
    rows: Mapping[tuple[str, str], Mapping[str, Any]], reference: Mapping[str, Any]
) -> None:
    arm = reference["arms"]["Mens E-Mail"]
    row = rows["value:purchase", "Mens E-Mail"]
    published = reference[f"Mens E-Mail vs {CONTROL}"]["spend_t_pooled"]
    assert row["mean_value"] == pytest.approx(arm["spend_per_customer"], rel=1e-9)
    assert row["abs_diff"] == pytest.approx(published["diff"], rel=1e-9)
    # The published interval pools the variances, Welch's does not: with arms of one size hardly another interval.
    assert [row["fixed_ci_low"], row["fixed_ci_high"]] == pytest.approx(published["ci95"], rel=1e-3)
