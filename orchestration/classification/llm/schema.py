"""What the model may answer: words of a closed list, nothing it could have copied from a conversation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, ValidationError, create_model

from orchestration.classification.labelled import LABEL_TARGETS

# A list of references that is the same for every conversation: endpoints compile each new schema, and pay for it.
MOST_MESSAGES = 40
REFERENCES = tuple(f"m{number}" for number in range(1, MOST_MESSAGES + 1))
NO_MESSAGE = "none"
_REACHED: dict[str, bool | None] = {"yes": True, "no": False, "unknown": None}
# mypy wants literals here; these are made of the lists above, so that they stand once.
_Message = StrEnum("Message", [(name, name) for name in (NO_MESSAGE, *REFERENCES)])  # type: ignore[misc]
_Reached = StrEnum("Reached", [(name, name) for name in _REACHED])  # type: ignore[misc]
_Answer = create_model(
    "Answer",
    __config__=ConfigDict(extra="forbid", strict=True),
    # The evidence first: the model looks for the message before it decides.
    **{
        name: kind
        for target in LABEL_TARGETS
        for name, kind in ((f"{target}_evidence", (_Message, ...)), (target, (_Reached, ...)))
    },  # type: ignore[call-overload] # fields by name are more than its types know
)
SCHEMA: dict[str, Any] = _Answer.model_json_schema()
_FIELDS = frozenset(_Answer.model_fields)
SCHEMA_NAME = "conversation_stages"


class AnswerError(ValueError):
    """An answer that is not of the schema; the message names the place, without quoting the answer."""


@dataclass(frozen=True)
class Said:
    """The answer for one target: reached (None = unknown) and the reference of the message that shows it."""

    reached: bool | None
    reference: str | None


def parse_answer(text: str) -> dict[str, Said]:
    """Return the answer for each label target. Raises AnswerError for anything that is not exactly of the schema."""
    try:
        json.loads(text, object_pairs_hook=_unique)
        content = _Answer.model_validate_json(text).model_dump()
    except ValidationError as error:
        where = ", ".join(sorted({str(part) for one in error.errors() for part in one["loc"][:1] if part in _FIELDS}))
        raise AnswerError(f"the answer is not of the schema: {where or 'its properties'}") from None
    except (ValueError, RecursionError) as error:
        raise AnswerError("the answer is not JSON") from error
    return {target: _said(content[target], content[f"{target}_evidence"]) for target in LABEL_TARGETS}


def answer_text(said: Mapping[str, Said]) -> str:
    """Return what `parse_answer` reads, in one spelling for the same answer; it holds words of the schema only."""
    words = {reached: word for word, reached in _REACHED.items()}
    content = {
        name: value
        for target in LABEL_TARGETS
        for name, value in (
            (f"{target}_evidence", said[target].reference or NO_MESSAGE),
            (target, words[said[target].reached]),
        )
    }
    return json.dumps(content)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a property occurs twice")
    return content


def _said(reached: str, reference: str) -> Said:
    return Said(_REACHED[reached], None if reference == NO_MESSAGE else str(reference))
