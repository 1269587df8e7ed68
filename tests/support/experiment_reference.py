"""What experiments come to, computed from raw events by numpy and scipy straight from the published formulas."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from scipy import special, stats  # type: ignore[import-untyped]

from tests.support.experiment_events import Event, Plan, by_conversation

ALPHA = 0.05
COVARIATE = timedelta(days=28)
Row = dict[str, Any]


@dataclass
class Unit:
    """One conversation or user of a test: outcome y over m conversations, x over n of the time before."""

    variant: str
    first: datetime
    y: float | None = 0.0
    m: float = 1.0
    x: float = 0.0
    n: float = 0.0


@dataclass
class Conversation:
    """What of one conversation matters to a test."""

    user: str | None
    started_at: datetime
    last_at: datetime
    exposures: list[tuple[datetime, str]] = field(default_factory=list)
    conversions: list[tuple[datetime, str, float]] = field(default_factory=list)
    messages: int = 0


def results(plan: Plan, events: Sequence[Event], until: datetime) -> dict[str, Row]:
    """Return by variant what ab_test_results holds of the primary metric, as of the moment the data is known up to."""
    units = _units(plan, _conversations(events))
    control, *treatments = (variant for variant, _ in plan.arms)
    window = timedelta(hours=plan.window_hours)
    known = [unit for unit in units if unit.first + window <= until]
    dates = sorted({unit.first.date() for unit in known})
    looks = [day for day in dates if datetime.combine(day, datetime.min.time()) + timedelta(days=1) + window <= until]
    paths = {variant: _path(plan, known, looks, control, variant) for variant in treatments}
    for number in range(len(looks)):
        at_look = sorted(paths.values(), key=lambda path: path[number]["sequential_p_value"])
        highest = 0.0
        for place, path in enumerate(at_look):
            adjusted = min(1.0, (len(at_look) - place) * path[number]["sequential_p_value"])
            highest = path[number]["sequential_p_holm"] = max(highest, adjusted)
    # A group-sequential test ends at its last look; the control is read where the last of its comparisons is.
    read_at = {variant: path[-1]["look_date"] for variant, path in paths.items()}
    read_at[control] = max(read_at.values())
    return {
        variant: {
            "exposed_units": sum(unit.variant == variant for unit in units),
            **_arm(plan, known, read_at[variant], variant),
            **({} if variant == control else _judged(paths[variant])),
            "srm_p_value": _sample_ratio(plan, units, until),
        }
        for variant in (control, *treatments)
    }


def _moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["timestamp"].removesuffix("Z"))


def _conversations(events: Sequence[Event]) -> dict[str, Conversation]:
    found = {}
    for key, mine in by_conversation(list(events)):
        spoken = [_moment(event) for event in mine if event["event_type"] != "experiment_exposure"]
        found[key] = conversation = Conversation(mine[0].get("user_id"), min(spoken), _moment(mine[-1]))
        for event in mine:
            properties = event["properties"]
            if event["event_type"] == "experiment_exposure":
                conversation.exposures.append((_moment(event), properties["variant"]))
            elif event["event_type"] == "conversion":
                conversation.conversions.append((_moment(event), properties["goal"], properties["value"]))
            elif event["event_type"] == "user_message":
                conversation.messages += 1
    return found


def _units(plan: Plan, conversations: Mapping[str, Conversation]) -> list[Unit]:
    """Return the units of which the variant is sure, with what became of them."""
    members: dict[str, list[Conversation]] = defaultdict(list)
    for key, conversation in conversations.items():
        unit_key = key if plan.unit == "session" else conversation.user
        if unit_key is not None:
            members[unit_key].append(conversation)
    units = []
    for mine in members.values():
        exposures = sorted(exposure for conversation in mine for exposure in conversation.exposures)
        if not exposures:
            continue
        first = exposures[0][0]
        at_first = {variant for at, variant in exposures if at == first}
        if len(at_first) == 1:
            units.append(_measured(plan, Unit(at_first.pop(), first), mine))
    return units


def _measured(plan: Plan, unit: Unit, mine: Sequence[Conversation]) -> Unit:
    ends = unit.first + timedelta(hours=plan.window_hours)
    inside, before = list(mine), []
    if plan.unit == "user":
        entered = [min((at for at, _ in one.exposures), default=one.started_at) for one in mine]
        inside = [one for one, at in zip(mine, entered, strict=True) if unit.first <= at < ends]
        before = [one for one in mine if one.last_at < unit.first and one.started_at >= unit.first - COVARIATE]
    unit.m, unit.n = float(len(inside)), float(len(before))
    unit.y = sum(_outcome(plan, one, unit.first, ends) for one in inside)
    unit.x = sum(_outcome(plan, one, unit.first - COVARIATE, unit.first) for one in before)
    return unit


def _outcome(plan: Plan, conversation: Conversation, begins: datetime, ends: datetime) -> float:
    if plan.metric == "user_message_count":
        return float(conversation.messages)
    wanted = plan.metric.partition(":")[2]
    reached = [value for at, goal, value in conversation.conversions if begins <= at < ends and wanted in ("", goal)]
    return sum(reached) if plan.metric.startswith("value:") else float(bool(reached))


def _arrays(units: Sequence[Unit], variant: str, until: date) -> np.ndarray:
    rows = [(u.y, u.m, u.x, u.n) for u in units if u.variant == variant and u.first.date() <= until]
    return np.array(rows, dtype=float).reshape(-1, 4).T


def _variance(plan: Plan, arm: np.ndarray) -> float:
    """Return the variance of an arm's estimate; of users by the delta method, from the deviations themselves."""
    y, m = arm[0], arm[1]
    estimate = y.sum() / m.sum()
    if plan.unit == "user":
        return float(np.var(y - estimate * m, ddof=1) / (m.mean() ** 2 * len(y)))
    if plan.metric_type == "conversion":
        return float(estimate * (1 - estimate) / len(y))
    return float(np.var(y, ddof=1) / len(y))


