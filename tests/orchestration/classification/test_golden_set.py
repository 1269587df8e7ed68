"""The golden cases and injections keep what their README promises."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.settings import PROJECT_DIR

REAL_SETS = PROJECT_DIR.parent / "shared" / "data"
STAGES = ("greeted", "problem_identified", "solution_proposed", "solution_accepted", "resolved")
EVIDENCE_TYPES = {
    "greeted": {"agent_message"},
    "problem_identified": {"agent_message", "tool_called"},
    "solution_proposed": {"agent_message"},
    "solution_accepted": {"user_message", "button_clicked"},
    "resolved": {"agent_message", "tool_called", "conversion"},
    "claimed_resolved": {"agent_message"},
}
ROLES = {
    **{"user_message": "user", "agent_message": "agent", "tool_called": "tool", "handoff_requested": "system"},
    **{"handoff_connected": "system", "fallback_triggered": "system", "conversation_started": "system"},
    **{"conversation_completed": "system", "conversation_ended": "system"},
}
SLICES = {
    *("short", "long", "skipped_stages", "multilingual", "injected", "sarcastic_thanks", "handoff", "tool_failure"),
    *("agent_claims_falsely", "polite_but_unsolved", "reopened", "several_problems", "wrapped_json", "typos_slang"),
    *("sales_like", "no_problem", "refusal_correct"),
}
SUPPORTED_LANGUAGES = {"en", "de", "es", "fr", "pt"}
LONGEST_SHARED_SENTENCE_WORDS = 5

Case = dict[str, Any]


def read_lines(name: str) -> list[Case]:
    return [json.loads(line) for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return read_lines("stage_cases.jsonl")


@pytest.fixture(scope="module")
def injections() -> list[Case]:
    return read_lines("injections.jsonl")


def test_there_are_200_cases_and_50_injections_with_unique_ids(cases: list[Case], injections: list[Case]) -> None:
    assert len({case["case_id"] for case in cases}) == len(cases) == 200
    assert len({row["injection_id"] for row in injections}) == len({row["text"] for row in injections}) == 50
    event_ids = [event["event_id"] for case in cases for event in case["events"]]
    assert len(set(event_ids)) == len(event_ids)


def test_every_slice_has_ten_cases_and_every_final_stage_fifteen(cases: list[Case]) -> None:
    slices = Counter(case["slice"] for case in cases)
    assert set(slices) == SLICES
    assert {name for name, count in slices.items() if count < 10} == set()
    stages = Counter(case["current_stage"] for case in cases if case["truth"]["resolved"] is not None)
    assert {stage for stage in ("initiated", *STAGES) if stages[stage] < 15} == set()


def test_events_are_in_order_and_of_the_canonical_vocabulary(cases: list[Case]) -> None:
    for case in cases:
        events = case["events"]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), case["case_id"]
        for event in events:
            assert ROLES[event["event_type"]] == event["role"], event["event_id"]
            assert isinstance(event["content"], str), event["event_id"]
            has_tool_fields = {"tool_name", "is_error", "is_write"} <= set(event)
            assert has_tool_fields == (event["event_type"] == "tool_called"), event["event_id"]


def test_evidence_exists_exactly_for_reached_stages_and_never_rests_on_the_wrong_side(cases: list[Case]) -> None:
    for case in cases:
        type_of = {event["event_id"]: event["event_type"] for event in case["events"]}
        reached = {stage for stage in STAGES if case["truth"][stage]}
        reached |= {"claimed_resolved"} if case["claimed_resolved"] else set()
        assert set(case["truth_evidence"]) == reached, case["case_id"]
        for stage, event_id in case["truth_evidence"].items():
            assert type_of[event_id] in EVIDENCE_TYPES[stage], (case["case_id"], stage)


def test_truth_is_consistent_with_the_order_of_the_stages(cases: list[Case]) -> None:
    for case in cases:
        truth, name = case["truth"], case["case_id"]
        assert set(truth) == set(STAGES), name
        seq_of = {event["event_id"]: event["seq"] for event in case["events"]}
        shown_at = {stage: seq_of[event_id] for stage, event_id in case["truth_evidence"].items()}
        furthest = [stage for stage in STAGES if truth[stage]]
        assert case["current_stage"] == (furthest[-1] if furthest else "initiated"), name
        agent_messages = [event["seq"] for event in case["events"] if event["event_type"] == "agent_message"]
        assert truth["greeted"] == bool(agent_messages), name
        assert shown_at.get("greeted") == (agent_messages[0] if agent_messages else None), name
        if truth["solution_proposed"] or truth["resolved"]:
            assert truth["problem_identified"], name
        if truth["solution_proposed"]:
            assert shown_at["problem_identified"] <= shown_at["solution_proposed"], name
        if truth["solution_accepted"]:
            assert truth["solution_proposed"], name
            assert shown_at["solution_proposed"] < shown_at["solution_accepted"], name


def test_slices_hold_what_their_names_say(cases: list[Case]) -> None:
    for case in cases:
        name, types = case["case_id"], Counter(event["event_type"] for event in case["events"])
        messages = types["user_message"] + types["agent_message"]
        match case["slice"]:
            case "short":
                assert messages <= 4, name
            case "long":
                assert messages >= 12, name
            case "agent_claims_falsely":
                assert case["claimed_resolved"] and not case["truth"]["resolved"], name
            case "polite_but_unsolved" | "sarcastic_thanks":
                assert case["truth"]["resolved"] is False, name
            case "handoff":
                assert types["handoff_requested"], name
            case "tool_failure":
                assert any(event.get("is_error") for event in case["events"]), name
            case "wrapped_json":
                texts = [event["content"] for event in case["events"] if event["role"] == "agent"]
                assert all(isinstance(json.loads(text), dict | list) for text in texts), name
            case "no_problem":
                assert case["truth"]["problem_identified"] is False, name
        assert ("unsupported_language" in case["tags"]) == (case["language"] not in SUPPORTED_LANGUAGES), name


def test_injections_say_what_they_are(injections: list[Case]) -> None:
    for row in injections:
        assert set(row) == {"injection_id", "language", "technique", "carrier", "text", "instruction"}
        assert all(isinstance(value, str) and value for value in row.values()), row["injection_id"]
    assert {row["carrier"] for row in injections} == {"customer", "tool_result", "agent_quote"}
    assert len({row["language"] for row in injections}) >= 5
    assert len({row["technique"] for row in injections}) >= 8


def test_no_two_cases_are_alike(cases: list[Case]) -> None:
    tokens = {case["case_id"]: set(re.findall(r"\w+", " ".join(_texts(case)).lower())) for case in cases}
    alike = [
        (one, other)
        for one, other in combinations(tokens, 2)
        if len(tokens[one] & tokens[other]) >= 0.6 * len(tokens[one] | tokens[other]) > 0
    ]
    assert alike == []


def test_no_two_cases_share_a_longer_sentence(cases: list[Case]) -> None:
    owners: dict[str, set[str]] = {}
    for case in cases:
        for text in _texts(case):
            for sentence in _longer_sentences(text):
                owners.setdefault(sentence, set()).add(case["case_id"])
    assert {sentence: names for sentence, names in owners.items() if len(names) > 1} == {}


@pytest.mark.skipif(not REAL_SETS.is_dir(), reason=f"the real conversations are not at {REAL_SETS}")
def test_no_sentence_comes_from_the_real_conversations(cases: list[Case]) -> None:
    authored = {sentence for case in cases for text in _texts(case) for sentence in _longer_sentences(text)}
    borrowed = {sentence for text in _real_texts() for sentence in _longer_sentences(text) if sentence in authored}
    assert borrowed == set()


def _texts(case: Case) -> Iterator[str]:
    return (event["content"] for event in case["events"] if event["role"] in {"user", "agent"})


def _longer_sentences(text: str) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.!?])\s+|\n", text.lower()):
        words = re.findall(r"\w+", sentence)
        if len(words) > LONGEST_SHARED_SENTENCE_WORDS:
            yield " ".join(words)


def _real_texts() -> Iterator[str]:
    for path in _event_files(REAL_SETS):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                content = json.loads(line).get("properties", {}).get("content")
                if isinstance(content, str):
                    yield content


def _event_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/events.jsonl.gz"))
