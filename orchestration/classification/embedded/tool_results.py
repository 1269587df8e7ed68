"""What the result of a tool call shows of its outcome: that it failed, or found nothing; never that it succeeded.

A result is data of unknown authors, so it can only hold a conversation back: no result makes it resolved.
"""

import json
import re
from functools import lru_cache
from typing import Any

_ERROR_KEYS = frozenset({"error", "errors", "exception", "error_message", "error_code"})
_SUCCESS_KEYS = frozenset({"success", "ok", "succeeded", "is_success"})
_FAILURE = re.compile(
    r"^\s*error\b|\b(fail(ed|ure)?|unavailable|not (available|found|possible|allowed)|rejected|declined|denied"
    r"|timed? ?out|invalid|conflict|unsuccessful)\b"
)
# A status is short; running text (a review, a note of the customer) that has such a word shows nothing of the call.
_LONGEST_STATUS_CHARACTERS = 60
LONGEST_RESULT_CHARACTERS = 4_000


@lru_cache(maxsize=16_384)
def tool_outcome(result: str) -> tuple[bool, bool]:
    """Return whether a result shows that the call failed, and whether it holds nothing."""
    stripped = result.strip()
    if len(stripped) <= LONGEST_RESULT_CHARACTERS:
        try:
            parsed = json.loads(stripped)
        except (ValueError, RecursionError):
            parsed = stripped
    else:
        parsed = stripped
    is_empty = not parsed and parsed is not False and parsed != 0
    return _fails(parsed), is_empty


def _fails(value: Any) -> bool:  # noqa: ANN401 - parsed JSON
    if isinstance(value, str):
        return _is_failure(value)
    if not isinstance(value, dict):
        return False
    return any(
        (key.lower() in _ERROR_KEYS and bool(item))
        or (key.lower() in _SUCCESS_KEYS and item is False)
        or (isinstance(item, str) and _is_failure(item))
        for key, item in value.items()
    )


def _is_failure(text: str) -> bool:
    return len(text) <= _LONGEST_STATUS_CHARACTERS and _FAILURE.search(text.lower()) is not None
