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
    "int_design_effects_estimated": "intermediate/metrics/int_design_effects_estimated.sql",
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


# Users of each segment, of which the last is the rest, and how many conversations a user has on average.
USERS = {
    "eight_each": ((13, 40, 100), 8.0),
    "hours": ((13,) * 20, 8.0),
    "three_each": ((60, 60, 120, 300), 3.0),
    "few_come_again": ((900, 300, 120), 1.3),
}
REPEATS = ["repeated_count", "own_squared", "own_x_whole", "numerator", "numerator_squared", "numerator_x_denominator"]


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


def compared(shipped: dict[str, str], rows: pd.DataFrame, repeats: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare segments: rows of metric_name, segment_type, segment, numerator, denominator and those of the rest.

    `repeats` has the columns of int_segment_repeats_counted; without it nobody comes again.
    """
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
        connection.register(
            "repeated", pd.DataFrame(columns=["metric_name", "segment", *REPEATS]) if repeats is None else repeats
        )
        numbers = ", ".join(f"cast({name} as bigint) as {name}" for name in REPEATS)
        connection.execute(
            "create table int_segment_repeats_counted as select cast(metric_name as varchar) as metric_name, "
            f"cast(segment as varchar) as segment, {numbers} from repeated"
        )
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


def families_of_users(
    draw: np.random.Generator,
    kind: str,
    rate: float,
    correlation: float,
    times: int,
    *,
    is_across: bool,
    lift: float = 1.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw users of whom two conversations correlate so, as `compared` takes them: of one segment each, or across all.

    `lift` multiplies the rate of the users of the first segment.
    """
    sizes, mean = USERS[kind]
    home = np.tile(np.repeat(np.arange(len(sizes)), sizes), times)
    rates = np.where(home == 0, rate * lift, rate)
    spread = (1 - correlation) / correlation if correlation else 0.0
    chances = draw.beta(rates * spread, (1 - rates) * spread) if correlation else rates
    counts = 1 + draw.poisson(mean - 1, len(home))
    user = np.repeat(np.arange(len(home)), counts)
    shares = np.array(sizes) / sum(sizes)
    segment = draw.choice(len(sizes), len(user), p=shares) if is_across else home[user]
    conversations = pd.DataFrame(
        {"time": user // sum(sizes), "user": user, "segment": segment, "y": draw.random(len(user)) < chances[user]}
    )
    by_user = conversations.groupby(["time", "user"]).agg(y=("y", "sum"), n=("y", "size")).query("n > 1")
    own = conversations.groupby(["time", "segment", "user"]).size().rename("n").reset_index()
    own = own.merge(by_user.reset_index()[["user", "n"]], on="user", suffixes=("", "_whole"))

    def named(frame: pd.DataFrame) -> pd.DataFrame:
        frame["metric_name"] = f"{kind} {rate} {correlation} {is_across} " + frame.time.astype(str)
        return frame

    parts = (
        own.assign(square=own.n**2, cross=own.n * own.n_whole)
        .groupby(["time", "segment"])[["n", "square", "cross"]]
        .sum()
    )
    whole = (
        by_user.assign(nn=by_user.n**2, yy=by_user.y**2, yn=by_user.y * by_user.n)
        .groupby("time")[["n", "nn", "y", "yy", "yn"]]
        .sum()
    )
    repeats = pd.concat(
        [
            named(parts.reset_index())
            .assign(segment=lambda frame: "s=" + frame.segment.astype(str).str.zfill(2))
            .rename(columns={"n": "repeated_count", "square": "own_squared", "cross": "own_x_whole"}),
            named(whole.reset_index())
            .assign(segment="all", own_x_whole=lambda frame: frame.nn)
            .rename(
                columns={
                    "n": "repeated_count",
                    "nn": "own_squared",
                    "y": "numerator",
                    "yy": "numerator_squared",
                    "yn": "numerator_x_denominator",
                }
            ),
        ]
    )
    sums = (
        conversations.groupby(["time", "segment"]).agg(numerator=("y", "sum"), denominator=("y", "size")).reset_index()
    )
    all_of = sums.groupby("time")[["numerator", "denominator"]].transform("sum")
    rows = named(sums).assign(
        segment_type="s",
        rest_numerator=all_of.numerator - sums.numerator,
        rest_denominator=all_of.denominator - sums.denominator,
    )
    rows = rows[rows.segment < len(sizes) - 1].assign(
        segment=lambda frame: "s=" + frame.segment.astype(str).str.zfill(2)
    )
    return rows, repeats.reindex(columns=["metric_name", "segment", *REPEATS])


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


def shares_of_users(shipped: dict[str, str], draw: np.random.Generator, times: int, **of: Any) -> pd.Series:
    """Return in what share of so many draws a segment is significant, by kind of users."""
    shares = {}
    for kind in USERS:
        rows, repeats = families_of_users(draw, kind, times=times, **of)
        shares[kind] = compared(shipped, rows, repeats).groupby("metric_name").is_significant.max().mean()
    return pd.Series(shares)


def test_users_who_come_again_are_counted_as_fewer(shipped: dict[str, str]) -> None:
    """Eight conversations of a user that correlate by 0.3 vary 3.4 times as much as independent ones."""
    draw = np.random.default_rng(5)
    apart, repeats = families_of_users(draw, "eight_each", 0.5, 0.3, 200, is_across=False)
    blind, seeing = compared(shipped, apart), compared(shipped, apart, repeats)
    assert blind.groupby("metric_name").is_significant.max().mean() > 0.25
    assert seeing.groupby("metric_name").is_significant.max().mean() < 0.1
    # Users have 1 + Poisson(7) conversations: the mean square is 7 + 64, over the mean of 8.
    assert seeing.design_effect.mean() == pytest.approx(1 + 0.3 * (71 / 8 - 1), rel=0.1)
    across, repeats = families_of_users(draw, "eight_each", 0.5, 0.3, 50, is_across=True)
    assert compared(shipped, across, repeats).design_effect.max() < 1.2


@pytest.mark.full
@pytest.mark.parametrize("is_across", [False, True])
@pytest.mark.parametrize("correlation", [0.0, 0.3])
@pytest.mark.parametrize("rate", [0.02, 0.2, 0.5])
def test_chance_among_users_is_seldom_called_a_finding(
    shipped: dict[str, str], rate: float, correlation: float, is_across: bool
) -> None:
    draw, times, parts = np.random.default_rng(6), 500, 8
    count = times * parts
    drawn = [
        shares_of_users(shipped, draw, times, rate=rate, correlation=correlation, is_across=is_across)
        for _ in range(parts)
    ]
    share = sum(drawn[1:], drawn[0]) / parts
    half = Z * np.sqrt(share * (1 - share) / count + Z**2 / 4 / count**2)
    upper = (share + Z**2 / 2 / count + half) / (1 + Z**2 / count)
    print(pd.DataFrame({"rate": share, "upper": upper}).to_string())
    assert (upper <= 0.06).all()


@pytest.mark.full
def test_real_differences_among_users_are_found(shipped: dict[str, str]) -> None:
    """Half more of what happens to a fifth: 13 users of 153 are too few to tell, 900 of 1,320 are not."""
    found = shares_of_users(
        shipped, np.random.default_rng(7), 400, rate=0.2, correlation=0.3, is_across=False, lift=1.5
    )
    print(found.to_string())
    assert found["few_come_again"] > 0.8
