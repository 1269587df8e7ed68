"""Conversations written line by line: the side, what the words do, and the text.

A line is `c concern: text` (customer), `a offer: text` (agent) or `t write ok: tool_name` (read or write, ok or error);
`=yes`, `=no` or `=open` after the acts of an agent states what the message does to `resolved` where the acts do not.
After those of a customer only `=open` is allowed: from there on it cannot be known.
"""

import random
from pathlib import Path

import yaml

from orchestration.classification.acts import AGENT_ACTS, CUSTOMER_ACTS
from orchestration.classification.labelled import LabelledConversation
from orchestration.classification.training.draft import Draft
from orchestration.classification.training.grammar import CONVERSATIONS, TEXTS

_RESOLVES: dict[str, bool | None] = {"=yes": True, "=no": False}


def read_authored(folder: Path = TEXTS) -> list[LabelledConversation]:
    """Read all <language>/conversations*.yml. Raises ValueError naming file, conversation and line."""
    return [
        _read(path, number, text)
        for path in sorted(folder.glob(f"*/{CONVERSATIONS}*.yml"))
        for number, text in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=1)
    ]


def _read(path: Path, number: int, text: str) -> LabelledConversation:
    draft = Draft(f"{path.parent.name}-{path.stem}-{number}", random.Random(0))  # noqa: S311 - nothing secret is drawn
    for line in text.strip().splitlines():
        head, _, said = line.strip().partition(": ")
        who, *words = head.split()
        acts = [word for word in words if not word.startswith("=")]
        known = {"c": CUSTOMER_ACTS, "a": AGENT_ACTS, "t": ("read", "write", "ok", "error")}.get(who)
        if known is None or not set(acts) <= set(known) or not said:
            raise ValueError(
                f"{path}: conversation {number}: {line.strip()!r}: write `c concern: text` (see authored.py)"
            )
        if who == "c":
            draft.customer(said, *acts)
        elif who == "t":
            draft.tool(said, "{}", is_error="error" in acts, is_write="write" in acts)
        else:
            resolves = next((_RESOLVES[word] for word in words if word in _RESOLVES), None)
            draft.agent(said, *acts, resolves=resolves)
        if "=open" in words:
            draft.undecided("resolved")
    return draft.finished()
