"""The expectations about the edges as asset checks: an error blocks what follows, a warning is shown."""

from collections.abc import Iterable, Iterator

import dagster as dg

from orchestration.defs.policy import WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.expectations import (
    LANDED_EXPECTATIONS,
    MARTS_EXPECTATIONS,
    CheckResult,
    Expectation,
    check_landed,
    check_marts,
)
from orchestration.warehouse.build_records import completed_through, data_until

_SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def _specs(schema: str, expectations: Iterable[Expectation]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            one.name, asset=[schema, one.table], description=one.description, blocking=one.severity == "error"
        )
        for one in expectations
    ]


@dg.multi_asset_check(specs=_specs("raw", LANDED_EXPECTATIONS), pool=WAREHOUSE_POOL)
def landed_checks(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[dg.AssetCheckResult]:
    """Look at what has landed before anything is built from it."""
    home = warehouse.home
    since = completed_through(home.build_database)
    yield from _report(context, "raw", check_landed(home.raw_database, since_load_id=since))


@dg.multi_asset_check(specs=_specs("marts", MARTS_EXPECTATIONS), pool=WAREHOUSE_POOL)
def marts_checks(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[dg.AssetCheckResult]:
    """Look at the built marts before readers get them."""
    build = warehouse.home.build_database
    results = check_marts(build, data_until=data_until(build), timezone=warehouse.settings.timezone)
    yield from _report(context, "marts", results)


def _report(
    context: dg.AssetCheckExecutionContext, schema: str, results: Iterable[CheckResult]
) -> Iterator[dg.AssetCheckResult]:
    for result in results:
        if not result.success:
            (context.log.error if result.severity == "error" else context.log.warning)(result.as_text())
        yield dg.AssetCheckResult(
            asset_key=[schema, result.table],
            check_name=result.name,
            passed=result.success,
            severity=_SEVERITIES[result.severity],
            description=result.observed,
            metadata={"examples": dg.MetadataValue.json([dict(row) for row in result.examples])},
        )
