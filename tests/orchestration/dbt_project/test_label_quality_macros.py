"""Compares kappa and the corrected rates, as the engine computes them, with definitions and with simulated truth."""

import math
from statistics import NormalDist
from typing import NamedTuple

import duckdb
import numpy as np
import pytest

from tests.support.macros import render

Z = NormalDist().inv_cdf(0.975)
_COLUMNS = "true_positives, false_positives, false_negatives, true_negatives, reached, total"
_OF_SAMPLE = (
    "'reached', 'total', 'true_positives', '(true_positives + false_negatives)', "
    "'true_negatives', '(true_negatives + false_positives)'"
)
_QUERY = f"""select {_COLUMNS},
    {{{{ cohens_kappa('true_positives', 'false_positives', 'false_negatives', 'true_negatives') }}}} as kappa,
    {{{{ rogan_gladen({_OF_SAMPLE}) }}}} as rate,
    {{{{ rogan_gladen_low({_OF_SAMPLE}) }}}} as low,
    {{{{ rogan_gladen_high({_OF_SAMPLE}) }}}} as high
from cases
"""


class Case(NamedTuple):
    """A judged sample, and how many of all conversations the classifier answers with yes."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    reached: int
    total: int


class Result(NamedTuple):
    kappa: float | None
    rate: float | None
    low: float | None
    high: float | None


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(tmp_path_factory.mktemp("quality") / "project", {"quality": _QUERY}, ["statistics"])["quality"]


def computed(query: str, cases: list[Case]) -> list[Result]:
    with duckdb.connect() as connection:
        connection.execute(f"create table cases ({_COLUMNS.replace(',', ' bigint,')} bigint)")
        connection.executemany("insert into cases values (?, ?, ?, ?, ?, ?)", [list(case) for case in cases])
        rows = connection.execute(query).fetchall()
    return [Result(*row[6:]) for row in rows]


def kappa(case: Case) -> float | None:
    """Return kappa as Cohen wrote it: the agreement observed against the one that the two judges' rates would give."""
    tp, fp, fn, tn = case[:4]
    n = tp + fp + fn + tn
    if n == 0:
        return None
    observed = (tp + tn) / n
    expected = (tp + fp) / n * (tp + fn) / n + (fn + tn) / n * (fp + tn) / n
    return None if math.isclose(expected, 1) else (observed - expected) / (1 - expected)


def corrected(case: Case) -> float | None:
    """Search the rate by bisection: the one at which the classifier would answer yes as often as it does."""
    tp, fp, fn, tn, reached, total = case
    if total == 0 or tp + fn == 0 or tn + fp == 0 or tp * (tn + fp) <= fp * (tp + fn):
        return None
    sensitivity, false_alarms = tp / (tp + fn), fp / (tn + fp)
    low, high = 0.0, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        seen = rate * sensitivity + (1 - rate) * false_alarms
        low, high = (rate, high) if seen < reached / total else (low, rate)
    return (low + high) / 2


def interval(case: Case) -> tuple[float, float]:
    """Return Lang and Reiczigel's interval in the notation of their paper."""
    tp, fp, fn, tn, reached, total = case
    n = total + Z**2
    ap = (reached + Z**2 / 2) / n
    n_se, n_sp = tp + fn + 2, tn + fp + 2
    se, sp = (tp + 1) / n_se, (tn + 1) / n_sp
    if se + sp - 1 <= 1e-9:
        return 0, 1
    p = (ap + sp - 1) / (se + sp - 1)
    dp = 2 * Z**2 * (p * se * (1 - se) / n_se - (1 - p) * sp * (1 - sp) / n_sp)
    spread = ap * (1 - ap) / n + p**2 * se * (1 - se) / n_se + (1 - p) ** 2 * sp * (1 - sp) / n_sp
    half = Z * math.sqrt(spread) / (se + sp - 1)
    return max(0.0, min(1.0, p + dp - half)), max(0.0, min(1.0, p + dp + half))


def random_cases(count: int) -> list[Case]:
    """Return tables of every kind: empty cells, tiny samples, classifiers that are worse than chance, large numbers."""
    chance = np.random.default_rng(20261121)
    cases = []
    for _ in range(count):
        size = int(chance.choice([1, 2, 5, 30, 400, 100_000]))
        tp, fp, fn, tn = map(int, chance.multinomial(size, chance.dirichlet(np.full(4, chance.choice([0.2, 1.0])))))
        total = int(chance.choice([0, 1, 3, 50, 2_000, 10**9]))
        cases.append(Case(tp, fp, fn, tn, int(chance.integers(0, total + 1)), total))
    return cases


@pytest.mark.full
def test_ten_thousand_random_tables_agree_with_the_definitions(query: str) -> None:
    cases = random_cases(10_000)
    results = computed(query, cases)
    undefined = 0
    for case, result in zip(cases, results, strict=True):
        expected = kappa(case), corrected(case)
        assert (result.kappa, result.rate) == (
            None if expected[0] is None else pytest.approx(expected[0], abs=1e-9),
            None if expected[1] is None else pytest.approx(expected[1], abs=1e-9),
        ), case
        if result.rate is None or result.low is None or result.high is None:
            undefined += 1
            assert (result.low, result.high) == (None, None), case
            continue
        low, high = interval(case)
        assert result.low == pytest.approx(min(low, result.rate), abs=1e-9), case
        assert result.high == pytest.approx(max(high, result.rate), abs=1e-9), case
        assert 0 <= result.low <= result.rate <= result.high <= 1, case
    # Both kinds were among them.
    assert 1_000 < undefined < 9_000


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # No label is judged.
        (Case(0, 0, 0, 0, 5, 10), Result(None, None, None, None)),
        # One row, a yes of both: nothing is known of what a no looks like.
        (Case(1, 0, 0, 0, 5, 10), Result(None, None, None, None)),
        # As good as chance, exactly: 0.9 + 0.1 is no 1 in doubles.
        (Case(9, 9, 1, 1, 50, 100), Result(0, None, None, None)),
        (Case(0, 5, 5, 0, 5, 10), Result(-1, None, None, None)),
        # Two right answers: corrected by nothing, and known to be nothing much: se' = sp' = 2/3.
        (Case(1, 0, 0, 1, 5, 10), Result(1, 0.5, 0, 1)),
    ],
)
def test_edges_by_hand(query: str, case: Case, expected: Result) -> None:
    assert computed(query, [case]) == [expected]


@pytest.mark.parametrize(
    ("rate", "sensitivity", "specificity"), [(0.5, 0.9, 0.9), (0.1, 0.8, 0.95), (0.9, 0.7, 0.7), (0.02, 0.95, 0.99)]
)
def test_the_interval_holds_the_truth_as_often_as_it_says(
    query: str, rate: float, sensitivity: float, specificity: float
) -> None:
    """Draw truth, labels and a judged sample 2,000 times; the truth is known here."""
    chance = np.random.default_rng(7)
    cases = []
    for _ in range(2_000):
        seen = rate * sensitivity + (1 - rate) * (1 - specificity)
        yes = chance.binomial(150, rate)
        tp, fp = chance.binomial(yes, sensitivity), chance.binomial(150 - yes, 1 - specificity)
        cases.append(
            Case(int(tp), int(fp), int(yes - tp), int(150 - yes - fp), int(chance.binomial(3_000, seen)), 3_000)
        )
    results = [one for one in computed(query, cases) if one.low is not None and one.high is not None]
    assert len(results) > 1_800
    held = sum(one.low <= rate <= one.high for one in results if one.low is not None and one.high is not None)
    assert 0.93 < held / len(results) <= 1
