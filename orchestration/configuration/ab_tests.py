"""Registered A/B tests: rows of ab_tests.csv; each is the plan of a test, fixed before its data are looked at."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from orchestration.configuration.cells import Moment, Name, Names, NumberAbove0, Shares, Value, WholeAbove0
from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed
from orchestration.configuration.rows import Row

# A chi-squared of more arms is not written out; see macros/statistics/chi_squared.sql.
_MOST_VARIANTS = 16
_GOAL = re.compile(r"(conversion|value):\S(.*\S)?")


class Experiment(Row):
    """A phase of a registered test."""

    file: ClassVar = "ab_tests.csv"
    key: ClassVar = ("test_name", "phase")

    test_name: Value
    phase: WholeAbove0
    control_variant: Value
    variants: Names
    weights: Shares
    assignment: Literal["sha256_mod", "external"] | None
    randomization_unit: Literal["session", "user"] | None
    metric_type: Literal["conversion", "engagement"] | None
    primary_metric: Name | None
    window_hours: WholeAbove0 | None
    started_at: Moment
    planned_at: Moment | None
    planned_total: WholeAbove0 | None
    mde_abs: NumberAbove0 | None
    test_kind: Literal["prompt", "other"] | None
    guardrail_margin: NumberAbove0 | None


def experiment_problems(tests: Seed[Experiment], facts: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with registrations; `facts` maps what a test may be judged by to its metric_type."""
    for line, row in tests.rows.items():
        yield from _plan_problems(tests, line, row)
        yield from _variant_problems(tests, line, row)
        yield from _metric_problems(tests, line, row, facts)
    phases: dict[str, list[tuple[int, Experiment]]] = {}
    for line, row in tests.rows.items():
        phases.setdefault(row.test_name, []).append((line, row))
    for of_test in phases.values():
        yield from _phase_problems(tests, of_test)


def _plan_problems(tests: Seed[Experiment], line: int, row: Experiment) -> Iterator[Problem]:
    if row.randomization_unit == "user" and row.window_hours is None:
        what = "the cell is empty, and units that are users need their window: 24 hours are a session's"
        yield tests.problem(line, "window_hours", what, "write the hours in which an outcome counts")
    if row.planned_total is not None and row.planned_at is None:
        what = "planned_total without planned_at: a plan is one only when it was written down before the start"
        yield tests.problem(line, "planned_at", what, "write when the size was planned, or leave planned_total empty")


def _variant_problems(tests: Seed[Experiment], line: int, row: Experiment) -> Iterator[Problem]:
    count = len(row.variants)
    if not 2 <= count <= _MOST_VARIANTS or len(set(row.variants)) < count:
        what = f"{'|'.join(row.variants)!r} are not 2 to {_MOST_VARIANTS} different names"
        yield tests.problem(line, "variants", what, "name each variant once, between |")
        return
    if row.control_variant not in row.variants:
        what = f"{row.control_variant!r} is none of {', '.join(row.variants)}"
        yield tests.problem(line, "control_variant", what, "write one of the variants")
    if len(row.weights) != count:
        what = f"there are {len(row.weights)} weights for {count} variants"
        yield tests.problem(line, "weights", what, "write one weight a variant, between |")
    elif not math.isclose(sum(row.weights), 1.0, abs_tol=1e-6):
        yield tests.problem(line, "weights", f"they add up to {sum(row.weights):g}", "write shares that add up to 1")
    elif row.assignment == "sha256_mod" and max(row.weights) - min(row.weights) > 1e-6:
        what = "sha256_mod gives every variant the same share, and these differ"
        yield tests.problem(line, "weights", what, "write equal weights, or assignment external")


def _metric_problems(
    tests: Seed[Experiment], line: int, row: Experiment, facts: Mapping[str, str]
) -> Iterator[Problem]:
    metric = row.primary_metric or "conversion"
    if metric == "conversion" or _GOAL.fullmatch(metric):
        expected = "engagement" if metric.startswith("value:") else "conversion"
    elif metric in facts:
        expected = facts[metric]
    else:
        known = ", ".join(["conversion", "conversion:<goal>", "value:<goal>", *sorted(facts)])
        yield tests.problem(line, "primary_metric", f"{metric!r} is none of {known}", "write one of these")
        return
    stated = row.metric_type or "conversion"
    if stated != expected:
        what = f"primary_metric {metric} is of type {expected}, metric_type states {stated}"
        yield tests.problem(line, "metric_type", what, f"write {expected}")


def _phase_problems(tests: Seed[Experiment], phases: list[tuple[int, Experiment]]) -> Iterator[Problem]:
    """Yield what is wrong between the phases of one test: they draw the same units, one after the other."""
    _, first = phases[0]
    for line, row in phases[1:]:
        # Which phase a unit belongs to is decided by its first exposure over all of them.
        if (row.randomization_unit or "session") != (first.randomization_unit or "session"):
            what = f"another phase of test {row.test_name!r} draws by {first.randomization_unit or 'session'}"
            yield tests.problem(line, "randomization_unit", what, "name a new test")
    by_start = sorted(phases, key=lambda phase: (phase[1].started_at, phase[1].phase))
    numbers = [row.phase for _, row in by_start]
    if numbers != sorted(numbers) or len({row.started_at for _, row in by_start}) < len(by_start):
        line, row = by_start[-1]
        what = f"the phases of test {row.test_name!r} are out of order"
        yield tests.problem(line, "started_at", what, "let a later phase start later")
