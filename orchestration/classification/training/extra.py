r"""Reads the user's own labelled conversations, to fit on in addition to the shipped texts.

A folder of *.jsonl files, one conversation a line:

    {"conversation_id": "c-1", "group": "parcels", "messages": [
        {"role": "customer", "content": "Where is my parcel?"},
        {"role": "tool", "tool_name": "trace", "content": "{}", "is_error": false, "is_write": false},
        {"role": "agent", "content": "It arrives at noon.", "reached": ["problem_identified", "solution_proposed",
         "resolved"], "undecided": ["solution_accepted"]}]}

`reached` names what holds after a message (problem_identified, solution_proposed, solution_accepted, resolved,
claimed_resolved), `undecided` what cannot be known; a message with neither leaves things as they stood. Undecided is
also what shows only later: whether an answer was all that was asked for, while the customer may still go on.
`group` (may be left out) names what makes conversations alike, such as a product: what is learnt is then chosen so
that it holds for groups it was not learnt from.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.classification.conversation import Message, Role
from orchestration.classification.labelled import LABEL_TARGETS, LabelledConversation, LabelledMessage

_EVENT_TYPES: dict[Role, str] = {"customer": "user_message", "agent": "agent_message", "tool": "tool_called"}


def read_extra(folder: Path) -> list[LabelledConversation]:
    """Read all *.jsonl of a folder. Raises ValueError naming file, line and cause, or that there is nothing to read."""
    conversations = [
        _conversation(path, number, line)
        for path in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if line.strip()
    ]
    if not conversations:
        raise ValueError(
            f"{folder}: no conversations in *.jsonl; see orchestration/classification/training/extra.py for the format"
        )
    return conversations


def _conversation(path: Path, number: int, line: str) -> LabelledConversation:
    try:
        content = json.loads(line)
        name = str(content["conversation_id"])
        labels: dict[str, bool | None] = dict.fromkeys(LABEL_TARGETS, False)
        messages = []
        for seq, row in enumerate(content["messages"], start=1):
            labels = _labels(row, labels)
            messages.append(LabelledMessage(_message(row, name, seq), labels, None))
        messages[0]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"{path}:{number}: {error!r}; see orchestration/classification/training/extra.py for the format"
        ) from error
    return LabelledConversation(name, tuple(messages), str(content.get("group", "")))


def _labels(row: Mapping[str, Any], before: dict[str, bool | None]) -> dict[str, bool | None]:
    if "reached" not in row and "undecided" not in row:
        return before
    reached, undecided = row.get("reached", []), row.get("undecided", [])
    unknown = sorted({*reached, *undecided} - set(LABEL_TARGETS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(LABEL_TARGETS)}")
    return {target: None if target in undecided else target in reached for target in LABEL_TARGETS}


def _message(row: Mapping[str, Any], name: str, seq: int) -> Message:
    role = row["role"]
    if role not in _EVENT_TYPES:
        raise ValueError(f"role {role!r} is none of {', '.join(_EVENT_TYPES)}")
    return Message(
        *(f"{name}-{seq}", _EVENT_TYPES[role], role, str(row["content"]), seq, row.get("tool_name")),
        is_error=bool(row.get("is_error", False)),
        is_write=bool(row.get("is_write", False)),
    )
