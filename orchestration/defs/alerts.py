"""Sends the alerts of this run to their channels."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from orchestration.alerting import channels_of, deliver, queue_alerts
from orchestration.defs import publish
from orchestration.defs.policy import WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.warehouse.utc import stored

_CHECK = "alerts_delivered"


@dg.asset(
    key=["outbox", "alert_deliveries"],
    # After the publish: the number that an alert reports is then in the marts.
    deps=[publish.KEY],
    check_specs=[
        dg.AssetCheckSpec(
            _CHECK,
            asset=["outbox", "alert_deliveries"],
            description="Every alert in the outbox was taken by those it goes to; if not, the next run tries again.",
        )
    ],
    kinds={"python", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def alert_deliveries(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
    """One row per alert and channel: when it was queued, how often it was tried, when it was taken."""
    home, channels = warehouse.home, channels_of(warehouse.settings, context.log.warning)
    queued = queue_alerts(home.raw_database, home.build_database, channels, _utc(warehouse))
    report = deliver(home.raw_database, channels, lambda: _utc(warehouse))
    for problem in report.problems:
        context.log.warning(problem)
    yield dg.MaterializeResult(
        metadata={"queued": queued, "delivered": report.delivered, "waiting": report.waiting},
        check_results=[
            dg.AssetCheckResult(
                check_name=_CHECK,
                passed=not report.problems and not report.waiting,
                severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(report.problems) or f"{report.delivered} delivered, {report.waiting} waiting",
            )
        ],
    )


def _utc(warehouse: Warehouse) -> datetime:
    return stored(warehouse.now())
