"""The columns of an LLM in `make eval`: priced before, scored like the others, paid for once."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from orchestration.classification.embedded.shipped import shipped_model
from orchestration.classification.evaluation.examples import Example
from orchestration.classification.evaluation.llm_columns import LLM, LLM_UNDER_MARGIN
from orchestration.classification.llm.candidates import by_excerpt, read
from orchestration.classification.llm.excerpt import Excerpt
from orchestration.classification.llm.running import Dependencies
from orchestration.commands.eval import run_evaluation
from orchestration.settings import Settings
from tests.support.llm_cases import KEY, NOON, FakeClock, candidate
from tests.support.llm_oracle import golden_evidence, golden_examples
from tests.support.llm_server import Action, Answer, LlmServer, Request, Status, answer_text

MODEL = "gpt-4o-mini"
# Counted in stage_cases.jsonl of the golden set, of the 190 cases that are placed: 18 end before any stage, 28 when
# the agent has greeted, 36 when the problem is identified.
NOTHING, GREETED, IDENTIFIED, PLACED = 18, 28, 36, 190
EARLY = {"initiated", "greeted", "problem_identified"}


class Oracle:
    """Answers for each golden case whether the problem is identified, and by which message; no other stage."""

    def __init__(self, fails: set[str] | None = None) -> None:
        examples, evidence = golden_examples(), golden_evidence()
        by_id = {example.conversation.conversation_id: example for example in examples}
        groups = by_excerpt(read(shipped_model().model, [candidate(example.conversation) for example in examples]))
        assert len(groups) == len(examples) == 200
        self._answers = {}
        for (one,) in groups.values():
            example = by_id[one.conversation_id]
            self._answers[one.excerpt.as_json()] = (
                Status(400)
                if example.example_id in (fails or set())
                else Answer(self._said(example, one.excerpt, evidence[example.example_id]))
            )

    def _said(self, example: Example, excerpt: Excerpt, evidence: dict[str, str]) -> str:
        references = {message.event_id: reference for reference, message in excerpt.messages.items()}
        if not example.truth["problem_identified"]:
            return answer_text()
        return answer_text(problem_identified=("yes", references[evidence["problem_identified"]]))

    def __call__(self, request: Request) -> Action:
        return Answer(answer_text()) if request.is_probe else self._answers[request.user_text]


def measured(home: Path, server: LlmServer, **changes: Any) -> tuple[int, dict[str, Any]]:
    settings = Settings(home=home).model_copy(
        update={
            "llm_base_url": server.base_url,
            "llm_model": MODEL,
            "llm_api_key": SecretStr(KEY),
            "llm_requests_per_minute": 100_000,
            "llm_tokens_per_minute": 10**9,
        }
        | changes
    )
    dependencies = Dependencies(clock=FakeClock())
    code = run_evaluation(settings, home / "absent", is_recording=False, now=NOON, dependencies=dependencies)
    path = home / "evaluation" / "evaluation.json"
    return code, json.loads(path.read_text(encoding="utf-8"))["sets"]["golden"] if path.exists() else {}


def test_its_columns_stand_beside_the_others_and_cost_nothing_the_second_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LlmServer(Oracle()) as server:
        code, golden = measured(tmp_path, server)
        printed = capsys.readouterr().out
        assert (code, len(server.labelling_requests)) == (0, 200)
        arrived = len(server.requests)
        again, same = measured(tmp_path, server)
        assert (again, len(server.requests)) == (0, arrived)
        # The price stands before everything else.
        assert printed.startswith(
            f"Asking {MODEL} about 200 of 200 golden conversations (0 answered before): about $0.0"
        )
        told = capsys.readouterr().out
        assert told.startswith(
            f"Asking {MODEL} about 0 of 200 golden conversations (200 answered before): about $0.0000"
        )
        assert "200 answered (200 of them in an earlier evaluation); 0 calls, $0.0000" in told
        # Another model is another definition.
        assert measured(tmp_path, server, llm_model="gpt-4.1-nano")[0] == 0
        assert len(server.labelling_requests) == 400
    found = golden["classifiers"]
    assert list(found) == ["constant", "rules", "model", LLM, LLM_UNDER_MARGIN]
    right = NOTHING + GREETED + IDENTIFIED
    assert found[LLM]["current_stage"] == {"hits": right, "total": PLACED}
    # Where the model is sure, its label stays.
    model, examples = shipped_model().model, golden_examples()
    placed = [example for example in examples if example.current_stage and not example.expects_unknown]
    answers = model([example.conversation for example in placed])
    mixed = sum(
        (example.current_stage in EARLY) if model.is_unsure(answer) else is_right
        for example, answer in zip(placed, answers, strict=True)
        for is_right in [answer.furthest_stage(example.masked) == example.current_stage]
    )
    assert found[LLM_UNDER_MARGIN]["current_stage"] == {"hits": mixed, "total": PLACED}
    assert mixed not in {right, found["model"]["current_stage"]["hits"]}
    own = found["model"]["current_stage"]["hits"]
    compared = {one["classifier"]: one for one in golden["comparisons"] if not one["is_recorded"]}
    assert [(name, one["baseline"]) for name, one in compared.items()] == [(LLM, "model"), (LLM_UNDER_MARGIN, "model")]
    gained, lost = compared[LLM]["only_classifier_right"], compared[LLM]["only_baseline_right"]
    assert (gained - lost, gained > 0) == (right - own, True)
    assert (
        f"{LLM} against model: right where it was wrong {gained}, wrong where it was right {lost}, McNemar" in printed
    )
    assert (
        f"{LLM} is {MODEL}, asked about all 200 conversations, also those the model is sure of: 200 answered" in printed
    )
    assert same["classifiers"] == found
    kept = (tmp_path / "evaluation" / "llm_answers.json").read_text(encoding="utf-8")
    assert KEY not in kept
    texts = [message.content for example in examples for message in example.conversation.messages]
    assert not [text for text in texts if len(text) > 20 and text in kept]


def test_what_it_does_not_answer_is_unknown_and_a_refusal_is_not_bought_again(tmp_path: Path) -> None:
    # Far from each other: ten in a row would open the circuit.
    lost = golden_examples()[::25]
    placed = [example for example in lost if example.current_stage and not example.expects_unknown]
    with LlmServer(Oracle()) as server:
        _, whole = measured(tmp_path / "whole", server)
    with LlmServer(Oracle(fails={example.example_id for example in lost})) as server:
        _, golden = measured(tmp_path / "lost", server)
        arrived = len(server.requests)
        measured(tmp_path / "lost", server)
        assert len(server.requests) == arrived
    model = shipped_model().model
    answers = model([example.conversation for example in placed])
    was_right = [example.current_stage in EARLY for example in placed]
    is_unsure = [model.is_unsure(answer) for answer in answers]
    stays_right = [
        answer.furthest_stage(one.masked) == one.current_stage for one, answer in zip(placed, answers, strict=True)
    ]
    assert sum(was_right) > 0
    assert True in is_unsure
    before, after = whole["classifiers"], golden["classifiers"]
    assert after[LLM]["current_stage"]["hits"] == before[LLM]["current_stage"]["hits"] - sum(was_right)
    assert after[LLM]["answered"]["hits"] == before[LLM]["answered"]["hits"] - len(placed)
    # In the other column the model's label stays where it was unsure.
    changed = sum(stays - was for stays, was, unsure in zip(stays_right, was_right, is_unsure, strict=True) if unsure)
    mixed = [found[LLM_UNDER_MARGIN]["current_stage"]["hits"] for found in (before, after)]
    assert mixed[1] - mixed[0] == changed
    assert f"{len(lost)} request_refused" in golden["remarks"][0]


def test_the_cap_of_a_run_holds_and_the_next_evaluation_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LlmServer(Oracle()) as server:
        _, golden = measured(tmp_path, server, llm_budget_usd_per_run=0.01)
        asked = len(server.labelling_requests)
        assert 0 < asked < 200
        assert "at most $0.01" in capsys.readouterr().out
        assert f"{asked} answered" in golden["remarks"][0]
        assert f"{200 - asked} budget_run" in golden["remarks"][0]
        assert "COLLOQUY_LLM_BUDGET_USD_PER_RUN is used up" in golden["remarks"][0]
        _, capped = measured(tmp_path, server, llm_budget_usd_per_day=0.01)
        assert len(server.labelling_requests) == asked
        assert "COLLOQUY_LLM_BUDGET_USD_PER_DAY is used up" in capped["remarks"][0]
        measured(tmp_path, server)
        assert len(server.labelling_requests) == 200


def test_without_an_endpoint_one_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(home=tmp_path)
    assert run_evaluation(settings, tmp_path / "absent", is_recording=False, now=NOON) == 0
    printed = capsys.readouterr().out
    assert "No LLM endpoint is configured (COLLOQUY_LLM_BASE_URL): its columns are left out." in printed
    assert LLM_UNDER_MARGIN not in printed
    assert not (tmp_path / "evaluation" / "llm_answers.json").exists()


def test_without_a_price_or_with_a_broken_file_nothing_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LlmServer(Oracle()) as server:
        assert measured(tmp_path, server, llm_model="nobody-knows-its-price")[0] == 1
        assert "model 'nobody-knows-its-price' has no price" in capsys.readouterr().out
        (tmp_path / "evaluation" / "llm_answers.json").write_text('{"answers"')
        assert measured(tmp_path, server)[0] == 1
        assert "llm_answers.json cannot be read" in capsys.readouterr().out
        assert server.requests == []
