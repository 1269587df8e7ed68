"""Raw events of made-up experiments: units that are exposed, come back, convert early, late and twice."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

Event = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """One test: how it is registered, and what its units are drawn from."""

    name: str
    unit: str = "session"
    metric: str = "conversion"
    window_hours: int = 24
    # Of each variant, the control first: the share that converts, or the mean number of messages.
    arms: tuple[tuple[str, float], ...] = (("control", 0.3), ("treatment", 0.3))
    weights: tuple[float, ...] = (0.5, 0.5)
    units: int = 900
    planned_total: int | None = None
    is_registered: bool = True
    assignment: str = "external"
    # The share of units that see another variant later, and with it a fifth as many that see two at once.
    mixed_share: float = 0.004

    @property
    def metric_type(self) -> str:
        """Of a share of units, or of a mean."""
        return "conversion" if self.metric.startswith("conversion") else "engagement"

    def row(self, started_at: datetime) -> dict[str, Any]:
        """Return the row of seeds/ab_tests.csv; its plan was made the day before."""
        planned_at = started_at - timedelta(days=1)
        return {
            "test_name": self.name,
            "control_variant": self.arms[0][0],
            "variants": "|".join(variant for variant, _ in self.arms),
            "weights": "|".join(str(weight) for weight in self.weights),
            "assignment": self.assignment,
            "randomization_unit": self.unit,
            "metric_type": self.metric_type,
            "primary_metric": self.metric,
            "window_hours": self.window_hours,
            "started_at": f"{started_at}",
            **({"planned_total": self.planned_total, "planned_at": f"{planned_at}"} if self.planned_total else {}),
        }


class _Writer:
    """Collects the events of one test."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.events: list[Event] = []

    def add(self, kind: str, conversation: str, at: datetime, user: str | None = None, **properties: Any) -> None:
        """Write one event, at full seconds."""
        at = at.replace(microsecond=0)
        self.events.append(
            {
                "event_id": f"{conversation}-{len(self.events)}",
                "conversation_id": conversation,
                "event_type": kind,
                "timestamp": f"{at.isoformat()}Z",
                "properties": properties,
                **({"user_id": user} if user else {}),
            }
        )

    def expose(self, conversation: str, at: datetime, variant: str, user: str | None = None) -> None:
        """Show a variant."""
        said = {} if self.plan.is_registered else {"is_control": variant == self.plan.arms[0][0]}
        self.add("experiment_exposure", conversation, at, user, experiment_id=self.plan.name, variant=variant, **said)


def drawn_events(plan: Plan, seed: int, started_at: datetime, days: int) -> list[Event]:
    """Draw the events of one test whose units arrive over `days` days."""
    random = np.random.default_rng(seed)
    writer = _Writer(plan)
    draw = _draw_user if plan.unit == "user" else _draw_conversation
    for number in range(plan.units):
        key = f"{plan.name}-{number}"
        if plan.assignment == "sha256_mod":
            digest = hashlib.sha256(f"{plan.name}:{key}".encode()).hexdigest()
            place = int(digest, 16) % len(plan.arms)
        else:
            place = int(random.choice(len(plan.arms), p=plan.weights))
        exposed_at = started_at + timedelta(seconds=int(random.integers(60, days * 86_400)))
        draw(writer, random, key, place, exposed_at)
    return writer.events


def _draw_conversation(
    writer: _Writer, random: np.random.Generator, key: str, place: int, exposed_at: datetime
) -> None:
    plan = writer.plan
    variant, level = plan.arms[place]
    other = plan.arms[place - 1][0]
    writer.add("session_started", key, exposed_at - timedelta(seconds=30))
    writer.expose(key, exposed_at, variant)
    if random.random() < 0.05:
        writer.expose(key, exposed_at + timedelta(hours=1), variant)
    if random.random() < plan.mixed_share:
        writer.expose(key, exposed_at + timedelta(hours=2), other)
    elif random.random() < plan.mixed_share / 5:
        writer.expose(key, exposed_at, other)
    rate = level if plan.metric_type == "conversion" else 0.3
    for minute in range(random.poisson(2.0 if plan.metric_type == "conversion" else level)):
        writer.add("user_message", key, exposed_at + timedelta(minutes=minute + 1), text="?")
    for goal, share in (("sale", rate), ("call", 0.05)):
        if random.random() < share:
            after = timedelta(hours=float(random.exponential(plan.window_hours / 3)))
            writer.add("conversion", key, exposed_at + after, goal=goal, value=round(random.lognormal(3, 1), 2))
    if random.random() < 0.02:
        writer.add("conversion", key, exposed_at - timedelta(minutes=5), goal="sale", value=1.0)


def _draw_user(writer: _Writer, random: np.random.Generator, key: str, place: int, exposed_at: datetime) -> None:
    plan = writer.plan
    variant, level = plan.arms[place]
    rate = level if plan.metric_type == "conversion" else 0.3
    inclination = float(random.beta(3 * rate, 3 * (1 - rate)))
    window = timedelta(hours=plan.window_hours)
    past = random.uniform(0.1, 35 * 24, random.geometric(0.3) - 1)
    earlier = [exposed_at - timedelta(hours=float(hours)) for hours in past]
    later = [exposed_at + float(random.uniform(0.01, 1.5)) * window for _ in range(random.geometric(0.4) - 1)]
    for number, at in enumerate([*earlier, exposed_at, *later]):
        conversation, is_exposed = f"{key}-{number}", at >= exposed_at
        writer.add("session_started", conversation, at - timedelta(seconds=30), key)
        if is_exposed and (at == exposed_at or random.random() < 0.8):
            writer.expose(conversation, at, variant, key)
        mean = 2.0 if plan.metric_type == "conversion" or not is_exposed else level
        for minute in range(random.poisson(mean)):
            writer.add("user_message", conversation, at + timedelta(minutes=minute + 1), key, text="?")
        if random.random() < inclination:
            after = timedelta(hours=float(random.exponential(12)))
            writer.add("conversion", conversation, at + after, key, goal="sale", value=round(random.lognormal(3, 1), 2))
    if random.random() < plan.mixed_share:
        writer.expose(f"{key}-0", exposed_at + timedelta(hours=2), plan.arms[place - 1][0], key)


def by_conversation(events: list[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Yield the events of each conversation, in the order they happened."""
    found: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event["timestamp"]):
        found.setdefault(event["conversation_id"], []).append(event)
    yield from found.items()
