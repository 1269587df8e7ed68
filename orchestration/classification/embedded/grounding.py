"""How much of the latest tool results an agent passes on to the customer: reporting a result gives an answer.

The words of the results count, never their meaning: what a result claims of itself shows nothing (see tool_results.py).
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from orchestration.classification.cues import simplified
from orchestration.classification.embedded.tool_results import LONGEST_RESULT_CHARACTERS

_WORD = re.compile(r"\w+")
# One value of many words, or most of the words of a short result; a name and a weekday alone are no answer.
_FEWEST_WORDS, _ENOUGH_WORDS = 4, 6


def told_share(text: str, results: Sequence[str]) -> float:
    """Return 0..1: how much of the values in tool results (JSON or plain text) stands in an agent's simplified text.

    A value counts when all its words are in the text. Results of more than 4,000 characters are left out.
    """
    words = frozenset(_WORD.findall(text))
    values = [value for result in results for value in _values(result)]
    known = frozenset[str]().union(*values)
    told = frozenset[str]().union(*(value for value in values if value <= words))
    return min(1.0, len(told) / min(max(len(known), _FEWEST_WORDS), _ENOUGH_WORDS))


# Prefixes of one conversation repeat its results.
@lru_cache(maxsize=16_384)
def _values(result: str) -> tuple[frozenset[str], ...]:
    if len(result) > LONGEST_RESULT_CHARACTERS:
        return ()
    try:
        parsed = json.loads(result)
        leaves = list(_leaves(parsed))
    except (ValueError, RecursionError):
        parsed, leaves = result, [result]
    if isinstance(parsed, list) and len(parsed) > 1:
        return ()
    return tuple({frozenset(_WORD.findall(simplified(leaf))) for leaf in leaves})


def _leaves(value: Any) -> Iterator[str]:  # noqa: ANN401 - parsed JSON
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
