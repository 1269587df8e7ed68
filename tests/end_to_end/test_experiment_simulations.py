"""How often the verdicts are wrong, as docs/experiments.md states it: thousands of drawn tests, the shipped models."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from tests.support.experiments import Experiments
from tests.support.simulated_experiments import DAYS, Arms, drawn_counts, drawn_users, known_as_of

pytestmark = pytest.mark.full

SEEDS = range(1, 2001)
UNTIL = datetime(2025, 4, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone
UNITS = 80 * DAYS
BEFORE, AFTER = "2024-12-31 00:00:00", "2025-01-02 00:00:00"
# A plan registered before the start makes a group-sequential test; one registered after it only tunes the mSPRT.
METHODS = {"group_sequential": BEFORE, "msprt": AFTER}
Z = 1.959963984540054


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    centre = (successes + Z * Z / 2) / (trials + Z * Z)
    half = Z * math.sqrt(successes * (trials - successes) / trials + Z * Z / 4) / (trials + Z * Z)
    return centre - half, centre + half


def plan(name: str, method: str, total: int = UNITS) -> dict[str, Any]:
    return {"test_name": name, "planned_total": total, "planned_at": METHODS[method]}


def shares(experiments: Experiments, query: str) -> Mapping[str, tuple[int, int]]:
    """Return how many tests of each group are true of something, and all of them."""
    return {row["name"]: (int(row["hits"]), int(row["tests"])) for row in experiments.rows(query)}


def printed(title: str, found: Mapping[str, tuple[int, int]]) -> None:
    """Print a table, for docs/experiments.md."""
    rows = [f"{name}: {hits} of {tests}, {100 * hits / tests:.1f} %" for name, (hits, tests) in found.items()]
    print(f"\n{title}", *rows, sep="\n  ")


EVER_SIGNIFICANT = (
    "select split_part(test_name, ' ', 1) as name, count(first_significant_date) as hits, count(*) as tests "
    "from marts.ab_test_results where not is_control group by name"
)


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> Experiments:
    """One warehouse without events for all simulations."""
    return Experiments(tmp_path_factory.mktemp("simulations"), [], UNTIL)


def register(experiments: Experiments, plans: Sequence[Mapping[str, Any]]) -> None:
    experiments.run_sql("delete from seeds.ab_tests")
    experiments.put_registrations(plans)


def run(experiments: Experiments, plans: Sequence[Mapping[str, Any]], counts: pd.DataFrame) -> None:
    """Register the tests in place of those before, expose the units and build what follows from them."""
    register(experiments, plans)
    experiments.put_units(counts)
    experiments.put_outcomes(counts)
    experiments.build_from("ab_tests", "int_ab_test_units_found", "int_ab_test_outcomes_measured")


def test_without_a_difference_few_are_ever_significant_though_looked_at_daily(experiments: Experiments) -> None:
    plans = [plan(f"{method} {seed}", method) for method in METHODS for seed in SEEDS]
    names = [(f"{method} {seed}", seed) for method in METHODS for seed in SEEDS]
    run(experiments, plans, drawn_counts(names, Arms()))
    found = shares(experiments, EVER_SIGNIFICANT)
    # For comparison: an ordinary p-value read at each of the same looks, above the same minimum sample.
    naive = shares(
        experiments,
        "select 'ordinary' as name, count(case when highest >= 1.96 then 1 end) as hits, count(*) as tests from ("
        "select test_name, max(case when has_min_sample then abs(z) end) as highest "
        "from intermediate.int_ab_test_looks_adjusted where test_name like 'msprt %' group by test_name)",
    )
    printed("A/A tests ever significant in 28 daily looks", {**found, **naive})
    for hits, tests in found.values():
        assert tests == len(SEEDS)
        assert hits > 0
        assert wilson(hits, tests)[1] <= 0.05
    assert wilson(*naive["ordinary"])[0] > 0.10
    alerts = shares(
        experiments,
        "select 'harm' as name, count(case when harm_alert then 1 end) as hits, count(*) as tests "
        "from marts.ab_test_results where not is_control",
    )
    printed("of them with an alert of harm", alerts)
    assert wilson(*alerts["harm"])[1] <= 0.01


def test_late_conversions_make_no_difference_where_none_is(experiments: Experiments) -> None:
    plans = [plan(f"{method} {seed} {as_of}", method) for method in METHODS for seed in SEEDS for as_of in range(DAYS)]
    names = [(f"{method} {seed}", seed) for method in METHODS for seed in SEEDS]
    counts = known_as_of(drawn_counts(names, Arms()), seed=1, late_share=0.02, latest_days=5)
    counts["test_name"] += " " + counts["as_of"].astype(str)
    register(experiments, plans)
    experiments.put_counts(counts)
    experiments.build_from("ab_tests", "int_ab_test_dates_summed")
    found = shares(
        experiments,
        "select split_part(test_name, ' ', 1) as name, count(distinct case when first_significant_date is not null "
        "then split_part(test_name, ' ', 2) end) as hits, count(distinct split_part(test_name, ' ', 2)) as tests "
        "from marts.ab_test_results where not is_control group by name",
    )
    printed("A/A tests significant as of any of 28 dates, 2 % of the conversions late", found)
    for hits, tests in found.values():
        assert tests == len(SEEDS)
        assert wilson(hits, tests)[1] <= 0.05


def test_users_who_come_back_are_no_more_evidence_than_they_are(experiments: Experiments) -> None:
    names = [(f"users {seed}", seed) for seed in SEEDS]
    register(experiments, [{"test_name": name, "randomization_unit": "user", "window_hours": 24} for name, _ in names])
    experiments.put_users(drawn_users(names, users_per_arm=500))
    experiments.build_from("ab_tests", "int_ab_test_outcomes_measured")
    found = shares(
        experiments,
        """
        select 'delta' as name, count(case when fixed_p_value < 0.05 then 1 end) as hits, count(*) as tests
        from marts.ab_test_results
        where not is_control
        union all
        select 'cuped', count(case when abs(cuped_abs_diff / cuped_std_error) > 1.959963984540054 then 1 end), count(*)
        from marts.ab_test_results
        where not is_control
        union all
        select
            'naive',
            count(case when abs(diff / sqrt(rate * (1 - rate) * (1 / m1 + 1 / m0))) > 1.96 then 1 end),
            count(*)
        from (
            select
                treatment.conversion_rate - control.conversion_rate as diff,
                treatment.exposed_sessions as m1, control.exposed_sessions as m0,
                (treatment.conversion_rate * m1 + control.conversion_rate * m0) / (m1 + m0) as rate
            from marts.ab_test_results as treatment
            inner join marts.ab_test_results as control using (test_name)
            where control.is_control and not treatment.is_control
        )""",
    )
    printed("A/A tests of returning users called significant at one look", found)
    hits, tests = found["delta"]
    assert tests == len(SEEDS)
    assert 0.04 <= hits / tests <= 0.06
    assert wilson(*found["naive"])[0] > 0.15
    hits, tests = found["cuped"]
    assert 0.04 <= hits / tests <= 0.06
    (saved,) = experiments.rows(
        "select avg(cuped_variance_reduction) as share, min(cuped_variance_reduction) as least, "
        "1 - stddev(cuped_abs_diff) ** 2 / stddev(abs_diff) ** 2 as true_share "
        "from marts.ab_test_results where not is_control"
    )
    print(f"CUPED removes {saved['share']:.1%} of the variance, {saved['true_share']:.1%} of that of the differences")
    assert saved["share"] == pytest.approx(saved["true_share"], abs=0.05)
    assert saved["least"] > 0


def test_lost_units_are_noticed_and_a_fair_split_is_not_suspected(experiments: Experiments) -> None:
    groups = {"50.0": 0.5, "52.5": 0.525, "55.0": 0.55, "60.0": 0.6}
    tests = range(1, 501)
    tables = [
        drawn_counts([(f"{group} {seed}", seed) for seed in tests], Arms(treatment_share=share))
        for group, share in groups.items()
    ]
    plans = [plan(f"{group} {seed}", "msprt") for group in groups for seed in tests]
    run(experiments, plans, pd.concat(tables))
    found = shares(
        experiments,
        """
        select
            split_part(test_name, ' ', 1) as name,
            count(case when verdict = 'invalid: sample ratio mismatch' then 1 end) as hits, count(*) as tests
        from marts.ab_test_results
        where not is_control
        group by name""",
    )
    printed("tests called invalid within 28 days by the share of the treatment in %, 50 planned", found)
    assert wilson(*found["50.0"])[0] <= 0.01
    assert found["50.0"][0] < found["52.5"][0] < found["55.0"][0]
    assert wilson(*found["60.0"])[0] > 0.99


def test_the_planned_number_of_units_finds_the_planned_difference(experiments: Experiments) -> None:
    # 80 % power for 0.20 against 0.25 by the formulas of required_n_per_variant: unpooled, times the price of looking.
    both = 0.2 * 0.8 + 0.25 * 0.75
    fixed = (1.959963984540054 + 0.8416212335729143) ** 2 * both / 0.05**2
    needed = {"group_sequential": (2.241402727604947 + 0.8416212335729143) ** 2 * both / 0.05**2, "msprt": 1.75 * fixed}
    tests = range(1, 1001)
    tables: list[pd.DataFrame] = []
    plans: list[dict[str, Any]] = []
    for method, n_per_variant in needed.items():
        arms = Arms(units_per_day=math.ceil(2 * n_per_variant / DAYS), treatment_rate=0.25)
        tables.append(drawn_counts([(f"{method} {seed}", seed) for seed in tests], arms))
        plans.extend(plan(f"{method} {seed}", method, math.ceil(2 * n_per_variant)) for seed in tests)
    run(experiments, plans, pd.concat(tables))
    found = shares(experiments, EVER_SIGNIFICANT)
    printed("tests of 20 % against 25 % that come out significant, with as many units as required_n_per_variant", found)
    for hits, tests_of_method in found.values():
        low, high = wilson(hits, tests_of_method)
        assert high >= 0.80
        assert low <= 0.90
