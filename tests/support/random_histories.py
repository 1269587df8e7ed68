"""Random histories of a warehouse: what lands before each of its runs, in which order, and what changes in between."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hypothesis import strategies as st

from orchestration.settings import PROJECT_DIR
from tests.support.random_conversations import DAYS, FIRST_DAY, SEEDS, Fields, Line, conversation_lines
from tests.support.warehouse import LOAD_INTERVAL, LOADED_AT

LATENESS = timedelta(days=60)
MAX_CONVERSATIONS = 55
# A source that comes in behind the others moves back the moment up to which all data is complete.
LATE_SOURCES = (
    frozenset[str](),
    frozenset({"agent_events"}),
    frozenset({"chat_events", "ab_test_exposures", "sales_events", "agentsight_interactions"}),
)
# What a landing may bring at most: later than a day after its load it would be rejected.
NEAR_FUTURE = LOADED_AT + timedelta(hours=5)
# After which something closes, matures, or leaves the window of a stage.
DEADLINES = tuple(timedelta(hours=hours) for hours in (0.5, 24, 168, 720, 1440, 2160))


class Manner(StrEnum):
    """How the lines of a conversation spread over the landings."""

    ON_TIME = "in time, few late"
    LATE = "in time, many late"
    SHUFFLED = "in any order"
    BACKWARDS = "newest first"


class Surprise(StrEnum):
    """What lands in addition to the conversations."""

    NONE = "nothing"
    FAR_AHEAD = "an event months ahead in one source"
    DEADLINES = "conversations whose deadlines fall on the loads, and events dated after them"


def _shipped(name: str, old: str, new: str) -> dict[str, str]:
    text = (PROJECT_DIR / "seeds" / name).read_text()
    if old not in text:
        raise ValueError(f"seeds/{name} no longer holds {old!r}: name another row to change")
    return {name: text.replace(old, new)}


def _own(name: str, old: str, new: str) -> dict[str, str]:
    if old not in SEEDS[name]:
        raise ValueError(f"SEEDS no longer holds {old!r} in {name}: name another row to change")
    return {name: SEEDS[name].replace(old, new)}


# What a user may change between two runs: the file in its new wording. The time zone is no file.
TIME_ZONE = "time zone"
CHANGES: Mapping[str, Mapping[str, str]] = {
    TIME_ZONE: {},
    "funnel stage": _shipped("funnel_stages.csv", "greeted,fact,first_agent_message_at", "greeted,event,tool_called"),
    "purpose": _own("purposes.csv", "events,sales_bot,sales", "events,booking_bot,sales"),
    "default environment": _own("sources.csv", "chat_events,production,sat", "chat_events,development,sat"),
    "segment dimension": _own("segment_dimensions.csv", "plan,,plan,1,false", "plan,,plan,,true"),
    "success signal": _own("success_signals.csv", ",problem_resolved,,,claim", ",fallback_triggered,,,proof"),
    "phase of a test": _own(
        "ab_tests.csv",
        "168,2025-06-01 00:00:00,,,,,0.02\n",
        "168,2025-06-01 00:00:00,,,,,0.02\n"
        "layout,2,A,A|B,0.5|0.5,,user,engagement,value:signup,48,2025-06-10 00:00:00,2025-06-09 00:00:00,40,,,\n",
    ),
    "metric definition": _shipped("metric_definitions.csv", "non_additive,100,true,720,", "non_additive,1,true,48,"),
}


class Labels(StrEnum):
    """What the label step of a run does."""

    DONE = "labels what is pending"
    BROKEN = "breaks off after some conversations"
    AGAIN = "labels everything again by another definition, which stays"


@dataclass(frozen=True)
class Step:
    """One run: what lands before it besides conversations, what the user changes and what the label step does."""

    surprise: Surprise
    changed: frozenset[str] = frozenset()
    labels: Labels = Labels.DONE


@dataclass(frozen=True)
class History:
    """Everything that decides a sequence of runs; `late_sources` land nothing before the last step."""

    conversations: tuple[int, ...]
    manner: Manner
    steps: tuple[Step, ...]
    late_sources: frozenset[str]
    seed: int

    def landings(self) -> list[list[Line]]:
        """Return the lines that land before each run, in landing order."""
        count = len(self.steps)
        batches: list[list[Line]] = [[] for _ in range(count)]
        conflicts: list[list[Line]] = [[] for _ in range(count)]
        for number in sorted(set(self.conversations)):
            # One source of chance for each conversation: taking one away leaves the others as they are.
            chance = random.Random(f"{self.seed} {number}")  # noqa: S311 - reproducible, not secret
            for line in conversation_lines(number):
                place = self._place(line, chance)
                batches[place].append(line)
                if chance.random() < 0.05:
                    batches[chance.randrange(place, count)].append(line)
                if chance.random() < 0.02 and _id_field(line) in line.fields:
                    conflicts[chance.randrange(place, count)].append(_contradicted(line, chance))
        for place, step in enumerate(self.steps):
            chance = random.Random(f"{self.seed} step {place}")  # noqa: S311 - reproducible, not secret
            batches[place] += _surprising_lines(step.surprise, place, chance)
            chance.shuffle(batches[place])
        return [batch + conflicting for batch, conflicting in zip(batches, conflicts, strict=True)]

    def _place(self, line: Line, chance: random.Random) -> int:
        count = len(self.steps)
        if line.source in self.late_sources:
            return count - 1
        match self.manner:
            case Manner.SHUFFLED:
                return chance.randrange(count)
            case Manner.BACKWARDS:
                return count - 1 - _in_time(line.occurred_at, count)
            case Manner.ON_TIME | Manner.LATE:
                is_late = chance.random() < (0.08 if self.manner == Manner.ON_TIME else 0.4)
                return _in_time(line.occurred_at + LATENESS * chance.random() * is_late, count)


def in_another_order(landings: Sequence[Sequence[Line]], seed: int) -> list[Line]:
    """Return all lines of a history in another order; of conflicting versions the same one still comes first."""
    lines = [line for landing in landings for line in landing]
    first_of: dict[tuple[str, str], Line] = {}
    firsts, later = list[Line](), list[Line]()
    for line in lines:
        identity = (line.source, str(line.fields.get(_id_field(line), repr(line.fields))))
        is_first = first_of.setdefault(identity, line) == line
        (firsts if is_first else later).append(line)
    random.Random(f"another order {seed}").shuffle(firsts)  # noqa: S311 - reproducible, not secret
    return [*firsts, *later]


# For tests that are about something else: four batches that arrive partly late.
LATE_HISTORY = History(tuple(range(1, 41)), Manner.LATE, (Step(Surprise.NONE),) * 4, frozenset(), seed=1)


def by_source(lines: Iterable[Line]) -> dict[str, list[Fields]]:
    """Return the lines of each source, their order kept."""
    found: dict[str, list[Fields]] = {}
    for line in lines:
        found.setdefault(line.source, []).append(line.fields)
    return found


def in_files(lines: Iterable[Line], chance: random.Random) -> list[tuple[str, list[Fields]]]:
    """Return source and lines of each file: one or two for a source, the order of its lines kept."""
    files = []
    for source, fields in by_source(lines).items():
        border = chance.randint(0, len(fields))
        files += [(source, part) for part in (fields[:border], fields[border:]) if part]
    return files


def seeds_after(changed: Iterable[str]) -> dict[str, str]:
    """Return the seeds of a user who made these changes."""
    return SEEDS | {name: text for change in sorted(changed) for name, text in CHANGES[change].items()}


@st.composite
def histories(draw: st.DrawFn, *, max_steps: int) -> History:
    """Draw a history of at least three runs; at most one of them comes after a change of configuration."""
    count = draw(st.integers(3, max_steps))
    # 0 stands for no conversation, so that hypothesis can take away each of them when it looks for a smaller case.
    numbers = draw(st.lists(st.integers(0, 9999), min_size=MAX_CONVERSATIONS, max_size=MAX_CONVERSATIONS).filter(any))
    # Every step but the last may leave labels behind that the next one has to make up for.
    labels = draw(st.lists(st.sampled_from(Labels), min_size=count - 1, max_size=count - 1))
    surprises = draw(st.lists(st.sampled_from(Surprise), min_size=count, max_size=count))
    changed_at = draw(st.sampled_from([0] * count + list(range(1, count))))
    changed = draw(st.frozensets(st.sampled_from(list(CHANGES)), min_size=1, max_size=3)) if changed_at else frozenset()
    return History(
        conversations=tuple(number for number in numbers if number),
        manner=draw(st.sampled_from(Manner)),
        steps=tuple(
            Step(surprise, changed if place >= changed_at else frozenset(), label)
            for place, (surprise, label) in enumerate(zip(surprises, [*labels, Labels.DONE], strict=True))
        ),
        late_sources=draw(st.sampled_from(LATE_SOURCES)),
        seed=draw(st.integers(0, 9999)),
    )


def _in_time(moment: datetime, count: int) -> int:
    """Return the landing that brings a line written at this moment when nothing is late."""
    borders = [FIRST_DAY + timedelta(days=DAYS[len(DAYS) * number // count]) for number in range(1, count)]
    return sum(moment >= border for border in borders)


def _id_field(line: Line) -> str:
    return "id" if line.source == "agent_events" else "event_id"


def _contradicted(line: Line, chance: random.Random) -> Line:
    moved = line.occurred_at - timedelta(hours=chance.randint(1, 50))
    return Line(line.source, moved, line.fields | {"timestamp": moved.isoformat(), "event_type": "conversion"})


def _event(name: str, moment: datetime, event_type: str, **fields: object) -> Line:
    identity = f"{name} {event_type} {moment.isoformat()}"
    said = {"event_id": identity, "conversation_id": name, "event_type": event_type, "timestamp": moment.isoformat()}
    return Line("events", moment, said | fields)


def _surprising_lines(surprise: Surprise, place: int, chance: random.Random) -> list[Line]:
    match surprise:
        case Surprise.NONE:
            return []
        case Surprise.FAR_AHEAD:
            moment = FIRST_DAY + timedelta(days=100 + 10 * place)
            opening: Fields = {
                "session_id": f"ahead{place}",
                "event_id": f"ahead{place}",
                "event_type": "session_start",
            }
            return [Line("chat_events", moment, opening | {"timestamp": moment.isoformat()})]
        case Surprise.DEADLINES:
            return _lines_at_deadlines(place, chance)


def _lines_at_deadlines(place: int, chance: random.Random) -> list[Line]:
    """Return conversations with a deadline at one of the next loads: only a capped watermark stands still there."""
    loaded_at = LOADED_AT + LOAD_INTERVAL * (place + 1)
    lines = [_event(f"future{place}", NEAR_FUTURE, "conversation_started")]
    for number, deadline in enumerate(DEADLINES):
        name = f"deadline{place}-{number}"
        start = loaded_at + LOAD_INTERVAL * chance.randint(0, 2) - deadline
        agent = chance.choice(("sales_bot", "support_bot"))
        lines += [
            _event(name, start, "interaction_initialized", properties={"page_url": "https://shop.test/late"}),
            _event(name, start, "user_message", agent=agent, properties={"content": "just in time", "seq": 1}),
            _event(name, start, "conversion", properties={"goal": "signup", "seq": 2}),
        ][chance.choice((0, 0, 1)) : chance.choice((1, 2, 3))]
        if chance.random() < 0.3:
            lines.append(_event(name, NEAR_FUTURE, "conversation_ended"))
    return lines
