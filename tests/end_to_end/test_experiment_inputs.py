"""Broken exposures and conversions: each is counted, explained, and kept out of what it must not change."""

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.experiments import conversion, exposure, registrations
from tests.support.warehouse import WarehouseUnderTest

PLANS: list[dict[str, Any]] = [
    {"test_name": "units", "started_at": "2025-03-01 00:00:00"},
    {"test_name": "people", "randomization_unit": "user", "window_hours": 72, "started_at": "2025-03-20 00:00:00"},
    {"test_name": "hashed", "assignment": "sha256_mod", "started_at": "2025-04-01 00:00:00"},
    {"test_name": "phased", "started_at": "2025-04-10 00:00:00"},
    {"test_name": "phased", "phase": 2, "weights": "0.9|0.1", "started_at": "2025-04-20 00:00:00"},
    {"test_name": "lonely", "started_at": "2025-05-01 00:00:00"},
]


def drawn_as_control(count: int) -> list[str]:
    """Return conversation ids whose hash gives the first of two variants."""
    keys = (f"h{number}" for number in range(100))
    return [key for key in keys if int(hashlib.sha256(f"hashed:{key}".encode()).hexdigest(), 16) % 2 == 0][:count]


def events() -> Iterator[dict[str, Any]]:
    """Yield one case after the other; the tests lie apart in time, so that the conversions of one are of no other."""
    yield exposure("twice", "units", "control", "2025-03-02 10:00")
    yield exposure("twice", "units", "control", "2025-03-02 10:05")
    yield exposure("mixed", "units", "control", "2025-03-02 10:00")
    yield exposure("mixed", "units", "treatment", "2025-03-02 10:05")
    yield exposure("both", "units", "control", "2025-03-02 10:00")
    yield exposure("both", "units", "treatment", "2025-03-02 10:00")
    yield exposure("stranger", "units", "green", "2025-03-02 10:00")
    yield exposure("early", "units", "control", "2025-02-20 10:00")
    yield conversion("eager", "2025-03-02 09:59")
    yield exposure("eager", "units", "control", "2025-03-02 10:00")
    yield exposure("late", "units", "treatment", "2025-03-02 10:00")
    yield conversion("late", "2025-03-03 11:00")
    yield conversion("unexposed", "2025-03-02 12:00")
    yield exposure("one", "units", "treatment", "2025-03-02 10:00", user="torn")
    yield exposure("other", "units", "control", "2025-03-02 10:05", user="torn")

    yield exposure("nobody", "people", "control", "2025-03-20 10:00")
    yield exposure("faithful-1", "people", "control", "2025-03-20 10:00", user="faithful")
    yield exposure("faithful-2", "people", "control", "2025-03-21 10:00", user="faithful")
    yield exposure("changed-1", "people", "control", "2025-03-20 10:00", user="changed")
    yield exposure("changed-2", "people", "treatment", "2025-03-21 10:00", user="changed")
    yield exposure("new", "people", "treatment", "2025-03-20 10:00", user="new")

    right, wrong = drawn_as_control(2)
    yield exposure(right, "hashed", "control", "2025-04-01 10:00")
    yield exposure(wrong, "hashed", "treatment", "2025-04-01 10:00")

    yield exposure("long", "phased", "control", "2025-04-10 10:00")
    yield exposure("long", "phased", "treatment", "2025-04-20 10:00")
    yield exposure("short", "phased", "treatment", "2025-04-10 10:00")
    yield exposure("second-1", "phased", "control", "2025-04-20 10:00")
    yield exposure("second-2", "phased", "treatment", "2025-04-20 10:00")

    yield exposure("shared", "lonely", "treatment", "2025-05-01 10:00")
    yield exposure("alone", "lonely", "treatment", "2025-05-01 10:00")
    yield exposure("shared", "unplanned", "x", "2025-05-01 11:00")
    yield exposure("single", "unplanned", "y", "2025-05-01 11:00")
    # The windows have passed only when something later is known.
    yield exposure("last", "units", "control", "2025-06-01 10:00")


