"""What segment_comparisons calls more than chance: the shipped SQL on drawn tables, against scipy and chance."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom, norm  # type: ignore[import-untyped]

from orchestration.settings import PROJECT_DIR
from tests.support.macros import render

MODELS = {
    "int_segments_tested": "intermediate/metrics/int_segments_tested.sql",
    "segment_comparisons": "marts/metrics/segment_comparisons.sql",
}
MINIMUM_SAMPLE = 100
# Two-sided 95 % of the normal distribution.
Z = 1.959963984540054
# How many conversations the segments of a dimension have, as in four weeks of the demo; the last is the rest.
DIMENSIONS = {
    "device": (4_700, 2_900, 480, 0),
    "channel": (4_000, 1_400, 950, 900, 1_100),
    "source": (3_000, 1_700, 0),
    "two_of_three": (307, 234, 60),
    "hour_of_day": (*(40 + 28 * min(hour, 23 - hour) for hour in range(24)), 0),
    "entry_page": (1_100, 1_000, 950, 900, 450, 160, 120, 5_000),
}
RATES = (0.0005, 0.002, 0.01, 0.05, 0.2, 0.5, 0.75, 0.97)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Compile the two models, their inputs as tables of the same names."""
    texts = {
        f"compiled_{name}": re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", (PROJECT_DIR / "models" / path).read_text())
        for name, path in MODELS.items()
    }
    folder: Path = tmp_path_factory.mktemp("macros")
    compiled = render(folder, texts, ["dialect", "statistics", "project", "incremental"])
    return {name: compiled[f"compiled_{name}"] for name in MODELS}


def compared(shipped: dict[str, str], rows: pd.DataFrame) -> pd.DataFrame:
    """Compare segments: rows of metric_name, segment_type, segment, numerator, denominator and those of the rest."""
    total, successes = rows.denominator + rows.rest_denominator, rows.numerator + rows.rest_numerator
    given = rows.assign(
        segment_value=rows.segment,
        date_from=pd.Timestamp("2026-03-01"),
        date_to=pd.Timestamp("2026-03-28"),
        direction="neutral",
        minimum_sample=MINIMUM_SAMPLE,
        value=rows.numerator / rows.denominator,
        rest_value=rows.rest_numerator / rows.rest_denominator,
        pooled_value=successes / total,
    )
    with duckdb.connect() as connection:
        connection.register("given", given)
        connection.execute("create table int_segments_compared as select * from given")
        for name in MODELS:
            connection.execute(f"create table {name} as {shipped[name]}")
        return connection.execute("select * from segment_comparisons order by metric_name, segment").df()


def families(draw: np.random.Generator, rates: Sequence[float], times: int, lift: float = 1.0) -> pd.DataFrame:
    """Draw each dimension at each rate so many times; `lift` multiplies the rate of its first segment."""
    parts = []
    for dimension, sizes in DIMENSIONS.items():
        for rate in rates:
            chances = np.full(len(sizes), rate)
            chances[0] = min(1.0, rate * lift)
            successes = draw.binomial(sizes, chances, size=(times, len(sizes)))
            total = successes.sum(axis=1)
            parts += [
                pd.DataFrame(
                    {
                        "metric_name": [f"{dimension} {rate} {time}" for time in range(times)],
                        "segment_type": dimension,
                        "segment": f"{dimension}={place:02}",
                        "numerator": successes[:, place],
                        "denominator": size,
                        "rest_numerator": total - successes[:, place],
                        "rest_denominator": sum(sizes) - size,
                    }
                )
                for place, size in enumerate(sizes[:-1])
            ]
    return pd.concat(parts, ignore_index=True)


def mid_p(row: Mapping[Any, Any]) -> float:
    """Return the two-sided mid-p of a table of four by scipy."""
    total, successes = row["sample_size"] + row["rest_sample_size"], row["numerator"] + row["rest_numerator"]
    table = hypergeom(total, successes, row["sample_size"])
    lower = table.cdf(row["numerator"] - 1) + 0.5 * table.pmf(row["numerator"])
    return float(min(1.0, 2 * min(lower, 1 - lower)))