def _is_enough(plan: Plan, arm: np.ndarray) -> bool:
    return bool((arm[0] > 0).sum() >= 100) if plan.metric_type == "conversion" else arm.shape[1] >= 500


def _arm(plan: Plan, units: Sequence[Unit], look: date, variant: str) -> Row:
    arm = _arrays(units, variant, look)
    estimate = arm[0].sum() / arm[1].sum()
    is_rate = plan.metric_type == "conversion"
    return {
        "look_date": look,
        "mature_units": arm.shape[1],
        "exposed_sessions": int(arm[1].sum()),
        "conversions": int((arm[0] > 0).sum()),
        "conversion_rate": estimate if is_rate else None,
        "mean_value": None if is_rate else estimate,
    }


def _path(plan: Plan, units: Sequence[Unit], looks: Sequence[date], control: str, treatment: str) -> list[Row]:
    """Return one row a look: the difference, and the evidence up to it."""
    treatments = len(plan.arms) - 1
    planned = plan.planned_total
    path: list[Row] = []
    best = 0.0
    for look in looks:
        c, t = _arrays(units, control, look), _arrays(units, treatment, look)
        diff = t[0].sum() / t[1].sum() - c[0].sum() / c[1].sum()
        error = math.sqrt(_variance(plan, t) + _variance(plan, c))
        total, z = t.shape[1] + c.shape[1], diff / error
        gated = _is_enough(plan, t) and _is_enough(plan, c)
        ratio = 7.936154601737565 * total / (planned or 5000)
        log_e = -0.5 * math.log(1 + ratio) + 0.5 * z * z * ratio / (1 + ratio)
        if planned:
            fraction = min(1.0, total / planned)
            best = max(best, abs(z) * math.sqrt(fraction) if gated else 0.0)
            p = min(1.0, 4 * stats.norm.cdf(-best))
            half = error * stats.norm.ppf(1 - ALPHA / (4 * treatments)) / math.sqrt(fraction)
        else:
            best = max(best, log_e if gated else 0.0)
            p = math.exp(-best)
            half = error * math.sqrt(2 * (1 + ratio) / ratio * math.log(math.sqrt(1 + ratio) / (ALPHA / treatments)))
        cuped = _cuped(c, t) if plan.unit == "user" else None
        path.append(
            {
                "look_date": look,
                "abs_diff": diff,
                "std_error": error,
                "z": z,
                "log_e": log_e,
                "sequential_p_value": p,
                "ci_low": diff - half,
                "ci_high": diff + half,
                "fixed_p_value": _fixed_p(plan, c, t, z),
                "has_min_sample": gated,
                "cuped_theta": cuped and cuped[0],
                "cuped_abs_diff": cuped and cuped[1],
                "cuped_std_error": cuped and cuped[2],
                "cuped_ci_low": cuped and cuped[1] - half * cuped[2] / error,
                "cuped_ci_high": cuped and cuped[1] + half * cuped[2] / error,
            }
        )
        if planned and total >= planned:
            # The last look of a group-sequential test; what follows is not looked at.
            path += [path[-1]] * (len(looks) - len(path))
            break
    return path


