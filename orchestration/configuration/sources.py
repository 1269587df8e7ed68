"""Where events come from and how their words are read: sources, event types, senders, purposes, signs of success."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from orchestration.configuration.cells import Flag, Name, OneOf, PropertyName, Purpose, Reference, Value, Word
from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed, read_rows
from orchestration.configuration.rows import Row
from orchestration.warehouse.source_contracts import SOURCES

SourceName = Annotated[Name, Reference("sources.csv", "source")]
SenderRole = Literal["customer", "agent"]
TimeFormat = Literal["epoch_seconds", "epoch_milliseconds"]


class Source(Row):
    """A source of events: how its ids are scoped, and what is assumed where its events do not state it."""

    file: ClassVar = "sources.csv"
    key: ClassVar = ("source",)

    source: Annotated[str, OneOf.of(SOURCES)]
    id_namespace: Name
    default_environment: Literal["production", "development"] | None
    feedback_question_kind: Literal["solved", "satisfaction", "other"] | None
    default_rating_type: Literal["thumbs", "stars"] | None = None
    has_optional_widget: Flag
    can_report_completion: Flag
    # Next to ISO-8601, which every source may send.
    time_format: TimeFormat | None = None


class ConversationPurpose(Row):
    """A source, or an agent of a source, whose conversations have a purpose other than support."""

    file: ClassVar = "purposes.csv"
    key: ClassVar = ("source", "agent")

    source: SourceName
    agent: Value | None
    purpose: Purpose


class EventTypeAlias(Row):
    """An event type that a source calls by another name, or whose sender its name decides."""

    file: ClassVar = "event_type_aliases.csv"
    key: ClassVar = ("source", "source_event_type")

    source: SourceName
    source_event_type: Value
    sender_role: SenderRole | None
    event_type: Value


class SenderWord(Row):
    """A word by which a source names the sender."""

    file: ClassVar = "sender_roles.csv"
    key: ClassVar = ("role",)

    role: Word
    sender_role: SenderRole


class SuccessSignal(Row):
    """An event, with or without a property value, that is evidence of a solved problem."""

    file: ClassVar = "success_signals.csv"
    key: ClassVar = ("source", "event_type", "property", "value")

    source: SourceName | None
    event_type: Value
    property: PropertyName | None
    value: str | None
    strength: Literal["proof", "claim"]


def success_signal_problems(signals: Seed[SuccessSignal]) -> Iterator[Problem]:
    """Yield the signals whose property could have no value, and those whose value belongs to no property."""
    for line, row in signals.rows.items():
        if row.property is None and row.value is not None:
            what = f"the cell is empty, and value {row.value!r} is of a property"
            yield signals.problem(line, "property", what, "write the property that has the value, or leave both empty")
        if row.property is not None and row.value is None:
            what = f"the cell is empty, and property {row.property!r} needs a value"
            yield signals.problem(line, "value", what, "write the value that shows success")


def read_namespaces(seeds: Path) -> dict[str, str]:
    """Return the id_namespace of each source, from sources.csv. Raises ConfigurationError."""
    return {row.source: row.id_namespace for row in read_rows(seeds / Source.file, Source)}
