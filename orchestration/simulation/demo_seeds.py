"""The configuration of the simulated world in addition to the shipped one: four files, derived, so that none drifts."""

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from orchestration.configuration.reading import read_lines
from orchestration.simulation.simulated_tests import CONVERSION_WINDOW_HOURS, EXPERIMENTS, start_ms
from orchestration.simulation.world import MODELS

# Planned before its start; the other test is not registered. As many units as find 18 % against 23 % at daily looks.
_PLANNED_TEST, _PLANNED_TOTAL = "demo-greeting-test", 2_470
_GOALS = "checkout_completed|signup_completed"
_SALES_AGENT = {"source": "events", "agent": "demo-sales-v1", "purpose": "sales"}


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    (_, columns), *lines = read_lines(path)
    return columns, [dict(zip(columns, cells, strict=True)) for _, cells in lines]


def _write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_demo_seeds(shipped: Path, target: Path, *, days: int, end: date) -> None:
    """Write sources.csv, purposes.csv, agents.csv and ab_tests.csv of the demo into `target`, for COLLOQUY_SEEDS.

    The website widget's environment is set to production, the sales agent of `events` is marked as sales, the agents of
    support have goals, and one of the tests that run in the `days` days before `end` is registered.
    Raises ValueError when the shipped sources.csv has no row for the widget.
    """
    target.mkdir(parents=True, exist_ok=True)
    columns, sources = _read(shipped / "sources.csv")
    widgets = [row for row in sources if row["source"] == "agentsight_interactions"]
    if not widgets:
        raise ValueError(f"{shipped / 'sources.csv'}: no row for agentsight_interactions; restore the shipped file")
    widgets[0]["default_environment"] = "production"
    _write(target / "sources.csv", columns, sources)
    columns, purposes = _read(shipped / "purposes.csv")
    _write(target / "purposes.csv", columns, [*purposes, _SALES_AGENT])
    columns, agents = _read(shipped / "agents.csv")
    # What is expected of all others is expected of them too, but for the goals.
    others = next(row for row in agents if not row["agent"])
    of_support = [others | {"agent": name, "goals": _GOALS} for name in MODELS if name.startswith("demo-support-")]
    _write(target / "agents.csv", columns, [*agents, *of_support])
    columns, tests = _read(shipped / "ab_tests.csv")
    _write(target / "ab_tests.csv", columns, [*tests, _planned_test(columns, days, end)])


def _planned_test(columns: list[str], days: int, end: date) -> dict[str, str]:
    test = next(one for one in EXPERIMENTS if one.test_name == _PLANNED_TEST)
    first_day = datetime.combine(end, time(), UTC) - timedelta(days=days)
    start = datetime.fromtimestamp(start_ms(test, int(first_day.timestamp() * 1000), days) / 1000, UTC)
    row = {
        "test_name": test.test_name,
        "phase": "1",
        "control_variant": next(arm.variant for arm in test.arms if arm.is_control),
        "variants": "|".join(arm.variant for arm in test.arms),
        "weights": "|".join("0.5" for _ in test.arms),
        "primary_metric": f"conversion:{test.goal}",
        "window_hours": str(CONVERSION_WINDOW_HOURS),
        "started_at": f"{start:%Y-%m-%d %H:%M:%S}",
        "planned_at": f"{start - timedelta(days=1):%Y-%m-%d %H:%M:%S}",
        "planned_total": str(_PLANNED_TOTAL),
    }
    return {column: row.get(column, "") for column in columns}
