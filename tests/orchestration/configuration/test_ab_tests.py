"""Rows of seeds/ab_tests.csv that plan nothing are refused before a run starts."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.configuration.ab_tests import Experiment, experiment_problems
from orchestration.configuration.reading import read_seed
from tests.support.configured_rows import EXPERIMENT, row_of, shipped

FACTS = {"is_resolved": "conversion", "session_seconds": "engagement"}
# What is changed in a right row, the column that is wrong, and what is wrong with it.
BAD: dict[str, tuple[Mapping[str, str], str, str]] = {
    "no name": ({"test_name": " "}, "test_name", "' ' is not a value"),
    "no phase": ({"phase": "0"}, "phase", "'0' is not a whole number above 0"),
    "a control that is no variant": ({"control_variant": "old"}, "control_variant", "'old' is none of formal, casual"),
    "one variant": ({"variants": "formal"}, "variants", "'formal' are not 2 to 16 different names"),
    "a variant twice": ({"variants": "formal|formal"}, "variants", "'formal|formal' are not 2 to 16 different names"),
    "a variant without a name": ({"variants": "formal|"}, "variants", "'formal|' is not a list of names"),
    "weights above 1": ({"weights": "0.5|0.6"}, "weights", "they add up to 1.1"),
    "a weight too few": ({"weights": "1"}, "weights", "there are 1 weights for 2 variants"),
    "a negative weight": ({"weights": "1.5|-0.5"}, "weights", "'1.5|-0.5' is not a list of numbers from 0 on"),
    "uneven weights of a hash": (
        {"assignment": "sha256_mod", "weights": "0.9|0.1"},
        "weights",
        "sha256_mod gives every variant the same share, and these differ",
    ),
    "an unknown assignment": ({"assignment": "md5"}, "assignment", "'md5' is none of sha256_mod, external"),
    "an unknown unit": ({"randomization_unit": "device"}, "randomization_unit", "'device' is none of session, user"),
    "users without a window": ({"randomization_unit": "user"}, "window_hours", "the cell is empty"),
    "no moment": ({"started_at": "2026-01-01"}, "started_at", "'2026-01-01' is not a UTC moment"),
    "a day that no month has": ({"started_at": "2026-02-30 09:00:00"}, "started_at", "'2026-02-30 09:00:00' is not a"),
    "a moment with a zone": (
        {"started_at": "2026-01-01 00:00:00+01:00"},
        "started_at",
        "'2026-01-01 00:00:00+01:00' is not a UTC moment without a zone",
    ),
    "a plan of nobody knows when": ({"planned_total": "1000"}, "planned_at", "planned_total without planned_at"),
    "an unknown metric": (
        {"primary_metric": "mood"},
        "primary_metric",
        "'mood' is none of conversion, conversion:<goal>,",
    ),
    "a goal without a name": (
        {"primary_metric": "conversion:"},
        "primary_metric",
        "'conversion:' is none of conversion",
    ),
    "a mean called a conversion": (
        {"primary_metric": "session_seconds"},
        "metric_type",
        "primary_metric session_seconds is of type engagement, metric_type states conversion",
    ),
    "no difference that matters": ({"mde_abs": "0"}, "mde_abs", "'0' is not a number above 0"),
    "half a unit": (
        {"planned_total": "10.5", "planned_at": "2026-01-01 00:00:00"},
        "planned_total",
        "'10.5' is not a whole number above 0",
    ),
}


def problems(folder: Path, *rows: Mapping[str, str]) -> list[str]:
    lines = [row_of("ab_tests.csv", **{**EXPERIMENT, **row}) for row in rows]
    path = folder / "ab_tests.csv"
    path.write_text(shipped("ab_tests.csv") + "\n".join(lines) + "\n")
    tests = read_seed(path, Experiment)
    return [str(problem) for problem in (*tests.problems, *experiment_problems(tests, FACTS))]


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_named(tmp_path: Path, case: str) -> None:
    cells, column, what = BAD[case]
    (found,) = problems(tmp_path, {"test_name": "other"}, cells)
    assert found.startswith(f"ab_tests.csv: line 3: {column}: {what}")
    assert "; " in found


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"primary_metric": "is_resolved"},
        {"primary_metric": "value:sale", "metric_type": "engagement"},
        {"randomization_unit": "user", "window_hours": "168"},
        {"assignment": "sha256_mod"},
        {"planned_total": "5000", "planned_at": "2025-12-01 00:00:00", "guardrail_margin": "0.01"},
    ],
)
def test_a_good_row_is_none(tmp_path: Path, row: Mapping[str, str]) -> None:
    assert problems(tmp_path, row) == []


def test_a_test_does_not_start_twice_at_once_or_backwards(tmp_path: Path) -> None:
    again = problems(tmp_path, {}, {"phase": "2"})
    assert again == [
        "ab_tests.csv: line 3: started_at: the phases of test 'tone' are out of order; let a later phase start later"
    ]
    assert problems(tmp_path, {"phase": "2"}, {"started_at": "2026-02-01 00:00:00"})
    assert problems(tmp_path, {}, {"phase": "2", "started_at": "2026-02-01 00:00:00", "weights": "0.9|0.1"}) == []


def test_all_phases_draw_the_same_units(tmp_path: Path) -> None:
    later = {"phase": "2", "started_at": "2026-02-01 00:00:00", "randomization_unit": "user", "window_hours": "24"}
    assert problems(tmp_path, {}, later) == [
        "ab_tests.csv: line 3: randomization_unit: another phase of test 'tone' draws by session; name a new test"
    ]
    assert problems(tmp_path, {}, {**later, "test_name": "voice"}) == []
