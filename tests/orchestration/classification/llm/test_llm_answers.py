"""The schema leaves no room for text, and nothing outside it is taken for an answer."""

import json

import pytest

from orchestration.classification.labelled import LABEL_TARGETS
from orchestration.classification.llm.prompt import TEMPLATE, definition_hash, response_format
from orchestration.classification.llm.schema import SCHEMA, AnswerError, Said, parse_answer
from tests.support.llm_server import answer_text


def test_the_schema_admits_words_of_closed_lists_only() -> None:
    kinds = SCHEMA["$defs"]
    assert all(set(kind) == {"type", "enum", "title"} for kind in kinds.values())
    assert {row["$ref"].removeprefix("#/$defs/") for row in SCHEMA["properties"].values()} == set(kinds)
    assert SCHEMA["required"] == list(SCHEMA["properties"])
    assert SCHEMA["additionalProperties"] is False
    assert response_format()["json_schema"]["strict"] is True
    assert set(LABEL_TARGETS) < set(SCHEMA["required"])
    assert all(f"- {target} (" in TEMPLATE for target in LABEL_TARGETS)


def test_an_answer_is_read() -> None:
    text = answer_text(resolved=("yes", "m7"), solution_accepted="unknown")
    said = parse_answer(text)
    assert said["resolved"] == Said(reached=True, reference="m7")
    assert said["solution_accepted"] == Said(reached=None, reference=None)
    assert said["solution_proposed"] == Said(reached=False, reference=None)


GOOD = json.loads(answer_text())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pong", "not JSON"),
        (answer_text()[:-5], "not JSON"),
        ("[" * 100_000, "not JSON"),
        (answer_text()[:-1] + ', "resolved": "yes"}', "not JSON"),
        ("[]", "of the schema: its properties"),
        (json.dumps({name: value for name, value in GOOD.items() if name != "resolved"}), "of the schema: resolved$"),
        (json.dumps(GOOD | {"quote": "all is well"}), "of the schema: its properties$"),
        (json.dumps(GOOD | {"resolved": True}), "of the schema: resolved$"),
        (json.dumps(GOOD | {"resolved": "YES"}), "of the schema: resolved$"),
        (json.dumps(GOOD | {"resolved": ["yes"]}), "of the schema: resolved$"),
        (json.dumps(GOOD | {"resolved_evidence": "m41"}), "of the schema: resolved_evidence$"),
        (json.dumps(GOOD | {"resolved_evidence": None}), "of the schema: resolved_evidence$"),
    ],
)
def test_anything_else_is_no_answer(text: str, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        parse_answer(text)


def test_every_part_of_the_definition_changes_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {definition_hash("one", "embedded"), definition_hash("two", "embedded"), definition_hash("one", "other")}
    for name, value in {
        **{"TEMPLATE": TEMPLATE + " ", "SCHEMA": {}, "TEMPERATURE": 1.0, "OUTPUT_TOKENS": 1, "REDACTOR_VERSION": 99},
        **{"EXCERPT_VERSION": 99, "EVIDENCE_VERSION": 99, "MOST_MESSAGES": 1, "MOST_CHARACTERS": 1, "STAGES": ()},
    }.items():
        with monkeypatch.context() as patch:
            patch.setattr(f"orchestration.classification.llm.prompt.{name}", value)
            found.add(definition_hash("one", "embedded"))
    assert len(found) == 13
    assert definition_hash("one", "embedded") == definition_hash("one", "embedded")
