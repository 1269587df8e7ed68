"""Compares the statistics macros, as the engine computes them, with formulas and tables that do not come from them."""

import itertools
import math
from collections.abc import Sequence

import duckdb
import pytest

from tests.support.macros import render

Z = 1.959963984540054
HUGE = 10**15

# The 0.975 quantiles of Student's t as printed in tables, by degrees of freedom.
T_TABLE = {
    1: 12.7062047364,
    2: 4.3026527299,
    3: 3.1824463053,
    4: 2.7764451052,
    5: 2.5705818366,
    10: 2.2281388520,
    30: 2.0422724563,
    100: 1.9839715185,
    1000: 1.9623390808,
}
COUNTED = [
    (0, 1),
    (1, 1),
    (0, 5),
    (5, 5),
    (1, 2),
    (1, 100),
    (50, 100),
    (99, 100),
    (264, 489),
    (0, HUGE),
    (1, HUGE),
    (HUGE // 3, HUGE),
    (HUGE, HUGE),
]
UNKNOWN: list[tuple[int | None, int | None]] = [(0, 0), (None, 0), (0, None), (3, None), (None, None), (None, 5)]

Number = float | None


def values(rows: Sequence[Sequence[int | None]]) -> str:
    """Return the rows as an SQL list of rows; None is a typed null."""
    cells = [[f"cast({'null' if cell is None else cell} as bigint)" for cell in row] for row in rows]
    return ", ".join(f"({', '.join(row)})" for row in cells)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval in its textbook form, over the observed rate instead of the counts."""
    rate = successes / trials
    shrink = 1 + Z**2 / trials
    centre = (rate + Z**2 / (2 * trials)) / shrink
    half = Z / shrink * math.sqrt(rate * (1 - rate) / trials + Z**2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Render one query a macro."""
    models = {
        "intervals": "select s, n, {{ wilson_low('s', 'n') }} as low, {{ wilson_high('s', 'n') }} as high\n"
        f"from (values {values([*COUNTED, *UNKNOWN])}) as cases(s, n)\n",
        "quantiles": "select df, {{ t_quantile_975('df') }} as quantile\n"
        f"from (values {values([[df] for df in (None, *range(201), 1000, HUGE)])}) as cases(df)\n",
    }
    return render(tmp_path_factory.mktemp("statistics") / "project", models, ["statistics"])


@pytest.fixture(scope="module")
def intervals(statistics: dict[str, str]) -> dict[tuple[int | None, int | None], tuple[Number, Number]]:
    rows = duckdb.sql(statistics["intervals"]).fetchall()
    return {(s, n): (low, high) for s, n, low, high in rows}


@pytest.fixture(scope="module")
def quantiles(statistics: dict[str, str]) -> dict[int | None, Number]:
    return dict(duckdb.sql(statistics["quantiles"]).fetchall())


@pytest.mark.parametrize(("successes", "trials"), COUNTED)
def test_wilson_bounds_are_those_of_the_textbook(
    intervals: dict[tuple[int, int], tuple[float, float]], successes: int, trials: int
) -> None:
    low, high = intervals[successes, trials]
    expected_low, expected_high = wilson(successes, trials)
    # At 0 of a huge number the whole interval is narrower than what either form can tell from 0.
    assert low == pytest.approx(expected_low, rel=1e-9, abs=1e-15)
    assert high == pytest.approx(expected_high, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("successes", "trials"), COUNTED)
def test_wilson_bounds_hold_the_rate_inside_the_unit_interval(
    intervals: dict[tuple[int, int], tuple[float, float]], successes: int, trials: int
) -> None:
    low, high = intervals[successes, trials]
    # At all of a huge number the last digit of a double is lost.
    assert 0 <= low <= successes / trials <= high + 1e-15 <= 1 + 1e-15


def test_wilson_bounds_touch_the_ends_at_none_and_at_all(
    intervals: dict[tuple[int, int], tuple[float, float]],
) -> None:
    # 0 of 1: z^2 / (1 + z^2); 1 of 1 is its mirror image.
    assert intervals[0, 1][0] == 0
    assert intervals[0, 1][1] == pytest.approx(0.793450685622763, rel=1e-12)
    assert intervals[1, 1][0] == pytest.approx(0.206549314377237, rel=1e-12)
    assert intervals[1, 1][1] == 1


@pytest.mark.parametrize(("successes", "trials"), UNKNOWN)
def test_wilson_bounds_of_the_unknown_are_null(
    intervals: dict[tuple[int | None, int | None], tuple[Number, Number]], successes: int | None, trials: int | None
) -> None:
    assert intervals[successes, trials] == (None, None)


@pytest.mark.parametrize(("degrees_of_freedom", "expected"), T_TABLE.items())
def test_t_quantile_is_that_of_the_table(quantiles: dict[int, float], degrees_of_freedom: int, expected: float) -> None:
    tolerance = {1: 1e-9, 2: 1e-9, 3: 0.0039, 4: 0.0039}.get(degrees_of_freedom, 0.0004)
    assert quantiles[degrees_of_freedom] == pytest.approx(expected, abs=tolerance)


def test_t_quantile_falls_towards_the_normal_one(quantiles: dict[int, float]) -> None:
    falling = [quantiles[df] for df in (*range(1, 201), 1000, HUGE)]
    assert all(later < earlier for earlier, later in itertools.pairwise(falling))
    assert falling[-1] == pytest.approx(Z, abs=1e-12)


def test_t_quantile_needs_a_degree_of_freedom(quantiles: dict[int | None, Number]) -> None:
    assert quantiles[0] is None
    assert quantiles[None] is None
