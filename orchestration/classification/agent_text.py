"""Takes the words meant for the customer out of agent texts that arrive as JSON envelopes."""

import json
from collections.abc import Iterator
from typing import Any

_SPOKEN_KEYS = frozenset({"message", "text", "content", "response", "answer", "reply", "output"})
_SILENT_KEYS = frozenset(
    {"thought", "thoughts", "reasoning", "analysis", "type", "role", "id", "name", "tool", "stage"}
)


def unwrap(text: str) -> str:
    """Return the spoken text of an agent message: `{"message": "Done."}` gives `Done.`; anything else stays as it is.

    The other fields of an envelope (flags, thoughts, labels) do not reach the customer, so they are left out.
    """
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return text
    try:
        parsed = json.loads(stripped)
        spoken = list(_leaves(parsed, is_spoken=False, only_spoken=True)) or list(
            _leaves(parsed, is_spoken=True, only_spoken=False)
        )
    # Brackets a thousand deep are no envelope.
    except (ValueError, RecursionError):
        return text
    return "\n".join(spoken)


def _leaves(value: Any, *, is_spoken: bool, only_spoken: bool) -> Iterator[str]:  # noqa: ANN401 - parsed JSON
    if isinstance(value, str):
        if is_spoken or not only_spoken:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, is_spoken=is_spoken, only_spoken=only_spoken)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key.lower() not in _SILENT_KEYS:
                yield from _leaves(item, is_spoken=key.lower() in _SPOKEN_KEYS, only_spoken=only_spoken)