def _fixed_p(plan: Plan, control: np.ndarray, treatment: np.ndarray, z: float) -> float:
    if plan.unit == "user":
        return float(2 * stats.norm.sf(abs(z)))
    if plan.metric_type == "engagement":
        return float(stats.ttest_ind(treatment[0], control[0], equal_var=False).pvalue)
    (s1, n1), (s0, n0) = ((arm[0].sum(), arm.shape[1]) for arm in (treatment, control))
    pooled = (s1 + s0) / (n1 + n0)
    return float(2 * stats.norm.sf(abs(s1 / n1 - s0 / n0) / math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))))


def _cuped(control: np.ndarray, treatment: np.ndarray) -> tuple[float, float, float]:
    """Return theta, the corrected difference and its standard error, by regression over the users themselves.

    A user's outcome is the deviation from the arm's rate in units of that rate; theta is the slope within the arms.
    """
    everyone = np.hstack([control, treatment])
    ratio = everyone[2].sum() / everyone[3].sum()
    outcomes, covariates, means = [], [], []
    for arm in (control, treatment):
        y, m, x, n = arm
        outcomes.append((y - y.sum() / m.sum() * m) / m.mean())
        covariates.append(x - ratio * n)
        means.append(y.sum() / m.sum())
    centred = [covariate - covariate.mean() for covariate in covariates]
    slope = sum(o @ c for o, c in zip(outcomes, centred, strict=True)) / sum(c @ c for c in centred)
    variance = sum(np.var(o - slope * c, ddof=1) / len(o) for o, c in zip(outcomes, covariates, strict=True))
    difference = means[1] - means[0] - slope * (covariates[1].mean() - covariates[0].mean())
    return float(slope), float(difference), math.sqrt(variance)


def _judged(path: Sequence[Row]) -> Row:
    significant = [row["look_date"] for row in path if row["sequential_p_holm"] < ALPHA]
    return {**path[-1], "first_significant_date": min(significant, default=None)}


def _sample_ratio(plan: Plan, units: Sequence[Unit], until: datetime) -> float:
    """Return the p-value of the shares: the Dirichlet-multinomial against the plan, at every complete date."""
    variants = [variant for variant, _ in plan.arms]
    weights = np.array(plan.weights)
    highest = 0.0
    for day in sorted({unit.first.date() for unit in units if unit.first.date() < until.date()}):
        counts = np.array([sum(u.variant == v and u.first.date() <= day for u in units) for v in variants])
        log_e = special.gammaln(100) - special.gammaln(100 + counts.sum())
        prior = 100 * weights
        log_e += (special.gammaln(prior + counts) - special.gammaln(prior) - counts * np.log(weights)).sum()
        highest = max(highest, float(log_e))
    return math.exp(-highest)