# Test, phase, check, level, how many, of how many; none of these units converts within its window.
EXPECTED = [
    ("hashed", 1, "assignment_mismatch", "warning", 1, 2),
    ("hashed", 1, "no_conversions", "warning", 2, 2),
    ("lonely", 1, "empty_arm", "warning", 1, 2),
    ("lonely", 1, "no_conversions", "warning", 1, 2),
    ("lonely", 1, "other_tests", "info", 1, 2),
    ("people", 1, "contaminated", "warning", 1, 3),
    ("people", 1, "no_conversions", "warning", 2, 2),
    ("people", None, "null_user", "warning", 1, 6),
    ("phased", 1, "carried_over", "info", 1, 2),
    ("phased", 1, "no_conversions", "warning", 2, 2),
    ("phased", 2, "no_conversions", "warning", 2, 2),
    ("units", 1, "ambiguous", "warning", 1, 9),
    ("units", 1, "contaminated", "warning", 1, 9),
    ("units", 1, "converted_after_window", "info", 1, 2),
    ("units", 1, "converted_before_exposure", "info", 1, 2),
    ("units", 1, "no_conversions", "warning", 2, 2),
    ("units", 1, "repeated", "info", 1, 9),
    ("units", 1, "unknown_variant", "warning", 1, 9),
    ("units", None, "before_start", "warning", 1, 10),
    ("units", None, "users_in_several_variants", "warning", 1, 1),
    ("unplanned", 1, "no_control", "warning", 2, 2),
    ("unplanned", 1, "no_conversions", "warning", 2, 2),
    ("unplanned", 1, "other_tests", "info", 1, 2),
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    """Land and build every case."""
    warehouse = WarehouseUnderTest(tmp_path_factory.mktemp("inputs"), registrations(PLANS), experiments=True)
    warehouse.write_events(events())
    warehouse.land()
    warehouse.build(tests=True)
    return warehouse


def test_each_broken_input_is_counted(warehouse: WarehouseUnderTest) -> None:
    # Units that converted elsewhere during a test are counted below: `units` runs through the time of all others.
    found = warehouse.rows(
        "select test_name, phase, check_name, level, affected_count, total_count from marts.ab_test_health "
        "where check_name <> 'converted_without_exposure' order by test_name, phase nulls last, check_name"
    )
    assert found == EXPECTED


def test_conversions_without_exposure_are_those_of_the_time_of_the_test(warehouse: WarehouseUnderTest) -> None:
    found = warehouse.rows(
        "select test_name, affected_count, total_count from marts.ab_test_health "
        "where check_name = 'converted_without_exposure'"
    )
    # `eager` converted before any exposure; `late` was exposed.
    assert found == [("units", 1, 2)]


def test_only_units_of_which_the_variant_is_sure_are_counted(warehouse: WarehouseUnderTest) -> None:
    found = warehouse.rows(
        "select test_name, phase, variant, exposed_units, mature_units from marts.ab_test_results "
        "where metric = 'conversion' order by all"
    )
    assert found == [
        ("hashed", 1, "control", 1, 1),
        ("hashed", 1, "treatment", 1, 1),
        ("lonely", 1, "control", 0, 0),
        ("lonely", 1, "treatment", 2, 2),
        ("people", 1, "control", 2, 2),
        ("people", 1, "treatment", 1, 1),
        ("phased", 1, "control", 1, 1),
        ("phased", 1, "treatment", 1, 1),
        ("phased", 2, "control", 1, 1),
        ("phased", 2, "treatment", 1, 1),
        # twice, mixed, eager, other, and last, whose window has not passed.
        ("units", 1, "control", 5, 4),
        ("units", 1, "treatment", 2, 2),
        ("unplanned", 1, "x", 1, 1),
        ("unplanned", 1, "y", 1, 1),
    ]


def test_what_cannot_be_compared_says_why(warehouse: WarehouseUnderTest) -> None:
    found = dict(
        warehouse.rows(
            "select test_name || ' ' || variant, verdict || ': ' || verdict_reason from marts.ab_test_results "
            "where metric = 'conversion' and verdict = 'no comparison'"
        )
    )
    assert found == {
        "lonely treatment": "no comparison: No unit was exposed to control, the control: there is nothing to compare "
        "with.",
        "unplanned x": "no comparison: Nobody said which variant is the control: register the test, send is_control "
        "with one variant's exposures, or name it control.",
        "unplanned y": "no comparison: Nobody said which variant is the control: register the test, send is_control "
        "with one variant's exposures, or name it control.",
    }


def test_no_number_of_an_experiment_is_infinite_or_none(warehouse: WarehouseUnderTest) -> None:
    columns = warehouse.rows(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'marts' and table_name like 'ab_test%' and data_type = 'DOUBLE'"
    )
    assert len(columns) > 30
    values = [
        value
        for table, column in columns
        for (value,) in warehouse.rows(f'select "{column}" from marts.{table}')
        if value
    ]
    assert values and all(math.isfinite(value) for value in values)
