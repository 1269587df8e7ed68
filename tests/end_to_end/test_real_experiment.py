"""A real A/B test with published numbers, from its events to the verdict: three arms of 64,000 customers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.commands import environment_of, run_command, start_command
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

PLAN = {
    "test_name": "email_campaign",
    "control_variant": CONTROL,
    "variants": "|".join([CONTROL, *TREATMENTS]),
    "weights": "0.333333|0.333333|0.333334",
    "assignment": "external",
    "primary_metric": "conversion:visit",
    "window_hours": 336,
    "started_at": "2024-03-01 00:00:00",
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
    warehouse = WarehouseUnderTest(tmp_path_factory.mktemp("hillstrom"), registrations([PLAN]), experiments=True)
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


@pytest.mark.full
def test_the_command_judges_it_and_refuses_a_plan_changed_since(tmp_path: Path, reference: Mapping[str, Any]) -> None:
    home, seeds = tmp_path / "home", tmp_path / "seeds"
    events = tmp_path / "landing" / "events"
    for folder in (seeds, events):
        folder.mkdir(parents=True)
    (events / "hillstrom.jsonl.gz").write_bytes((REFERENCE.parent / "events.jsonl.gz").read_bytes())
    (events / "later.jsonl").write_text(json.dumps(LATER) + "\n")
    plans = seeds / "ab_tests.csv"
    plans.write_text(registrations([PLAN])["ab_tests.csv"])
    variables = {"COLLOQUY_SEEDS": str(seeds)}
    run_command(home, events.parent, "run", **variables)

    published = home / "published" / "colloquy.duckdb"
    with duckdb.connect(str(published), read_only=True) as connection:
        found = connection.execute(
            "select variant, conversions, z_pooled, verdict from marts.ab_test_results "
            "where metric = 'conversion:visit' and not is_control"
        ).fetchall()
        assert connection.execute("select test_name, weights from marts.ab_test_registrations").fetchall() == [
            (PLAN["test_name"], PLAN["weights"])
        ]
    assert {row[0]: row[1:] for row in found} == {
        treatment: (
            reference["arms"][treatment]["visits"],
            pytest.approx(reference[f"{treatment} vs {CONTROL}"]["visit"]["z"], rel=1e-9),
            "significant: treatment better",
        )
        for treatment in TREATMENTS
    }

    version = published.stat().st_ino
    plans.write_text(registrations([{**PLAN, "window_hours": 24}])["ab_tests.csv"])
    with start_command(environment_of(home, events.parent) | variables, "run") as process:
        printed, _ = process.communicate()
    assert process.returncode != 0
    assert "ab_tests.csv: line 2: window_hours: phase 1 of test 'email_campaign' has started: " in printed
    assert "window_hours was 336 and is 24; undo the change" in printed
    assert published.stat().st_ino == version

    plans.write_text(registrations([PLAN])["ab_tests.csv"])
    assert "Nothing has changed since version 000001 was published" in run_command(
        home, events.parent, "run", **variables
    )
