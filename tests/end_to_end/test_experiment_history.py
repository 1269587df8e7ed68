"""What was registered stands from the start on, and a verdict that changes leaves a record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.building.project import assemble_project
from orchestration.building.registrations import check_registrations
from orchestration.configuration.problems import ConfigurationError
from orchestration.reporting.terminal import summarise
from tests.support.experiments import conversion, exposure, registrations
from tests.support.warehouse import WarehouseUnderTest

PLANS = [
    {"test_name": "running", "started_at": "2025-03-01 00:00:00"},
    {"test_name": "coming", "started_at": "2025-09-01 00:00:00", "planned_at": "2025-01-01 00:00:00"},
]
CHANGES = (
    "select metric, old_verdict, new_verdict, load_id, reason from marts.ab_test_verdict_changes "
    "where metric = 'conversion' order by load_id"
)


def arm(variant: str, day: int, exposed: int, converted: int) -> Iterator[dict[str, Any]]:
    """Expose conversations of one day in March 2025, of which the first so many convert."""
    for number in range(exposed):
        yield exposure(f"{variant}-{day}-{number}", "running", variant, f"2025-03-{day:02} 10:00")
    for number in range(converted):
        yield conversion(f"{variant}-{day}-{number}", f"2025-03-{day:02} 11:00")


def register(warehouse: WarehouseUnderTest, plans: list[dict[str, Any]]) -> None:
    (warehouse.settings.seeds or Path()).joinpath("ab_tests.csv").write_text(registrations(plans)["ab_tests.csv"])
    assemble_project(warehouse.home.dbt_project, warehouse.settings.seeds)


def run(warehouse: WarehouseUnderTest, *events: dict[str, Any]) -> None:
    if events:
        warehouse.write_events(events)
    warehouse.land()
    warehouse.build()
    warehouse.publish()


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseUnderTest:
    """One look is complete; treatment converts twice as often."""
    warehouse = WarehouseUnderTest(tmp_path / "warehouse", registrations(PLANS), experiments=True)
    later = exposure("later", "running", "control", "2025-03-03 10:00")
    run(warehouse, *arm("control", 1, 300, 100), *arm("treatment", 1, 300, 200), later)
    return warehouse


def test_a_registration_stands_from_its_start_on(warehouse: WarehouseUnderTest) -> None:
    check_registrations(warehouse.home)
    # A test that has not started may still be corrected, and both versions stay on record.
    running, coming = PLANS
    register(warehouse, [running, {**coming, "planned_total": 5000}])
    check_registrations(warehouse.home)
    run(warehouse)
    recorded = warehouse.rows(
        "select test_name, planned_total, load_id from marts.ab_test_registrations order by test_name, registered_at"
    )
    assert recorded == [("coming", None, 1), ("coming", 5000, 1), ("running", None, 1)]

    register(warehouse, [coming, {**running, "weights": "0.9|0.1", "window_hours": 48}])
    with pytest.raises(ConfigurationError) as refused:
        check_registrations(warehouse.home)
    assert str(refused.value) == (
        "ab_tests.csv: line 3: weights, window_hours: phase 1 of test 'running' has started: "
        "weights was 0.5|0.5 and is 0.9|0.1, window_hours was 24 and is 48; undo the change, or add a row with the "
        "next phase"
    )
    changed_later = {"phase": 2, "weights": "0.9|0.1", "started_at": "2025-03-02 00:00:00"}
    register(warehouse, [coming, running, {**running, **changed_later}])
    check_registrations(warehouse.home)


def test_a_run_ends_with_the_verdicts(warehouse: WarehouseUnderTest) -> None:
    told = summarise(warehouse.home.published, []).partition("A/B tests, by their primary metric\n")[2].splitlines()
    # The newest first; no unit was exposed to the other test yet.
    assert told[:2] == [
        "  running, treatment: significant: treatment better",
        "    treatment has 66.67 % against 33.33 % of control; "
        "the difference is between 19.11 and 47.56 points however often",
    ]
    assert "  coming, treatment: no comparison" in told
    assert "    No unit was exposed to treatment: there is nothing to compare." in told


@pytest.mark.full
def test_a_verdict_that_changes_is_recorded_once_with_its_reason(warehouse: WarehouseUnderTest) -> None:
    first = ("conversion", None, "significant: treatment better", 1, "new_look")
    assert warehouse.rows(CHANGES) == [first]
    run(warehouse)
    assert warehouse.rows(CHANGES) == [first]

    late = [conversion(f"control-1-{number}", "2025-03-01 12:00") for number in range(100, 290)]
    run(warehouse, *late)
    turned = ("conversion", "significant: treatment better", "significant: treatment worse", 2, "late_data")
    assert warehouse.rows(CHANGES) == [first, turned]

    after = exposure("after", "running", "control", "2025-03-05 10:00")
    run(warehouse, *arm("control", 2, 300, 0), *arm("treatment", 2, 300, 150), after)
    back = ("conversion", "significant: treatment worse", "inconclusive: effect reversed", 3, "new_look")
    assert warehouse.rows(CHANGES) == [first, turned, back]
    # A build that is lost takes no record along.
    warehouse.build(full_refresh=True)
    assert warehouse.rows(CHANGES) == [first, turned, back]
