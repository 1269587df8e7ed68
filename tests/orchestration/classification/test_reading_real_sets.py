"""The readers of the real sets, on a set of two conversations written here."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from orchestration.classification.evaluation.real_sets import read_real_set
from orchestration.settings import PROJECT_DIR

SEEDS = PROJECT_DIR / "seeds"


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def event(seq: int, event_type: str, conversation_id: str = "a", **properties: object) -> dict[str, Any]:
    return {
        "event_id": f"{conversation_id}{seq}",
        "conversation_id": conversation_id,
        "event_type": event_type,
        "properties": {"seq": seq, **properties},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    events = [
        event(2, "agent_response", content="Which room?"),
        event(1, "message_sent", content="The light is broken."),
        event(3, "tool_called", tool_name="rooms", result="[]", is_error=True),
        event(0, "session_start"),
        event(0, "message_sent", "b", content="Hello"),
    ]
    whole = {"stages_reached": ["initiated", "greeted"], "stages_unknown": ["solution_accepted"]}
    write(tmp_path / "events.jsonl.gz", events)
    write(
        tmp_path / "truth.jsonl.gz",
        [
            {"conversation_id": "a", **whole, "task": "rooms"},
            {"conversation_id": "b", **whole, "domain": "lights", "reward": 1.0},
        ],
    )
    cut = {"conversation_id": "a", "stages_reached": ["initiated"], "stages_unknown": ["resolved"]}
    write(
        tmp_path / "truth_prefix.jsonl.gz",
        [
            {**cut, "cut_seq": 1, "current_stage_ambiguous": False},
            {**cut, "cut_seq": 2, "current_stage_ambiguous": True},
        ],
    )
    return tmp_path


def test_prefixes_hold_the_events_up_to_the_cut_and_leave_out_ambiguous_ones(folder: Path) -> None:
    prefixes, _ = read_real_set(folder, SEEDS)
    (prefix,) = prefixes.examples
    assert prefix.example_id == "a@1"
    assert [message.seq for message in prefix.conversation.messages] == [0, 1]
    assert prefix.truth["greeted"] is False
    assert prefix.truth["resolved"] is None
    assert prefix.current_stage is None
    assert prefix.slice_name == "rooms"


def test_whole_conversations_are_in_order_with_canonical_types_and_the_reward_as_outcome(folder: Path) -> None:
    _, wholes = read_real_set(folder, SEEDS)
    first, second = wholes.examples
    assert [(message.event_type, message.role) for message in first.conversation.messages] == [
        ("conversation_started", "system"),
        ("user_message", "customer"),
        ("agent_message", "agent"),
        ("tool_called", "tool"),
    ]
    assert first.conversation.messages[3].is_error
    assert first.current_stage == "greeted"
    assert (first.outcome, second.outcome) == (False, True)


def test_a_broken_line_is_named(folder: Path) -> None:
    with gzip.open(folder / "truth.jsonl.gz", "at", encoding="utf-8") as file:
        file.write("{")
    with pytest.raises(ValueError, match=r"truth\.jsonl\.gz:3: not JSON"):
        read_real_set(folder, SEEDS)
