"""Compares the macros of the experiment statistics, as the engine computes them, with scipy and hashlib."""

import hashlib
import math
import random
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import integrate, special, stats  # type: ignore[import-untyped]

from orchestration.settings import PROJECT_DIR
from tests.support.macros import render

# The published reference cases of the design, where they are.
REFERENCE_CASES = PROJECT_DIR.parent / "shared" / "data" / "ab_golden_dev.csv"
QUERIES = {
    "normal": "select x, {{ normal_tail('x') }}, {{ normal_cdf('x') }}, {{ normal_two_sided_p('x') }} from cases",
    "quantile": "select x, {{ normal_quantile('x') }} from cases",
    "log_gamma": "select x, {{ log_gamma('x') }} from cases",
    "stirling": "select x, {{ default__log_gamma('x') }} from cases",
    "student": "select x, df, case when df <= 20 then {{ t_of_few_two_sided_p('x', 'df') }}\n"
    "else {{ normal_two_sided_p(t_as_normal('x', 'df')) }} end from cases",
    "chi_squared": "select x, df, {{ chi_squared_tail('x', 'df') }} from cases",
    "newcombe": "select s0, n0, s1, n1, {{ newcombe_low('s0', 'n0', 's1', 'n1') }},\n"
    "{{ newcombe_high('s0', 'n0', 's1', 'n1') }} from cases",
    "mixture": "select z, r, {{ mixture_log_e('z', 'r') }}, {{ mixture_half_width('r', '0.05') }},\n"
    "{{ p_of_log_e(mixture_log_e('z', 'r')) }} from cases",
    "sample_ratio": "select sum({{ sample_ratio_log_e_of_arm('units', 'weight') }})\n"
    "+ {{ sample_ratio_log_e_of_total('sum(units)') }} from cases",
    "assignment": "select key, divisor, {{ sha256_modulo('key', 'divisor') }} from cases",
}
NORMAL_ERROR = 9e-9

Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Render every query once."""
    return render(tmp_path_factory.mktemp("statistics") / "project", QUERIES, ["statistics", "dialect"])


def compute(query: str, columns: str, rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Run a query over a table `cases` of these columns and rows."""
    with duckdb.connect() as connection:
        connection.execute(f"create table cases ({columns})")
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"insert into cases values ({marks})", rows)
        return connection.execute(query).fetchall()


def largest_error(found: Sequence[float], expected: Sequence[float]) -> float:
    """Return the largest relative error, where expected is far enough from 0 to have one."""
    pairs = [(one, other) for one, other in zip(found, expected, strict=True) if abs(other) > 1e-290]
    assert len(pairs) > len(found) / 2
    return max(abs(one - other) / abs(other) for one, other in pairs)


def test_normal_is_scipys_far_into_the_tails(statistics: dict[str, str]) -> None:
    points = [*np.linspace(-36.9, 36.9, 4001).tolist(), 0.0, 7.07106781186547, -7.07106781186547, 1.959963984540054]
    found = compute(statistics["normal"], "x double", [[point] for point in points])
    tails, cdfs, two_sided = ([float(row[at] or 0.0) for row in found] for at in (1, 2, 3))
    assert largest_error(tails, stats.norm.sf(np.abs(points)).tolist()) < NORMAL_ERROR
    assert largest_error(cdfs, stats.norm.cdf(points).tolist()) < NORMAL_ERROR
    assert two_sided == [2 * tail for tail in tails]


def test_normal_has_ends_and_unknowns(statistics: dict[str, str]) -> None:
    found = compute(statistics["normal"], "x double", [[37.0], [-1e300], [None]])
    assert found == [(37.0, 0.0, 1.0, 0.0), (-1e300, 0.0, 0.0, 0.0), (None, None, None, None)]


def test_quantile_is_scipys_and_null_at_the_ends(statistics: dict[str, str]) -> None:
    points = [*np.linspace(0.0005, 0.9995, 2000).tolist(), 1e-300, 1e-20, 1e-9, 0.9875, 0.975, 1 - 1e-12]
    found = compute(statistics["quantile"], "x double", [[point] for point in points])
    assert largest_error([float(row[1] or 0.0) for row in found], stats.norm.ppf(points).tolist()) < 1e-12
    assert [row[1] for row in compute(statistics["quantile"], "x double", [[0.0], [1.0], [None]])] == [None] * 3


@pytest.mark.parametrize("macro", ["log_gamma", "stirling"])
def test_log_gamma_is_scipys(statistics: dict[str, str], macro: str) -> None:
    points = [*np.geomspace(0.01, 1e9, 3000).tolist(), 0.5, 1.0, 2.0, 100.0]
    found = compute(statistics[macro], "x double", [[point] for point in points])
    expected = special.gammaln(points).tolist()
    errors = [
        abs(float(row[1] or 0.0) - value) / max(1.0, abs(value)) for row, value in zip(found, expected, strict=True)
    ]
    assert max(errors) < 5e-13


def test_t_is_scipys_for_few_and_for_many_degrees(statistics: dict[str, str]) -> None:
    degrees = [1.0, 1.5, 2.0, 3.7, 10.0, 19.5, 20.0, 20.5, 98.3, 1000.5, 1e5, 1e9]
    rows: list[list[Any]] = [
        [t, df] for df in degrees for t in (0.0, 1e-6, 0.3, -1.0, 1.7321, 1.96, 2.5, -4.0, 7.0, 20.0)
    ]
    found = compute(statistics["student"], "x double, df double", rows)
    for t, df, p in found:
        assert p == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-7, abs=1e-12), (t, df)
    unknown = compute(statistics["student"], "x double, df double", [[1.0, 0.0], [1.0, None], [None, 5.0]])
    assert [row[2] for row in unknown] == [None] * 3


