"""The text of an alert, for people and for programs."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

_VERBS = {
    "drops_below": "is below",
    "exceeds": "is above",
    "drops_by": "has dropped by more than",
    "rises_by": "has risen by more than",
}


def delivery_key(alert_key: str) -> str:
    """Return the key under which an alert is sent, the same at every try: receivers recognise a repeat by it."""
    return str(uuid5(NAMESPACE_URL, f"colloquy:alert:{alert_key}"))


def subject(alert: Mapping[str, Any]) -> str:
    """Return the alert in a line."""
    threshold = _amount(alert["threshold"], alert["unit"])
    return (
        f"[{alert['severity']}] {alert['metric_name']} ({alert['segment']}) {_VERBS[alert['condition']]} {threshold}: "
        f"{_amount(alert['value'], alert['unit'])}"
    )


def text(alert: Mapping[str, Any]) -> str:
    """Return the alert as people read it: what, when, of how many, and where to look."""
    unit = alert["unit"]
    hours = int(alert["window_hours"])
    lines = [
        subject(alert),
        f"Over the {hours} hour{'s' if hours > 1 else ''} until {_moment(alert['opened_at'])} UTC, of "
        f"{alert['sample_size']:,} conversations."
        + (f" In the same time before: {_amount(alert['value_before'], unit)}." if alert["value_before"] else ""),
    ]
    if alert["cause_segment"]:
        lines.append(
            f"Moved most: {alert['cause_segment']}, from {_amount(alert['cause_value_before'], unit)} to "
            f"{_amount(alert['cause_value'], unit)}, {100 * alert['cause_share']:.0f} % of all."
        )
    lines.append(f"Rule {alert['rule']}; marts.alerts where alert_key = '{alert['alert_key']}'")
    return "\n".join(lines)


def payload(alert: Mapping[str, Any]) -> str:
    """Return the JSON a webhook gets: `text` for chat tools, `alert` for programs; moments are ISO-8601 in UTC."""
    stated = {name: f"{value.isoformat()}Z" if isinstance(value, datetime) else value for name, value in alert.items()}
    return json.dumps({"text": text(alert), "alert": stated}, ensure_ascii=False)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _amount(value: float, unit: str) -> str:
    return f"{100 * value:.1f} %" if unit == "rate" else f"{value:.2f} {unit}"
