"""What the model may answer: words of a closed list, nothing it could have copied from a conversation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.classification.labelled import MARKS

# A list of references that is the same for every conversation: endpoints compile each new schema, and pay for it.
MOST_MESSAGES = 40
REFERENCES = tuple(f"m{number}" for number in range(1, MOST_MESSAGES + 1))
NO_MESSAGE = "none"
_REACHED: dict[str, bool | None] = {"yes": True, "no": False, "unknown": None}
_PROPERTIES = {
    # The evidence first: the model looks for the message before it decides.
    name: kind
    for mark in MARKS
    for name, kind in ((f"{mark}_evidence", {"$ref": "#/$defs/message"}), (mark, {"$ref": "#/$defs/reached"}))
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": _PROPERTIES,
    "required": list(_PROPERTIES),
    "additionalProperties": False,
    "$defs": {
        "message": {"type": "string", "enum": [NO_MESSAGE, *REFERENCES]},
        "reached": {"type": "string", "enum": list(_REACHED)},
    },
}
SCHEMA_NAME = "conversation_stages"


class AnswerError(ValueError):
    """An answer that is not of the schema; the message says where, without quoting the answer."""


@dataclass(frozen=True)
class Said:
    """What the model says of one mark: reached (None = unknown) and the reference of the message that shows it."""

    reached: bool | None
    reference: str | None


def parse_answer(text: str) -> dict[str, Said]:
    """Return what is said of each mark of MARKS. Raises AnswerError for anything that is not exactly of the schema."""
    try:
        content = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise AnswerError("the answer is not JSON") from error
    if not isinstance(content, dict):
        raise AnswerError("the answer is not a JSON object")
    if set(content) != set(_PROPERTIES):
        raise AnswerError("the answer does not have exactly the properties of the schema")
    return {mark: _said(mark, content) for mark in MARKS}


def answer_text(said: Mapping[str, Said]) -> str:
    """Return what `parse_answer` reads, in one spelling for the same answer; it holds words of the schema only."""
    words = {reached: word for word, reached in _REACHED.items()}
    content = {
        name: value
        for mark in MARKS
        for name, value in (
            (f"{mark}_evidence", said[mark].reference or NO_MESSAGE),
            (mark, words[said[mark].reached]),
        )
    }
    return json.dumps(content)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a property occurs twice")
    return content


def _said(mark: str, content: Mapping[str, object]) -> Said:
    reached, reference = content[mark], content[f"{mark}_evidence"]
    if not isinstance(reached, str) or reached not in _REACHED:
        raise AnswerError(f"{mark} is none of {', '.join(_REACHED)}")
    if not isinstance(reference, str) or reference not in (NO_MESSAGE, *REFERENCES):
        raise AnswerError(f"{mark}_evidence is no reference to a message")
    return Said(_REACHED[reached], None if reference == NO_MESSAGE else reference)
