"""Runs the shipped experiment models over units or sums that a test makes up, put in at one of their contracts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from orchestration.building.project import build_command
from tests.support.warehouse import WarehouseUnderTest

HEADER = (
    "test_name,phase,control_variant,variants,weights,assignment,randomization_unit,metric_type,primary_metric,"
    "window_hours,started_at,planned_at,planned_total,mde_abs,test_kind,guardrail_margin"
)
MOMENTS = ("y", "m", "x", "n", "yy", "ym", "yx", "yn", "mm", "mx", "mn", "xx", "xn", "nn")
STARTED_AT = datetime(2025, 1, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone
_REGISTERED = {
    "phase": 1,
    "control_variant": "control",
    "variants": "control|treatment",
    "weights": "0.5|0.5",
    "window_hours": 24,
    "started_at": f"{STARTED_AT}",
}


def registrations(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return seeds/ab_tests.csv with these rows; what a row leaves out is two equal arms, one phase, 24 hours."""
    columns = HEADER.split(",")
    lines = [",".join(str({**_REGISTERED, **row}.get(column, "")) for column in columns) for row in rows]
    return {"ab_tests.csv": "\n".join([HEADER, *lines]) + "\n"}


def exposure(conversation: str, test: str, variant: str, at: str, user: str | None = None) -> dict[str, Any]:
    """Return the event that shows a conversation a variant; `at` is a UTC time such as 2025-03-01 10:00."""
    properties = {"experiment_id": test, "variant": variant}
    return _event(conversation, "experiment_exposure", at, user, properties)


def conversion(conversation: str, at: str, user: str | None = None, goal: str = "sale") -> dict[str, Any]:
    """Return the event by which a conversation reaches a goal."""
    return _event(conversation, "conversion", at, user, {"goal": goal})


def _event(conversation: str, kind: str, at: str, user: str | None, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event_id": "-".join([conversation, kind, at, *map(str, properties.values())]),
        "conversation_id": conversation,
        "event_type": kind,
        "timestamp": f"{at.replace(' ', 'T')}:00Z",
        "properties": properties,
        **({"user_id": user} if user else {}),
    }


_EXPOSED_AT = f"(timestamp '{STARTED_AT}' + to_days(cast(day as integer)))"