def test_p_values_are_those_of_the_hypergeometric_distribution(shipped: dict[str, str]) -> None:
    """Where all cells expect 100 or more, the z-test: within half of the exact value there."""
    draw = np.random.default_rng(1)
    given = families(draw, RATES, times=3, lift=1.4)
    rest = dict(zip(zip(given.metric_name, given.segment, strict=True), given.rest_numerator, strict=True))
    found = compared(shipped, given)
    found["rest_numerator"] = [rest[key] for key in zip(found.metric_name, found.segment, strict=True)]
    kinds = {"exact": 0, "normal": 0, "none": 0}
    for row in found.to_dict("records"):
        total, successes = row["sample_size"] + row["rest_sample_size"], row["numerator"] + row["rest_numerator"]
        rarer = min(successes, total - successes)
        if min(row["sample_size"], row["rest_sample_size"]) < MINIMUM_SAMPLE or rarer == 0:
            kinds["none"] += 1
            assert np.isnan(row["p_value"])
            continue
        exact, least = mid_p(row), min(row["sample_size"], row["rest_sample_size"]) * rarer / total
        if least < 100:
            kinds["exact"] += 1
            assert row["p_value"] == pytest.approx(exact, rel=1e-4, abs=1e-9), row
        else:
            kinds["normal"] += 1
            pooled = successes / total
            error = (pooled * (1 - pooled) * (1 / row["sample_size"] + 1 / row["rest_sample_size"])) ** 0.5
            assert row["p_value"] == pytest.approx(2 * norm.sf(abs(row["difference"]) / error), rel=1e-6), row
            assert row["p_value"] == pytest.approx(exact, rel=0.5, abs=1e-4), row
    assert min(kinds.values()) > 20, kinds


def test_a_count_beyond_the_sum_is_no_chance(shipped: dict[str, str]) -> None:
    """450 of 500 where 2.4 are expected: the sum ends before that count."""
    row = {"metric_name": "m", "segment_type": "s", "segment": "s=a", "numerator": 450, "denominator": 500}
    found = compared(shipped, pd.DataFrame([row | {"rest_numerator": 40, "rest_denominator": 100_000}]))
    assert found.p_value[0] < 1e-9


def test_q_values_are_those_of_benjamini_and_hochberg(shipped: dict[str, str]) -> None:
    found = compared(shipped, families(np.random.default_rng(2), (0.05, 0.5), times=4, lift=1.3))
    tested = found.dropna(subset=["p_value"]).sort_values("p_value", ascending=False)
    assert found[found.p_value.isna()].q_value.isna().all()
    least, count = 1.0, len(tested)
    for place, row in enumerate(tested.to_dict("records")):
        # Equal ones share the last of their ranks: the first met from above.
        least = min(least, count * row["p_value"] / (count - place))
        assert row["q_value"] == pytest.approx(least, rel=1e-9)
    assert (found.q_value < 0.05).sum() > 5


def families_with_a_finding(shipped: dict[str, str], draw: np.random.Generator, times: int) -> Any:
    """Return for each dimension and rate in how many of so many draws chance makes one of its segments significant."""
    found = compared(shipped, families(draw, RATES, times))
    found["family"] = found.metric_name.str.rsplit(" ", n=1).str[0]
    return found.groupby(["family", "metric_name"]).is_significant.max().groupby("family").sum()


@pytest.mark.full
def test_chance_is_seldom_called_a_finding(shipped: dict[str, str]) -> None:
    """Labels that say nothing: at most 6 % of the families of any dimension and rate have a significant segment.

    In parts, because one table holds them all in memory. Where nearly nothing varies chance finds less.
    """
    draw, times, parts = np.random.default_rng(3), 1_000, 10
    count = times * parts
    rate = sum(families_with_a_finding(shipped, draw, times) for _ in range(parts)) / count
    half = Z * np.sqrt(rate * (1 - rate) / count + Z**2 / 4 / count**2)
    upper = (rate + Z**2 / 2 / count + half) / (1 + Z**2 / count)
    print(pd.DataFrame({"rate": rate, "upper": upper}).sort_values("rate").to_string())
    assert len(rate) == len(DIMENSIONS) * len(RATES)
    assert (upper <= 0.06).all()
    assert rate.mean() > 0.02


@pytest.mark.full
def test_real_differences_are_found(shipped: dict[str, str]) -> None:
    """A first segment with a quarter more of what happens to a fifth is found four times in five where it is large."""
    found = compared(shipped, families(np.random.default_rng(4), (0.2,), times=400, lift=1.25))
    first = found[found.segment.str.endswith("=00")].groupby("segment_type").is_significant.mean()
    print(first.to_string())
    assert (first[["device", "channel", "source", "entry_page"]] > 0.8).all()
