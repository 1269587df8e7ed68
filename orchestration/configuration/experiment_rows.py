"""Checks the rows of seeds/ab_tests.csv: what a test was planned to be, before anybody looks at it."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

Row = Mapping[str, str]

# A chi-squared of more arms is not written out; see macros/statistics/chi_squared.sql.
_MOST_VARIANTS = 16
_CLOSED = (
    ("assignment", ("sha256_mod", "external", "")),
    ("randomization_unit", ("session", "user", "")),
    ("metric_type", ("conversion", "engagement", "")),
    ("test_kind", ("prompt", "other", "")),
)
_WHOLE_ABOVE_0 = re.compile(r"[1-9][0-9]{0,8}")
_GOAL = re.compile(r"(conversion|value):\S(.*\S)?")


def experiment_problems(rows: Iterable[tuple[str, Row]], facts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with rows, each named; `facts` maps what a test may be judged by to its type."""
    starts: dict[str, list[tuple[datetime, int, str]]] = {}
    units: dict[str, str] = {}
    for where, row in rows:
        problems = [*_plain_problems(row), *_variant_problems(row), *_metric_problems(row, facts)]
        yield from (f"{where}: test {row['test_name']!r}: {problem}" for problem in problems)
        unit = row["randomization_unit"] or "session"
        if units.setdefault(row["test_name"], unit) != unit:
            # Which phase a unit belongs to is decided by its first exposure over all of them.
            drawn = units[row["test_name"]]
            yield f"{where}: test {row['test_name']!r}: another phase draws by {drawn}: name a new test"
        started_at = _moment(row["started_at"])
        if started_at is not None and _WHOLE_ABOVE_0.fullmatch(row["phase"]):
            starts.setdefault(row["test_name"], []).append((started_at, int(row["phase"]), where))
    for name, phases in starts.items():
        by_start = sorted(phases)
        if [phase for _, phase, _ in by_start] != sorted(phase for _, phase, _ in by_start) or len(
            {start for start, _, _ in by_start}
        ) < len(by_start):
            yield f"{by_start[-1][2]}: test {name!r}: a later phase must start later; its phases are out of order"


def _plain_problems(row: Row) -> Iterator[str]:
    if not row["test_name"].strip():
        yield "it has no test_name"
    if not _WHOLE_ABOVE_0.fullmatch(row["phase"]):
        yield f"phase {row['phase']!r} is no whole number from 1 on"
    for column, allowed in _CLOSED:
        if row[column] not in allowed:
            yield f"{column} {row[column]!r} is none of {', '.join(value or '(empty)' for value in allowed)}"
    for column in ("window_hours", "planned_total"):
        if row[column] and not _WHOLE_ABOVE_0.fullmatch(row[column]):
            yield f"{column} {row[column]!r} is no whole number above 0"
    for column in ("mde_abs", "guardrail_margin"):
        if row[column] and not (_number(row[column]) > 0):
            yield f"{column} {row[column]!r} is no number above 0"
    if row["randomization_unit"] == "user" and not row["window_hours"]:
        yield "units that are users need their window_hours: 24 hours are a session's"
    if _moment(row["started_at"]) is None:
        yield f"started_at {row['started_at']!r} is no moment such as 2026-01-31 09:00:00 (UTC)"
    if row["planned_at"] and _moment(row["planned_at"]) is None:
        yield f"planned_at {row['planned_at']!r} is no moment such as 2026-01-31 09:00:00 (UTC)"
    if row["planned_total"] and not row["planned_at"]:
        yield "planned_total without planned_at: a plan is one only when it was written down before the start"


def _variant_problems(row: Row) -> Iterator[str]:
    variants, weights = row["variants"].split("|"), [_number(weight) for weight in row["weights"].split("|")]
    if not 2 <= len(variants) <= _MOST_VARIANTS or len(set(variants)) < len(variants) or not all(variants):
        yield f"variants {row['variants']!r} are not 2 to {_MOST_VARIANTS} different names between |"
        return
    if row["control_variant"] not in variants:
        yield f"control_variant {row['control_variant']!r} is none of {row['variants']}"
    if len(weights) != len(variants) or not all(weight >= 0 for weight in weights):
        yield f"weights {row['weights']!r} are not {len(variants)} numbers from 0 on between |, one a variant"
    elif not math.isclose(sum(weights), 1.0, abs_tol=1e-6):
        yield f"weights {row['weights']} add up to {sum(weights):g}, expected 1"
    elif row["assignment"] == "sha256_mod" and max(weights) - min(weights) > 1e-6:
        yield "sha256_mod deals its variants out alike; other weights need assignment external"


def _metric_problems(row: Row, facts: Mapping[str, str]) -> Iterator[str]:
    metric = row["primary_metric"] or "conversion"
    if metric == "conversion" or _GOAL.fullmatch(metric):
        expected = "engagement" if metric.startswith("value:") else "conversion"
    elif metric in facts:
        expected = facts[metric]
    else:
        known = ", ".join(["conversion", "conversion:<goal>", "value:<goal>", *sorted(facts)])
        yield f"primary_metric {metric!r} is none of {known}"
        return
    if (row["metric_type"] or "conversion") != expected:
        yield f"primary_metric {metric} is of type {expected}, metric_type says {row['metric_type'] or 'conversion'}"


def _moment(text: str) -> datetime | None:
    """Read a UTC moment without a zone; None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is None and len(text) > len("2026-01-31") else None


def _number(text: str) -> float:
    """Read a plain number; not a number when it is none."""
    return float(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else math.nan
