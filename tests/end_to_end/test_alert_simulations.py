"""How often alerts fire falsely and how surely they fire when they should: the shipped models over random hours."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.experiments import Experiments

FIRST = datetime(2025, 1, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone
RULES = (
    "rule,metric_name,segment,condition,threshold,window_hours,severity,minimum_sample,cooldown_hours",
    "response_rate_below_half,response_rate,all,drops_below,0.5,1,high,20,0",
    "fallback_rate_above_a_fifth,fallback_rate,all,exceeds,0.2,4,medium,100,0",
    "sentiment_below,sentiment_average,all,drops_below,-0.2,1,high,30,0",
    "completion_rate_drops_by_5_points,completion_rate,all,drops_by,0.05,168,medium,500,0",
    "rephrase_rate_rises_by_2_points,rephrase_rate,all,rises_by,0.02,168,medium,500,0",
)
WEEKLY = ["completion_rate_drops_by_5_points", "rephrase_rate_rises_by_2_points"]
HOURS = 24 * 7 * 60


def hours_of(metric: str, kind: str, **sums: np.ndarray) -> pd.DataFrame:
    """State what an hour adds up to, one after the other; what is left out is not known."""
    frame = pd.DataFrame(sums)
    columns = ("numerator", "denominator", "numerator_squared", "denominator_squared", "product_sum", "cluster_count")
    for column in columns:
        frame[column] = frame[column].astype(float) if column in frame else np.nan
    frame["hour_at"] = [FIRST + timedelta(hours=hour) for hour in range(len(frame))]
    return frame.assign(metric_name=metric, kind=kind)


def turns(draw: np.random.Generator, rates: np.ndarray) -> dict[str, np.ndarray]:
    """Draw 40 conversations an hour of one to eight turns, some more prone to go wrong than others."""
    hours = len(rates)
    answered = draw.integers(1, 9, size=(hours, 40))
    prone = draw.beta(4 * rates[:, None], 4 * (1 - rates[:, None]), size=(hours, 40))
    fallen = draw.binomial(answered, prone)
    return {
        "numerator": fallen.sum(axis=1),
        "denominator": answered.sum(axis=1),
        "numerator_squared": (fallen**2).sum(axis=1),
        "denominator_squared": (answered**2).sum(axis=1),
        "product_sum": (fallen * answered).sum(axis=1),
        "cluster_count": np.full(hours, 40),
    }


def drawn(
    seed: int, *, response: float, fallback: float, sentiment: float, completion: float, rephrased: float
) -> list[pd.DataFrame]:
    """Draw the hours of every metric of RULES around its true value.

    `completion` and `rephrased` are those of every second week; in between they are 0.5 and 0.03.
    """
    draw = np.random.default_rng(seed)
    sentiments = np.array([draw.normal(sentiment, 0.5, size=60) for _ in range(HOURS)])
    # Each week is held against the one before.
    is_even = np.repeat(np.arange(60) % 2 == 0, 168)
    responses = draw.binomial(60, response, HOURS)
    return [
        hours_of("response_rate", "rate", numerator=responses, denominator=np.full(HOURS, 60)),
        hours_of("fallback_rate", "ratio", **turns(draw, np.full(HOURS, fallback))),
        hours_of(
            "sentiment_average",
            "mean",
            numerator=sentiments.sum(axis=1),
            denominator=np.full(HOURS, 60),
            numerator_squared=(sentiments**2).sum(axis=1),
        ),
        hours_of(
            "completion_rate",
            "rate",
            numerator=draw.binomial(30, np.where(is_even, completion, 0.5)),
            denominator=np.full(HOURS, 30),
        ),
        hours_of("rephrase_rate", "ratio", **turns(draw, np.where(is_even, 0.03, rephrased))),
    ]


def judged(folder: Path, hours: list[pd.DataFrame]) -> pd.DataFrame:
    """Judge every window of the rules over these hours, and count what opened; one row a rule."""
    warehouse = Experiments(folder, [], FIRST + timedelta(days=800))
    rules = folder / "rules.csv"
    rules.write_text("\n".join(RULES) + "\n")
    warehouse.run_sql(
        f"delete from seeds.alert_rules; insert into seeds.alert_rules by name select * from read_csv('{rules}')",
        """
        create or replace table intermediate.int_alert_hours_measured as
        select
            cast(hour_at as date) as date, hour_at, metric_name, 'all' as segment, 'all' as segment_type, kind,
            'rate' as unit,
            0.0 as maturity_hours, columns('numerator|denominator|product_sum|cluster_count')::decimal(38, 10)
        from drawn""",
        tables={"drawn": pd.concat(hours)},
    )
    warehouse.build_from("int_alert_hours_measured")
    rows = warehouse.warehouse.rows(
        """
        select rule, count(*), avg(cast(is_firing as int)),
            (select count(*) from marts.alerts where alerts.rule = judged.rule)
        from intermediate.int_alert_windows_judged as judged
        where is_sample_sufficient group by rule order by rule"""
    )
    return pd.DataFrame(rows, columns=["rule", "evaluations", "firing", "opened"]).set_index("rule")


@pytest.mark.full
def test_at_the_threshold_alerts_are_seldom_false(tmp_path: Path) -> None:
    """At most one evaluation in a hundred fires where the truth is the threshold itself."""
    found = judged(tmp_path, drawn(1, response=0.5, fallback=0.2, sentiment=-0.2, completion=0.55, rephrased=0.05))
    found["opened_in_30_days"] = found["opened"] * 30 * 24 / HOURS
    print(found.to_string())
    assert len(found) == len(RULES) - 1
    assert (found["evaluations"] > HOURS - 400).all()
    assert (found["firing"] <= 0.01).all()
    # And they do fire: a rule that never fires would pass all of the above.
    assert (found["firing"].drop(WEEKLY) > 0.001).all()


@pytest.mark.full
def test_a_real_drop_is_told(tmp_path: Path) -> None:
    found = judged(tmp_path, drawn(2, response=0.3, fallback=0.35, sentiment=-0.5, completion=0.6, rephrased=0.07))
    print(found.to_string())
    assert (found["firing"].drop(WEEKLY) > 0.5).all()
    # Every second week is one of those that got worse.
    assert (found["opened"][WEEKLY] >= 25).all()
