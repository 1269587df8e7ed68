"""The simulated world: agents, users, and the daily and weekly rhythm in which they meet."""

import random
from itertools import accumulate

from orchestration.simulation.plan import DAY_MS, HOUR_MS, MINUTE_MS, SOURCES, Visit, random_stream

SHARES = {
    "events": 0.35,
    "agent_events": 0.20,
    "chat_events": 0.20,
    "sales_events": 0.12,
    "agentsight_interactions": 0.13,
}
DEVELOPMENT_SHARE = 0.02
SHOWN_PER_ENGAGED = 3.0
RETURN_RATE = 0.22

MODELS = {
    "demo-support-v1": "demo-small-1",
    "demo-support-v2": "demo-small-1",
    "demo-support-v3": "demo-large-2",
    "demo-sales-v1": "demo-large-2",
    "demo-booking-v1": "demo-small-1",
    "demo-website-v1": "demo-tiny-1",
}

_WEEKDAY_WEIGHTS = (1.15, 1.1, 1.0, 1.0, 0.95, 0.6, 0.5)
_HOUR_WEIGHTS = (
    0.5, 0.3, 0.2, 0.2, 0.3, 0.5, 1.2, 2.5, 4.5, 6.0, 6.5, 6.0,
    5.0, 5.5, 6.0, 6.0, 5.5, 5.0, 4.5, 4.5, 4.0, 3.0, 2.0, 1.0,
)  # fmt: skip
_LANGUAGES, _LANGUAGE_WEIGHTS = ("en", "de", "es"), (0.6, 0.25, 0.15)
_DEVICES, _DEVICE_WEIGHTS = ("mobile", "desktop", "tablet"), (0.58, 0.36, 0.06)
_CHANNELS, _CHANNEL_WEIGHTS = ("web", "whatsapp", "sms", "voice"), (0.55, 0.2, 0.13, 0.12)
# After how many hours the same user comes back: (from, to, weight), in the three windows of durability and beyond.
_RETURN_HOURS = ((2, 22, 0.4), (26, 70, 0.25), (76, 160, 0.2), (180, 500, 0.15))
_ANONYMOUS_RATE = {"events": 0.06, "agent_events": 0.02, "chat_events": 0.25, "sales_events": 0.05}