class Experiments:
    """A warehouse with nothing in it but registered tests."""

    def __init__(self, folder: Path, rows: Iterable[Mapping[str, Any]], until: datetime) -> None:
        self.warehouse = WarehouseUnderTest(folder, registrations(rows), experiments=True)
        self.warehouse.write_events([])
        self.warehouse.land()
        self.warehouse.build()
        self.until = until
        self.run_sql(
            f"create or replace table intermediate.int_watermarks_measured as "
            f"select 'events' as id_namespace, timestamp '{until}' as watermark_at"
        )

    def run_sql(self, *statements: str, tables: Mapping[str, Any] | None = None) -> None:
        """Change the build database; `tables` are made known to the statements by name (arrow tables or the like)."""
        with duckdb.connect(str(self.warehouse.home.build_database)) as connection:
            for name, table in (tables or {}).items():
                connection.register(name, table)
            for statement in statements:
                connection.execute(statement)

    def build_from(self, *models: str) -> None:
        """Build what comes after some models, which stay as they are."""
        selected = " ".join(f"{model}+" for model in models)
        command = build_command(self.warehouse.settings, is_full_refresh=True)
        self.warehouse.dbt([*command, "--select", selected, "--exclude", " ".join(models)])

    def put_registrations(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Register more tests than a seed would hold, as dbt would have loaded them."""
        lines = registrations(rows)["ab_tests.csv"]
        path = self.warehouse.folder / "registered.csv"
        path.write_text(lines)
        self.run_sql(f"insert into seeds.ab_tests select * from read_csv('{path}', header = true, all_varchar = true)")

    def put_units(self, counts: pd.DataFrame) -> None:
        """Expose units without further attributes: test_name, variant, day from the start, units."""
        self.run_sql(
            f"""
            create or replace table intermediate.int_ab_test_units_found as
            select
                test_name, 1 as phase, test_name || ' ' || variant || ' ' || day || ' ' || unit as unit_key, variant,
                first_exposure_at, cast(first_exposure_at as date) as exposure_date,
                first_exposure_at + interval '24 hours' as window_ends_at,
                first_exposure_at + interval '24 hours' <= timestamp '{self.until}' as is_window_over,
                unit_key as first_conversation_key,
                false as is_ambiguous, false as is_repeated, false as is_contaminated, false as is_carried_over,
                false as is_before_start, false as is_unknown_variant, false as is_assignment_mismatch,
                true as is_counted
            from (
                select *, {_EXPOSED_AT} as first_exposure_at, unnest(range(units)) as unit from counts
            )""",
            tables={"counts": counts},
        )

    def put_outcomes(self, counts: pd.DataFrame) -> None:
        """State the outcomes of such units: of each row, `converted` units have converted."""
        self.run_sql(
            f"""
            create or replace table intermediate.int_ab_test_outcomes_measured as
            select
                test_name, 1 as phase, 'conversion' as metric, cast(unit as varchar) as unit_key, variant,
                cast(exposed_at as date) as exposure_date, if(unit < converted, 1.0::double, 0.0::double) as outcome,
                1.0::double as session_count, 0.0::double as covariate, 0.0::double as covariate_session_count,
                if(unit < converted, exposed_at + interval '1 hour', null) as first_converted_at, true as is_mature
            from (select *, {_EXPOSED_AT} as exposed_at, unnest(range(units)) as unit from counts)""",
            tables={"counts": counts},
        )

    def put_users(self, users: pd.DataFrame) -> None:
        """State users who were drawn on the first day.

        Of each: test_name, variant, sessions, converted (sessions that did), and the same of the time before as
        earlier_sessions and earlier_converted.
        """
        self.run_sql(
            f"""
            create or replace table intermediate.int_ab_test_outcomes_measured as
            select
                test_name, 1 as phase, 'conversion' as metric, cast(row_number() over () as varchar) as unit_key,
                variant, date '{STARTED_AT.date()}' as exposure_date, cast(converted as double) as outcome,
                cast(sessions as double) as session_count, cast(earlier_converted as double) as covariate,
                cast(earlier_sessions as double) as covariate_session_count,
                cast(null as timestamp) as first_converted_at, true as is_mature
            from users""",
            tables={"users": users},
        )

    def put_counts(self, counts: pd.DataFrame) -> None:
        """State by day how many units were exposed and how many of them converted, each a conversation."""
        self.put_sums(
            counts.assign(
                metric="conversion",
                converted_units=counts["converted"],
                sum_y=counts["converted"],
                sum_yy=counts["converted"],
                sum_ym=counts["converted"],
                sum_m=counts["units"],
                sum_mm=counts["units"],
            )
        )

    def put_sums(self, sums: pd.DataFrame) -> None:
        """State what the units of a day add up to: test_name, metric, variant, day, units, converted_units and sums.

        The sums are named as the macro sums_of_units names them; those that are left out are 0.
        """
        columns = ", ".join(
            f"cast({f'sum_{moment}' if f'sum_{moment}' in sums else 0} as double) as sum_{moment}" for moment in MOMENTS
        )
        self.run_sql(
            f"""
            create or replace table intermediate.int_ab_test_dates_summed as
            select
                test_name, 1 as phase, metric, 'all' as segment, variant, cast({_EXPOSED_AT} as date) as exposure_date,
                units as exposed_units, units as unit_count, cast(converted_units as bigint) as converted_units,
                {columns}
            from sums""",
            tables={"sums": sums},
        )

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query by column."""
        with duckdb.connect(str(self.warehouse.home.build_database), read_only=True) as connection:
            found = connection.execute(query)
            names: Sequence[str] = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
