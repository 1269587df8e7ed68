"""Which event types need a sender, which words name one, which sources count time: read from the seeds."""

from dataclasses import dataclass
from pathlib import Path

from orchestration.configuration.reading import read_rows
from orchestration.configuration.sources import EventTypeAlias, SenderWord, Source, TimeFormat

_MESSAGE_TYPES = {"user_message": "customer", "agent_message": "agent"}


@dataclass(frozen=True)
class Directions:
    """`message_types`: source -> {event type: sender_role or ''}; `roles`: words for a sender, lower case.

    `time_formats`: source -> how its timestamps may be written besides ISO-8601.
    """

    message_types: dict[str, dict[str, str]]
    roles: tuple[str, ...]
    time_formats: dict[str, TimeFormat]

    def types_of(self, source: str) -> dict[str, str]:
        """Event types of a source that need a sender, with the one they have by themselves, or ''."""
        # The two canonical names determine the sender, whether a source lists them or not.
        listed = self.message_types.get(source, {})
        return _MESSAGE_TYPES | {name: role or _MESSAGE_TYPES.get(name, "") for name, role in listed.items()}


def read_directions(seeds: Path) -> Directions:
    """Read event_type_aliases.csv, sender_roles.csv and sources.csv of a folder. Raises ConfigurationError."""
    message_types: dict[str, dict[str, str]] = {}
    for row in read_rows(seeds / EventTypeAlias.file, EventTypeAlias):
        if row.event_type in _MESSAGE_TYPES:
            message_types.setdefault(row.source, {})[row.source_event_type] = row.sender_role or ""
    roles = tuple(row.role for row in read_rows(seeds / SenderWord.file, SenderWord))
    sources = read_rows(seeds / Source.file, Source)
    return Directions(
        message_types, roles, {row.source: row.time_format for row in sources if row.time_format is not None}
    )
