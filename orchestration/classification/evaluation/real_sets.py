"""Reads the real conversations with truth (star, sgd, tau): prefixes and whole conversations.

A set is a folder with events.jsonl.gz, truth.jsonl.gz and truth_prefix.jsonl.gz; its README explains how
the truth was made.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestration.classification.conversation import Conversation, Message, Role
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.configuration.label_stages import STAGES
from orchestration.configuration.reading import read_rows
from orchestration.configuration.sources import EventTypeAlias

REAL_SETS = ("star", "sgd", "tau")
# Constants win on whole conversations and tau has too few unambiguous cuts, so only these are aimed at.
_TARGETS = dict.fromkeys(("star", "sgd"), "25 points above the constant, 3 above the rules")
_ROLES: dict[str, Role] = {"user_message": "customer", "agent_message": "agent", "tool_called": "tool"}


def read_real_set(folder: Path, seeds: Path) -> tuple[Dataset, Dataset]:
    """Return the unambiguous prefixes and the whole conversations of one set; `seeds` holds event_type_aliases.csv.

    Raises FileNotFoundError when a file of the set is missing, ValueError naming file and line when a line is not as
    expected.
    """
    conversations, truths = read_conversations(folder, seeds), read_truths(folder)
    prefixes = [
        _prefix(row, conversations[row["conversation_id"]], truths[row["conversation_id"]])
        for row in _rows(folder / "truth_prefix.jsonl.gz")
        if not row["current_stage_ambiguous"]
    ]
    wholes = [_whole(row, conversations[row["conversation_id"]]) for row in truths.values()]
    name = folder.name
    return (
        Dataset(f"{name} prefixes", tuple(prefixes), _TARGETS.get(name, ""), is_whole=False),
        Dataset(f"{name} whole", tuple(wholes)),
    )


def read_conversations(folder: Path, seeds: Path) -> dict[str, tuple[Message, ...]]:
    """Return the messages of each conversation of a set in their order. Raises as read_real_set."""
    return _conversations(folder / "events.jsonl.gz", _aliases(seeds / EventTypeAlias.file))


def read_truths(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return what is true of each conversation of a set. Raises as read_real_set."""
    return {row["conversation_id"]: row for row in _rows(folder / "truth.jsonl.gz")}


def _prefix(row: Mapping[str, Any], messages: tuple[Message, ...], whole: Mapping[str, Any]) -> Example:
    example_id = f"{row['conversation_id']}@{row['cut_seq']}"
    kept = tuple(message for message in messages if message.seq <= row["cut_seq"])
    truth = _truth(row)
    return Example(example_id, Conversation(example_id, kept), truth, _slice(whole), outcome=truth["resolved"])


def _whole(row: Mapping[str, Any], messages: tuple[Message, ...]) -> Example:
    truth = _truth(row)
    outcome = truth["resolved"] if "reward" not in row else row["reward"] >= 1
    return Example(
        row["conversation_id"], Conversation(row["conversation_id"], messages), truth, _slice(row), outcome=outcome
    )


def _truth(row: Mapping[str, Any]) -> dict[str, bool | None]:
    return {stage: None if stage in row["stages_unknown"] else stage in row["stages_reached"] for stage in STAGES}


def _slice(row: Mapping[str, Any]) -> str:
    return str(row.get("task") or row.get("domain") or row["services"][0])


def _conversations(path: Path, aliases: Mapping[str, str]) -> dict[str, tuple[Message, ...]]:
    messages: dict[str, list[Message]] = {}
    for event in _rows(path):
        messages.setdefault(event["conversation_id"], []).append(_message(event, aliases))
    return {name: tuple(sorted(found, key=lambda message: message.seq)) for name, found in messages.items()}


def _message(event: Mapping[str, Any], aliases: Mapping[str, str]) -> Message:
    properties = event["properties"]
    event_type = aliases.get(event["event_type"], event["event_type"])
    return Message(
        event["event_id"],
        event_type,
        _ROLES.get(event_type, "system"),
        str(properties.get("content", properties.get("result", ""))),
        properties["seq"],
        properties.get("tool_name"),
        is_error=properties.get("is_error", False),
        is_write=properties.get("is_write", False),
    )


def _aliases(path: Path) -> dict[str, str]:
    return {row.source_event_type: row.event_type for row in read_rows(path, EventTypeAlias) if row.source == "events"}


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from _parsed(path, lines)


def _parsed(path: Path, lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: not JSON ({error}); fetch the set again") from error
