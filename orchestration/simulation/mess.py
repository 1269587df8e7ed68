"""Which line stands in which file: late lines, duplicates, conflicts and broken lines, counted before being written."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from orchestration.simulation.plan import (
    DAY_MS,
    EXPOSURE_SOURCE,
    HOUR_MS,
    LANDING_SOURCES,
    Act,
    Conversation,
    Plan,
    landing_source,
    random_stream,
)

LATE_RATE, SAME_FILE_RATE, OTHER_FILE_RATE, REORDERED_RATE, CONFLICT_RATE = 0.006, 0.004, 0.003, 0.002, 0.0015
BROKEN_RATE = 0.0002
_EVERY_SOURCE = (
    "malformed_json",
    "not_an_object",
    "missing_conversation_id",
    "bad_timestamp",
    "timestamp_out_of_range",
)
BROKEN_REASONS = {
    "events": (*_EVERY_SOURCE, "missing_event_id", "missing_event_type", "unknown_environment", "unknown_sender_role"),
    "agent_events": (*_EVERY_SOURCE, "missing_event_id", "missing_event_type"),
    "chat_events": (*_EVERY_SOURCE, "missing_event_id", "missing_event_type"),
    "sales_events": (*_EVERY_SOURCE, "missing_event_type"),
    "agentsight_interactions": (*_EVERY_SOURCE, "unknown_environment", "unknown_sender_role"),
    EXPOSURE_SOURCE: _EVERY_SOURCE,
}
# Day of the simulation -> what its file looks like; a source's usual format stands in the last place.
_USUAL_SUFFIX = {"agent_events": ".jsonl.gz", "agentsight_interactions": ".jsonl.gz"}
_HOURLY_EVERY = {"events": 7, "chat_events": 9}
_PARQUET_EVERY = {"events": 5, "chat_events": 8}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Line:
    """One line to be written. `kind`: event, copy, reordered, conflict, or the reason a broken one is refused for.

    A broken line is a real event made unreadable; `number` gives it an id of its own.
    """

    kind: str
    conversation: Conversation
    act: Act
    position: float = 0.0
    number: int = 0


@dataclass(slots=True)
class FilePlan:
    """One file below the landing folder and its lines, with the accounting a loader must arrive at."""

    path: str
    source: str
    lines: list[Line] = field(default_factory=list)

    @property
    def is_parquet(self) -> bool:
        """Parquet files hold whole rows only: no broken lines, no copies."""
        return self.path.endswith(".parquet")

    @property
    def duplicates(self) -> int:
        """Lines that repeat an accepted line."""
        return sum(line.kind in {"copy", "reordered"} for line in self.lines)

    @property
    def accepted(self) -> int:
        """Lines that become events."""
        return sum(line.kind == "event" for line in self.lines)

    @property
    def rejected(self) -> dict[str, int]:
        """Refused lines by reason."""
        reasons = Counter(
            "conflicting_duplicate" if line.kind == "conflict" else line.kind
            for line in self.lines
            if line.kind not in {"event", "copy", "reordered"}
        )
        return dict(sorted(reasons.items()))


def has_own_id(conversation: Conversation, act: Act) -> bool:
    """Return whether the line has an event id; others are known by a hash of the line and have one version only."""
    if conversation.source in {"events", "agent_events"}:
        return True
    if conversation.source == "chat_events":
        return landing_source(conversation, act) == "chat_events"
    return conversation.source == "sales_events" and has_message_id(conversation, act)


def has_message_id(conversation: Conversation, act: Act) -> bool:
    """Return whether a sales act carries one: messages do, except what some systems call message_sent."""
    if act.kind == "agent_message":
        return conversation.style % 10 != 0
    return act.kind == "user_message"


def file_path(source: str, at_ms: int, first_day_ms: int) -> str:
    """Name the file a moment belongs to. Names sort by time, as text and as paths."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    day = (at_ms - first_day_ms) // DAY_MS + 1
    name, suffix = f"{moment:%Y-%m-%d}", _USUAL_SUFFIX.get(source, ".jsonl")
    if day % _HOURLY_EVERY.get(source, 10**9) == 0:
        return f"{source}/{name}T{moment:%H}.jsonl" + (".gz" if source == "events" else "")
    if day % _PARQUET_EVERY.get(source, 10**9) == 0:
        suffix = ".parquet"
    if source == "sales_events":
        return f"{source}/{moment:%Y-%m}/{name}{suffix}"
    return f"{source}/{name}{suffix}"