def prompt_change_ms(first_day_ms: int, days: int) -> int:
    """When support bot v2 takes over from v1: the middle of the simulated time, at a whole day."""
    return first_day_ms + (days // 2) * DAY_MS


def bad_day_ms(first_day_ms: int, days: int) -> int:
    """Start of the day on which the agents' tools are down."""
    return first_day_ms + int(days * 0.7) * DAY_MS


class Clock:
    """Draws moments between two days in the rhythm of the world."""

    def __init__(self, first_day_ms: int, days: int) -> None:
        self._first_day_ms = first_day_ms
        weekday = (first_day_ms // DAY_MS + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        growth = [1.0 + 0.3 * day / days for day in range(days)]
        weights = [_WEEKDAY_WEIGHTS[(weekday + day) % 7] * growth[day] for day in range(days)]
        self._days, self._cumulated_days = range(days), list(accumulate(weights))
        self._hours, self._cumulated_hours = range(24), list(accumulate(_HOUR_WEIGHTS))

    def draw(self, rng: random.Random) -> int:
        """One moment in milliseconds."""
        day = rng.choices(self._days, cum_weights=self._cumulated_days)[0]
        hour = rng.choices(self._hours, cum_weights=self._cumulated_hours)[0]
        return self._first_day_ms + day * DAY_MS + hour * HOUR_MS + rng.randrange(HOUR_MS)


def agent_on_duty(source: str, at_ms: int, change_ms: int, rng: random.Random) -> str:
    """Which agent takes a visit: support changes its prompt at `change_ms`; a tenth is a trial of v3 after that."""
    if source == "sales_events":
        return "demo-sales-v1"
    if source == "agentsight_interactions":
        return "demo-website-v1"
    if source == "events":
        draw = rng.random()
        if draw < 0.12:
            return "demo-sales-v1"
        if draw < 0.27:
            return "demo-booking-v1"
    if at_ms < change_ms:
        return "demo-support-v1"
    return "demo-support-v3" if rng.random() < 0.1 else "demo-support-v2"


def _new_visit(source: str, at_ms: int, user_number: int | None, change_ms: int, rng: random.Random) -> Visit:
    agent = agent_on_duty(source, at_ms, change_ms, rng)
    channel: str | None = rng.choices(_CHANNELS, _CHANNEL_WEIGHTS)[0]
    if source == "agentsight_interactions":
        channel = None  # the widget's lines carry no channel
    return Visit(
        source=source,
        started_ms=at_ms,
        user_number=user_number,
        agent=agent,
        model=MODELS[agent],
        channel=channel,
        device=rng.choices(_DEVICES, _DEVICE_WEIGHTS)[0],
        language=rng.choices(_LANGUAGES, _LANGUAGE_WEIGHTS)[0],
        purpose="sales" if agent == "demo-sales-v1" else "support",
    )


def _returning_visit(visit: Visit, end_ms: int, change_ms: int, rng: random.Random) -> Visit | None:
    """Draw the next visit of the same user, usually to the same agent; None when it would lie after the data."""
    low, high, _ = rng.choices(_RETURN_HOURS, [weight for *_, weight in _RETURN_HOURS])[0]
    at_ms = visit.started_ms + rng.randrange(low * HOUR_MS, high * HOUR_MS)
    if at_ms >= end_ms - 30 * MINUTE_MS:
        return None
    again = _new_visit(visit.source, at_ms, visit.user_number, change_ms, rng)
    again.channel, again.device, again.language = visit.channel, visit.device, visit.language
    if rng.random() < 0.75 and not (visit.agent == "demo-support-v1" and at_ms >= change_ms):
        again.agent, again.model, again.purpose = visit.agent, visit.model, visit.purpose
    return again


def _plan_source(source: str, count: int, seed: int, first_day_ms: int, days: int) -> list[Visit]:
    """`count` visits of one source, returning users included."""
    rng = random_stream(seed, "visits", source)
    clock, end_ms = Clock(first_day_ms, days), first_day_ms + days * DAY_MS
    change_ms = prompt_change_ms(first_day_ms, days)
    anonymous_rate = _ANONYMOUS_RATE.get(source, 0.0)
    visits: list[Visit] = []
    users = 0

    def newcomer(at_ms: int) -> Visit:
        nonlocal users
        users += 1
        number = None if rng.random() < anonymous_rate else users
        return _new_visit(source, at_ms, number, change_ms, rng)

    running_count = min(count, max(2, round(0.002 * count)))
    for _ in range(running_count):
        running = newcomer(end_ms - rng.randrange(2 * MINUTE_MS, 24 * MINUTE_MS))
        running.is_running = True
        visits.append(running)
    visit: Visit | None
    while len(visits) < count:
        visit = newcomer(clock.draw(rng))
        while visit is not None and len(visits) < count:
            visits.append(visit)
            comes_back = visit.user_number is not None and rng.random() < RETURN_RATE
            visit = _returning_visit(visit, end_ms, change_ms, rng) if comes_back else None
    return visits


def _plan_extras(source: str, count: int, seed: int, first_day_ms: int, days: int) -> list[Visit]:
    """Visits in addition to the counted ones: unused widgets, and development traffic (never on the last day)."""
    rng = random_stream(seed, "extras", source)
    clock, change_ms = Clock(first_day_ms, days), prompt_change_ms(first_day_ms, days)
    extras: list[Visit] = []
    if source == "agentsight_interactions":
        for number in range(round(count * SHOWN_PER_ENGAGED)):
            visit = _new_visit(source, clock.draw(rng), 1_000_000 + number, change_ms, rng)
            visit.is_shown_only = True
            extras.append(visit)
    if source in {"events", "agentsight_interactions"}:
        quiet_clock = Clock(first_day_ms, max(1, days - 1))
        for number in range(max(2, round(count * DEVELOPMENT_SHARE))):
            visit = _new_visit(source, quiet_clock.draw(rng), 2_000_000 + number, change_ms, rng)
            visit.environment = "development"
            extras.append(visit)
    return extras


def source_counts(conversations: int) -> dict[str, int]:
    """How many conversations each source gets; they add up to `conversations`."""
    counts = {source: round(conversations * SHARES[source]) for source in SOURCES[1:]}
    return {"events": conversations - sum(counts.values())} | counts


def plan_visits(seed: int, first_day_ms: int, days: int, conversations: int) -> dict[str, list[Visit]]:
    """All visits by source in order of their start. Extras come on top of `conversations`."""
    planned: dict[str, list[Visit]] = {}
    for source, count in source_counts(conversations).items():
        visits = _plan_source(source, count, seed, first_day_ms, days)
        visits += _plan_extras(source, count, seed, first_day_ms, days)
        planned[source] = sorted(visits, key=lambda visit: visit.started_ms)
    return planned
