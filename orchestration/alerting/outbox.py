"""The outbox in raw.duckdb: an alert is written there before it is sent, and struck out once it has been taken.

If the process breaks off in between, the alert is sent again under the same key. Delivery is at least once: twice only
when the process dies after the other side has taken the alert and before that is written down.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.alerting.channels import Channel, DeliveryError, Message, PartlyDeliveredError
from orchestration.alerting.messages import delivery_key, payload, subject, text
from orchestration.warehouse.quoting import text_literal

# Waits between the tries of one run; a later run tries again.
_WAITS_SECONDS = (1.0, 4.0)

# No constraint guards a key: an erasure rewrites raw.duckdb, and a copy of a table has no constraints.
_TABLES = (
    "create schema if not exists store.outbox",
    # How far each rule has been judged: what opened before is history, not news. One row a rule.
    "create table if not exists store.outbox.alert_progress (rule varchar, judged_through_at timestamp)",
    # One row an alert and channel.
    "create table if not exists store.outbox.alert_deliveries (alert_key varchar, rule varchar, channel varchar, "
    "delivery_key varchar, subject varchar, body varchar, payload varchar, queued_at timestamp, attempts integer, "
    "delivered_at timestamp, last_error varchar)",
)
# For a rule that was never judged before, only the alerts that are open now are new.
_NEW_ALERTS = """
    select alerts.*
    from build.marts.alerts as alerts
    left join store.outbox.alert_progress as progress using (rule)
    where not alerts.is_suppressed
        and case when progress.rule is null then alerts.is_open else alerts.opened_at > progress.judged_through_at end
    order by alerts.opened_at, alerts.alert_key
"""
_QUEUE = """
    insert into store.outbox.alert_deliveries
    select $alert_key, $rule, $channel, $delivery_key, $subject, $body, $payload, $queued_at, 0, null, null
    where ($alert_key, $channel) not in (select (alert_key, channel) from store.outbox.alert_deliveries)
"""
_PROGRESS = """
    merge into store.outbox.alert_progress as progress
    using (
        select rule, max(window_end_at) as judged_through_at
        from build.intermediate.int_alert_windows_judged group by rule
    ) as judged
    on progress.rule = judged.rule
    when matched then update set
        judged_through_at = greatest(progress.judged_through_at, judged.judged_through_at)
    when not matched then insert values (judged.rule, judged.judged_through_at)
"""


@dataclass
class DeliveryReport:
    """The outcome of the deliveries that were due; `problems` names the channels that did not take one."""

    queued: int = 0
    delivered: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def queue_alerts(raw_database: Path, build_database: Path, channels: Mapping[str, Channel], now: datetime) -> int:
    """Write every alert that is new into the outbox, once a channel; return how many deliveries that makes.

    All or nothing, and nothing twice. `now` is naive UTC. Raises duckdb.Error when a file cannot be used.
    """
    with duckdb.connect() as connection:
        _attach(connection, raw_database)
        connection.execute(f"attach {text_literal(build_database)} as build (read_only)")
        connection.execute("begin")
        found = connection.execute(_NEW_ALERTS)
        names = [column[0] for column in found.description]
        alerts: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        rows = [
            {"alert_key": alert["alert_key"], "rule": alert["rule"], "channel": channel, **_words(alert)}
            for alert in alerts
            for channel in channels
        ]
        for row in rows:
            connection.execute(_QUEUE, row | {"queued_at": now})
        connection.execute(_PROGRESS)
        connection.execute("commit")
    return len(rows)


def are_alerts_due(raw_database: Path, build_database: Path) -> bool:
    """Whether an alert is new or waits for its delivery; raises duckdb.Error when a file cannot be used."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {text_literal(raw_database)} as store (read_only)")
        connection.execute(f"attach {text_literal(build_database)} as build (read_only)")
        has_outbox = connection.execute(
            "select 1 from duckdb_tables() where database_name = 'store' and table_name = 'alert_deliveries'"
        ).fetchall()
        if not has_outbox:
            return True
        waiting = "select 1 from store.outbox.alert_deliveries where delivered_at is null"
        return any(connection.execute(f"{query} limit 1").fetchall() for query in (waiting, _NEW_ALERTS))


def deliver(
    raw_database: Path,
    channels: Mapping[str, Channel],
    now: Callable[[], datetime],
    wait: Callable[[float], None] = time.sleep,
) -> DeliveryReport:
    """Send what waits in the outbox, the oldest first; what is not taken after three tries waits for the next run.

    A channel that fails is left alone for the rest of the run. Raises duckdb.Error when the file cannot be used.
    """
    report = DeliveryReport()
    with duckdb.connect() as connection:
        _attach(connection, raw_database)
        due = connection.execute(
            "select alert_key, channel, delivery_key, subject, body, payload from store.outbox.alert_deliveries "
            "where delivered_at is null order by queued_at, alert_key, channel"
        ).fetchall()
        failed: set[str] = set()
        for alert_key, name, key, *words in due:
            if name in failed or name not in channels:
                report.waiting += 1
                continue
            problem, is_taken = _send(channels[name], Message(key, *words), wait)
            if problem is not None:
                report.problems.append(f"{name}: {problem}")
            if not is_taken:
                failed.add(name)
                report.waiting += 1
            report.delivered += is_taken
            connection.execute(
                "update store.outbox.alert_deliveries set attempts = attempts + 1, last_error = ?, delivered_at = ? "
                "where alert_key = ? and channel = ?",
                [problem, now() if is_taken else None, alert_key, name],
            )
    return report


def _send(channel: Channel, message: Message, wait: Callable[[float], None]) -> tuple[str | None, bool]:
    """Try three times; return what went wrong last and whether the other side has it."""
    for pause in (*_WAITS_SECONDS, None):
        try:
            channel.send(message)
        except PartlyDeliveredError as error:
            return str(error), True
        except DeliveryError as error:
            problem = str(error)
        else:
            return None, True
        if pause is not None:
            wait(pause)
    return problem, False


def _words(alert: Mapping[str, Any]) -> dict[str, str]:
    return {
        "delivery_key": delivery_key(alert["alert_key"]),
        "subject": subject(alert),
        "body": text(alert),
        "payload": payload(alert),
    }


def _attach(connection: duckdb.DuckDBPyConnection, raw_database: Path) -> None:
    connection.execute(f"attach {text_literal(raw_database)} as store")
    for statement in _TABLES:
        connection.execute(statement)