class _Mess:
    """The files of one source while they fill up."""

    def __init__(self, source: str, plan: Plan) -> None:
        self._source, self._plan = source, plan
        self._rng = random_stream(plan.seed, "mess", source)
        self._files: dict[str, FilePlan] = {}
        self._landed: list[tuple[Line, str]] = []

    def build(self, events: list[tuple[Conversation, Act]]) -> list[FilePlan]:
        """Put every event into a file once, then add what must not become an event."""
        kinds = self._draw_kinds(len(events))
        for number, (conversation, act) in enumerate(events):
            at_ms = self._late(act.at_ms) if kinds.get(number) == "late" else act.at_ms
            self._put(Line("event", conversation, act), file_path(self._source, at_ms, self._plan.first_day_ms))
        self._writable = sorted(path for path, file in self._files.items() if not file.is_parquet)
        for number, kind in kinds.items():
            if kind != "late":
                self._add_copy(*self._landed[number], kind)
        self._add_broken()
        return [self._in_order(self._files[path]) for path in sorted(self._files)]

    def _draw_kinds(self, count: int) -> dict[int, str]:
        """At most one accident an event: index -> kind."""
        rates = (
            ("late", LATE_RATE), ("same_file", SAME_FILE_RATE), ("other_file", OTHER_FILE_RATE),
            ("reordered", REORDERED_RATE), ("conflict", CONFLICT_RATE),
        )  # fmt: skip
        wanted = [kind for kind, rate in rates for _ in range(max(1, round(rate * count)))]
        chosen = self._rng.sample(range(count), min(count, len(wanted)))
        return dict(zip(chosen, wanted, strict=False))

    def _late(self, at_ms: int) -> int:
        """Draw a moment 1 to 40 days later, as far as there are days; the file of that moment gets the line."""
        first_ms, end_ms = self._plan.first_day_ms, self._plan.end_ms
        last_day, day = (end_ms - first_ms) // DAY_MS - 1, (at_ms - first_ms) // DAY_MS
        if day >= last_day:
            return at_ms
        late_day = day + self._rng.randint(1, min(40, last_day - day))
        return first_ms + late_day * DAY_MS + self._rng.randrange(24) * HOUR_MS

    def _put(self, line: Line, path: str) -> None:
        file = self._files.setdefault(path, FilePlan(path, self._source))
        line.position = float(len(file.lines))
        file.lines.append(line)
        self._landed.append((line, path))

    def _add_copy(self, original: Line, path: str, kind: str) -> None:
        """Write an event again: a copy behind it or in a later file, or another version in a later file."""
        conversation, act = original.conversation, original.act
        if self._files[path].is_parquet or (kind in {"reordered", "conflict"} and not has_own_id(conversation, act)):
            return
        target = path
        if kind != "same_file":
            later = bisect_right(self._writable, path)
            if later == len(self._writable):
                return
            target = self._writable[self._rng.randrange(later, len(self._writable))]
        line_kind = kind if kind in {"reordered", "conflict"} else "copy"
        self._insert(Line(line_kind, conversation, act), target)

    def _insert(self, line: Line, path: str) -> None:
        lines = self._files[path].lines
        # Never at the very end: a broken last line would look like a file still being written.
        line.position = self._rng.uniform(-1.0, max(-0.5, sum(other.kind == "event" for other in lines) - 1.5))
        lines.append(line)

    def _add_broken(self) -> None:
        """Lines that must be refused, at least one of each reason the source can have."""
        if not self._writable:
            return
        reasons = [r for r in BROKEN_REASONS[self._source] for _ in range(self._broken_count())]
        if self._source == "events":
            reasons.append("too_large")
        for number, reason in enumerate(reasons, start=1):
            original, _ = self._landed[self._rng.randrange(len(self._landed))]
            line = Line(reason, original.conversation, original.act, number=number)
            self._insert(line, self._rng.choice(self._writable))

    def _broken_count(self) -> int:
        return max(1, round(BROKEN_RATE * len(self._landed)))

    @staticmethod
    def _in_order(file: FilePlan) -> FilePlan:
        file.lines.sort(key=lambda line: line.position)
        return file


def _events_by_source(conversations: Iterable[Conversation]) -> Iterator[tuple[str, Conversation, Act]]:
    for conversation in conversations:
        for act in conversation.acts:
            yield landing_source(conversation, act), conversation, act


def plan_files(plan: Plan) -> list[FilePlan]:
    """Every file of the landing folder with its lines, in the order a loader reads them."""
    events: dict[str, list[tuple[Conversation, Act]]] = {source: [] for source in LANDING_SOURCES}
    for source, conversation, act in _events_by_source(plan.conversations):
        events[source].append((conversation, act))
    files: list[FilePlan] = []
    for source in LANDING_SOURCES:
        events[source].sort(key=lambda pair: (pair[1].at_ms, pair[0].number, pair[1].seq))
        files += _Mess(source, plan).build(events[source]) if events[source] else []
    return sorted(files, key=lambda file: file.path)
