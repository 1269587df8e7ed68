"""Rows of seeds/ab_tests.csv that plan nothing are refused before a run starts."""

from collections.abc import Mapping

import pytest

from orchestration.configuration.experiment_rows import experiment_problems

GOOD = {
    "test_name": "tone",
    "phase": "1",
    "control_variant": "formal",
    "variants": "formal|casual",
    "weights": "0.5|0.5",
    "assignment": "",
    "randomization_unit": "",
    "metric_type": "",
    "primary_metric": "",
    "window_hours": "",
    "started_at": "2026-01-01 00:00:00",
    "planned_at": "",
    "planned_total": "",
    "mde_abs": "",
    "test_kind": "",
    "guardrail_margin": "",
}
FACTS = {"is_resolved": "conversion", "session_seconds": "engagement"}
BAD: dict[str, tuple[Mapping[str, str], str]] = {
    "no name": ({"test_name": " "}, "it has no test_name"),
    "no phase": ({"phase": "0"}, "phase '0' is no whole number from 1 on"),
    "a control that is no variant": ({"control_variant": "old"}, "control_variant 'old' is none of formal|casual"),
    "one variant": ({"variants": "formal"}, "variants 'formal' are not 2 to 16 different names between |"),
    "a variant twice": ({"variants": "formal|formal"}, "variants 'formal|formal' are not 2 to 16"),
    "weights above 1": ({"weights": "0.5|0.6"}, "weights 0.5|0.6 add up to 1.1, expected 1"),
    "a weight too few": ({"weights": "1"}, "weights '1' are not 2 numbers from 0 on between |, one a variant"),
    "a negative weight": ({"weights": "1.5|-0.5"}, "weights '1.5|-0.5' are not 2 numbers from 0 on"),
    "uneven weights of a hash": (
        {"assignment": "sha256_mod", "weights": "0.9|0.1"},
        "sha256_mod deals its variants out alike; other weights need assignment external",
    ),
    "an unknown assignment": ({"assignment": "md5"}, "assignment 'md5' is none of sha256_mod, external, (empty)"),
    "an unknown unit": ({"randomization_unit": "device"}, "randomization_unit 'device' is none of session, user"),
    "users without a window": ({"randomization_unit": "user"}, "units that are users need their window_hours"),
    "no moment": ({"started_at": "2026-01-01"}, "started_at '2026-01-01' is no moment such as 2026-01-31 09:00:00"),
    "a moment with a zone": ({"started_at": "2026-01-01 00:00:00+01:00"}, "is no moment such as"),
    "a plan of nobody knows when": ({"planned_total": "1000"}, "planned_total without planned_at"),
    "an unknown metric": (
        {"primary_metric": "mood"},
        "primary_metric 'mood' is none of conversion, conversion:<goal>,",
    ),
    "a goal without a name": ({"primary_metric": "conversion:"}, "primary_metric 'conversion:' is none of conversion"),
    "a mean called a conversion": (
        {"primary_metric": "session_seconds"},
        "primary_metric session_seconds is of type engagement, metric_type says conversion",
    ),
    "no difference that matters": ({"mde_abs": "0"}, "mde_abs '0' is no number above 0"),
    "half a unit": ({"planned_total": "10.5", "planned_at": "2026-01-01 00:00:00"}, "planned_total '10.5' is no whole"),
}


def problems(*rows: Mapping[str, str]) -> list[str]:
    numbered = [(f"ab_tests.csv line {number}", {**GOOD, **row}) for number, row in enumerate(rows, start=2)]
    return list(experiment_problems(numbered, FACTS))


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_named(case: str) -> None:
    cells, problem = BAD[case]
    found = problems({"test_name": "other"}, cells)
    assert len(found) == 1
    assert found[0].startswith("ab_tests.csv line 3: test ")
    assert problem in found[0]


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
def test_a_good_row_is_none(row: Mapping[str, str]) -> None:
    assert problems(row) == []


def test_a_test_does_not_start_twice_at_once_or_backwards() -> None:
    again = problems({}, {"phase": "2"})
    assert again == ["ab_tests.csv line 3: test 'tone': a later phase must start later; its phases are out of order"]
    assert problems({"phase": "2"}, {"started_at": "2026-02-01 00:00:00"})
    assert problems({}, {"phase": "2", "started_at": "2026-02-01 00:00:00", "weights": "0.9|0.1"}) == []


def test_all_phases_draw_the_same_units() -> None:
    later = {"phase": "2", "started_at": "2026-02-01 00:00:00", "randomization_unit": "user", "window_hours": "24"}
    assert problems({}, later) == ["ab_tests.csv line 3: test 'tone': another phase draws by session: name a new test"]
    assert problems({}, {**later, "test_name": "voice"}) == []
