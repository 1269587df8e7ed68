"""Reads the golden conversations."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.classification.conversation import Conversation, Message, Role
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.configuration.label_stages import STAGES

# Next to the tests and not in the package: every checkout has it, and no warehouse does.
GOLDEN = Path(__file__).parent / "golden"
_ROLES: dict[str, Role] = {"user": "customer", "agent": "agent", "tool": "tool", "system": "system"}


def read_golden(path: Path) -> Dataset:
    """Read stage_cases.jsonl. Raises ValueError naming file, line and cause, FileNotFoundError when it is absent."""
    examples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            examples.append(_example(json.loads(line)))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path}:{number}: {error!r}; its README.md lists the fields of a case") from error
    return Dataset("golden", tuple(examples))


def _example(case: Mapping[str, Any]) -> Example:
    messages = tuple(
        Message(
            event["event_id"],
            event["event_type"],
            _ROLES[event["role"]],
            event["content"],
            event["seq"],
            event.get("tool_name"),
            is_error=event.get("is_error", False),
            is_write=event.get("is_write", False),
        )
        for event in case["events"]
    )
    return Example(
        case["case_id"],
        Conversation(case["case_id"], messages),
        {stage: case["truth"][stage] for stage in STAGES},
        case["slice"],
        outcome=case["truth"]["resolved"],
        claim_truth=case["claimed_resolved"],
        expects_unknown="unsupported_language" in case["tags"],
    )