def test_chi_squared_is_scipys_up_to_sixteen_variants(statistics: dict[str, str]) -> None:
    rows = [[x, df] for df in range(1, 16) for x in (0.0, 1e-9, 0.01, 0.5, 1.0, 3.84, 10.0, 40.0, 300.0, 1_000.0)]
    found = compute(statistics["chi_squared"], "x double, df integer", rows)
    for x, df, p in found:
        assert p == pytest.approx(stats.chi2.sf(x, df), rel=2e-8), (x, df)
    unknown = compute(statistics["chi_squared"], "x double, df integer", [[1.0, 0], [1.0, 16], [None, 3]])
    assert [row[2] for row in unknown] == [None] * 3


COUNTS = [(48, 80, 56, 70), (0, 10, 0, 12), (10, 10, 12, 12), (0, 1, 1, 1), (1, 1_000_000, 3, 900_000), (5, 56, 0, 29)]


@pytest.mark.parametrize("counts", COUNTS)
def test_newcombe_is_what_the_wilson_bounds_of_scipy_make(
    statistics: dict[str, str], counts: tuple[int, int, int, int]
) -> None:
    [(*_, low, high)] = compute(statistics["newcombe"], "s0 bigint, n0 bigint, s1 bigint, n1 bigint", [counts])
    s0, n0, s1, n1 = counts
    control, treatment = (stats.binomtest(s, n).proportion_ci(method="wilson") for s, n in ((s0, n0), (s1, n1)))
    difference = s1 / n1 - s0 / n0
    below = math.hypot(s1 / n1 - treatment.low, control.high - s0 / n0)
    above = math.hypot(treatment.high - s1 / n1, s0 / n0 - control.low)
    assert low == pytest.approx(difference - below, rel=1e-6, abs=1e-12)
    assert high == pytest.approx(difference + above, rel=1e-6, abs=1e-12)


def test_newcombe_is_the_published_interval(statistics: dict[str, str]) -> None:
    """Newcombe (1998), table II, method 10: 56/70 against 48/80, and 9/10 against 3/10."""
    columns = "s0 bigint, n0 bigint, s1 bigint, n1 bigint"
    found = compute(statistics["newcombe"], columns, [(48, 80, 56, 70), (3, 10, 9, 10), (0, 0, 1, 5)])
    bounds = [tuple(None if value is None else round(float(value), 4) for value in row[4:]) for row in found]
    assert bounds == [(0.0524, 0.3339), (0.1705, 0.8090), (None, None)]


def test_mixture_is_the_likelihood_ratio_averaged_over_the_alternatives(statistics: dict[str, str]) -> None:
    """The mixture of normal alternatives by numerical integration, instead of its closed form."""
    rows = [[z, r] for z in (0.0, 0.5, -1.96, 3.0, 6.0) for r in (0.01, 1.0, 7.936154601737565, 300.0)]
    for z, r, log_e, half_width, p in compute(statistics["mixture"], "z double, r double", rows):
        ratio = integrate.quad(
            lambda drift, z=z, r=r: math.exp(drift * z - drift**2 / 2) * stats.norm.pdf(drift, scale=math.sqrt(r)),
            *(-20, 20),
            points=[0, z],
            limit=500,
        )[0]
        assert log_e == pytest.approx(math.log(ratio), rel=1e-7, abs=1e-7), (z, r)
        assert p == pytest.approx(min(1.0, math.exp(-log_e)), rel=1e-12)
        # At the edge of its interval the evidence is exactly 1 / 0.05.
        [(_, _, edge, _, _)] = compute(statistics["mixture"], "z double, r double", [[half_width, r]])
        assert edge == pytest.approx(math.log(20), rel=1e-12)


def test_no_evidence_and_no_underflow_in_extremes(statistics: dict[str, str]) -> None:
    rows: list[list[Any]] = [[1e6, 5.0], [0.0, 0.0], [None, 1.0]]
    found = compute(statistics["mixture"], "z double, r double", rows)
    assert [row[4] for row in found] == [math.exp(-700), 1.0, None]
    assert found[1][3] is None


def test_sample_ratio_is_scipys_dirichlet_multinomial(statistics: dict[str, str]) -> None:
    for counts, weights in (
        ((600, 400), (0.5, 0.5)),
        ((0, 1), (0.9, 0.1)),
        ((5_000_123, 4_999_000, 10_003_000), (0.25, 0.25, 0.5)),
    ):
        rows: list[list[Any]] = [[float(count), weight] for count, weight in zip(counts, weights, strict=True)]
        [(log_e,)] = compute(statistics["sample_ratio"], "units double, weight double", rows)
        total = sum(counts)
        mixed = stats.dirichlet_multinomial(100 * np.array(weights), total).logpmf(counts)
        planned = stats.multinomial(total, weights).logpmf(counts)
        assert log_e == pytest.approx(mixed - planned, rel=1e-6, abs=1e-6)


def test_assignment_is_the_hash_over_all_its_bits(statistics: dict[str, str]) -> None:
    rng = random.Random(7)  # noqa: S311 - reproducible, nothing secret
    letters = "abc-XYZ_0123456789 :äßé漢字🙂\u0301'\"\\"
    keys = ["", *("".join(rng.choices(letters, k=rng.randint(1, 40))) for _ in range(9_999))]
    rows: list[list[Any]] = [[f"test:{key}", 2 + number % 6] for number, key in enumerate(keys)]
    found = compute(statistics["assignment"], "key varchar, divisor bigint", rows)
    expected = [int(hashlib.sha256(str(text).encode()).hexdigest(), 16) % int(divisor) for text, divisor in rows]
    assert [row[2] for row in found] == expected
    assert {row[1] for row in found} == {2, 3, 4, 5, 6, 7}
