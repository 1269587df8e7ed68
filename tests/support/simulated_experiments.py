"""Experiments drawn by numpy, test by test with its own seed, as the tables the shipped experiment models read."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

DAYS = 28


@dataclass(frozen=True)
class Arms:
    """What one test is drawn from: units a day over both arms, the share of the treatment, the rates."""

    units_per_day: int = 80
    treatment_share: float = 0.5
    control_rate: float = 0.2
    treatment_rate: float = 0.2
    days: int = DAYS


def drawn_counts(names: Iterable[tuple[str, int]], arms: Arms) -> pd.DataFrame:
    """Draw each (test name, seed) and return one row per test, variant and day: units, and how many convert."""
    columns: dict[str, list[np.ndarray]] = {"day": [], "units": [], "converted": []}
    labels: list[tuple[str, str]] = []
    for name, seed in names:
        random = np.random.default_rng(seed)
        treated = random.binomial(arms.units_per_day, arms.treatment_share, arms.days)
        for variant, units, rate in (
            ("control", arms.units_per_day - treated, arms.control_rate),
            ("treatment", treated, arms.treatment_rate),
        ):
            columns["day"].append(np.arange(arms.days))
            columns["units"].append(units)
            columns["converted"].append(random.binomial(units, rate))
            labels.extend([(name, variant)] * arms.days)
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    test_names, variants = zip(*labels, strict=True)
    return pd.DataFrame({"test_name": test_names, "variant": variants, **arrays})


def drawn_users(names: Iterable[tuple[str, int]], users_per_arm: int) -> pd.DataFrame:
    """Draw each (test name, seed) with users who come back and differ: one row per user, sessions, conversions.

    The sessions and conversions of the time before the test are drawn from what the user is inclined to; a third of the
    users were never there before.
    """
    labels: list[tuple[str, str]] = []
    columns: dict[str, list[np.ndarray]] = {
        "sessions": [],
        "converted": [],
        "earlier_sessions": [],
        "earlier_converted": [],
    }
    for name, seed in names:
        random, earlier_random = np.random.default_rng(seed), np.random.default_rng([seed, 1])
        for variant in ("control", "treatment"):
            visits, inclination = random.geometric(0.3, users_per_arm), random.beta(0.5, 1.5, users_per_arm)
            earlier_visits = earlier_random.geometric(0.3, users_per_arm) - 1
            columns["sessions"].append(visits)
            columns["converted"].append(random.binomial(visits, inclination))
            columns["earlier_sessions"].append(earlier_visits)
            columns["earlier_converted"].append(earlier_random.binomial(earlier_visits, inclination))
            labels.extend([(name, variant)] * users_per_arm)
    test_names, variants = zip(*labels, strict=True)
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    return pd.DataFrame({"test_name": test_names, "variant": variants, **arrays})


def known_as_of(counts: pd.DataFrame, seed: int, late_share: float, latest_days: int) -> pd.DataFrame:
    """Let some conversions arrive late: one row per test, variant, day of exposure and day of knowing.

    A late conversion is known 1 to `latest_days` days after the others of its look, each day as likely.
    """
    random = np.random.default_rng(seed)
    day, converted = counts["day"].to_numpy(), counts["converted"].to_numpy()
    late = random.binomial(converted, late_share)
    # How many of the late ones are still unknown after 0, 1, ... days.
    waits = random.multinomial(late, [1 / latest_days] * latest_days)
    unknown = np.hstack([late[:, None], late[:, None] - np.cumsum(waits, axis=1)])
    parts = []
    for as_of in range(DAYS):
        rows = np.flatnonzero(day <= as_of)
        waited = np.minimum(as_of - day[rows], latest_days)
        known = converted[rows] - unknown[rows, waited]
        parts.append(counts.iloc[rows].assign(converted=known, as_of=as_of))
    return pd.concat(parts, ignore_index=True)
