"""Finds the top-level fields that many lines have though their source has no place for them."""

import json
import re
from collections import Counter

from orchestration.warehouse.source_contracts import SourceContract

_SAMPLED_LINES = 64
_SAMPLED_LETTERS = 10_000
# Each costs a comparison with every other, to know that they stand in the same order everywhere.
_MOST = 4
# Written the same in every JSON text, and no trouble as a name in SQL.
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")


def stray_fields(contract: SourceContract, lines: list[str]) -> tuple[str, ...]:
    """Names of the commonest stray fields of a sample of `lines`, in the order in which they first occur.

    What is in no sample only costs time: its lines are taken apart by more general, slower expressions.
    """
    counts: Counter[str] = Counter()
    for line in lines[:: max(1, len(lines) // _SAMPLED_LINES)]:
        if len(line) <= _SAMPLED_LETTERS:
            counts.update(name for name in _names(line) if _PLAIN_NAME.fullmatch(name))
    strays = {name: count for name, count in counts.items() if name not in contract.known_fields}
    commonest = {name for name, _ in Counter(strays).most_common(_MOST)}
    return tuple(name for name in strays if name in commonest)


def _names(line: str) -> list[str]:
    try:
        read = json.loads(line, parse_int=str)
    except (ValueError, RecursionError):
        # It is refused later on, with the reason.
        return []
    return list(read) if isinstance(read, dict) else []
