"""Questions through the provider's batch endpoint: submitted once, taken in when answered, at half the price."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.classification.llm.running import Dependencies
from orchestration.ledger.labellers import embedded_labeller
from orchestration.ledger.llm_labelling import LlmStep, label_unsure
from orchestration.ledger.llm_report import LlmReport
from orchestration.settings import PROJECT_DIR
from tests.support.llm_cases import FakeClock, configuration
from tests.support.llm_killed import BATCH_PRICE
from tests.support.llm_server import LlmServer, Request, answer_text
from tests.support.unsure_events import ANSWER, NO_OWN_MODEL, USD_PER_ANSWER, number_of, right, unsure
from tests.support.warehouse import WarehouseUnderTest

Response = dict[str, Any] | None
HALF_USD = USD_PER_ANSWER / 2


@dataclass
class Desk:
    """A warehouse to ask about: conversations a and b have the same text, c and d other texts."""

    raw: Path
    build: Path
    server: LlmServer
    clock: FakeClock

    def ask(self, *, is_batch: bool = True, **changes: Any) -> LlmReport:
        """Do what a run does; the clock goes on by a day before it."""
        self.clock.passed_seconds += timedelta(days=1).total_seconds()
        settings = configuration(self.server, is_batch=is_batch, **changes)
        step = LlmStep(settings, BATCH_PRICE, NO_OWN_MODEL, Dependencies(clock=self.clock))
        return label_unsure(self.raw, self.build, step, run_id="a run", now=self.clock.now())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read raw."""
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.raw}' as store (read_only)")
            connection.execute("use store")
            return connection.execute(query).fetchall()

    def submitted(self) -> list[list[int]]:
        """Return the numbers of the conversations each batch is about."""
        return [
            sorted(number_of(asked(line)) for line in batch.lines) for batch in self.server.batches.batches.values()
        ]

    def end(self, batch: int, status: str = "completed", but: Callable[[int], Response] | None = None) -> None:
        """Let a batch end; `but` gives the answer of a number in place of a right one."""

        def answer(line: dict[str, Any]) -> Response:
            number = number_of(asked(line))
            return answered(ANSWER) if but is None else but(number)

        self.server.batches.end(f"batch-{batch}", answer, status)


def asked(line: dict[str, Any]) -> Request:
    return Request(0, {}, json.dumps(line["body"]))


def answered(text: str) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return {"status_code": 200, "body": {"choices": [choice], "usage": {"prompt_tokens": 800, "completion_tokens": 90}}}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    one = WarehouseUnderTest(tmp_path_factory.mktemp("built"), labeller=embedded_labeller(NO_OWN_MODEL))
    said = (unsure("a", 1), unsure("b", 1), unsure("c", 2), unsure("d", 3))
    one.write_events([line for conversation in said for line in conversation])
    one.land()
    one.build(marts=False)
    return one


@pytest.fixture
def desk(tmp_path: Path, built: WarehouseUnderTest) -> Any:
    raw, build = tmp_path / "raw.duckdb", tmp_path / "build.duckdb"
    shutil.copy(built.home.raw_database, raw)
    shutil.copy(built.home.build_database, build)
    with LlmServer(right) as server:
        yield Desk(raw, build, server, FakeClock())


STATES = """
    select state, batch_id, outcome, requests from ledger.llm_batches
    order by happened_at, list_position(['reserved', 'submitted', 'ended'], state)
"""
LABELLED = """
    select conversation_id, is_cache_hit, sum(cost_usd) from ledger.stage_labels
    where _load_id in (select _load_id from ledger.llm_answers) group by all order by 1
"""


def test_a_run_submits_waits_for_nothing_and_a_later_one_takes_the_answers_in(desk: Desk) -> None:
    first = desk.ask()
    assert desk.submitted() == [[1, 2, 3]]
    # One ordinary call: the first question.
    assert (first.candidates, first.waiting, first.labelled, first.calls, first.problem) == (4, 4, 0, 1, None)
    assert first.cost_usd == pytest.approx(USD_PER_ANSWER)
    second = desk.ask()
    assert (second.waiting, second.calls, len(desk.submitted()), len(desk.server.requests)) == (4, 0, 1, 1)
    assert desk.rows(STATES) == [("reserved", None, None, 3), ("submitted", "batch-1", None, 3)]
    desk.end(1)
    third = desk.ask()
    assert (third.labelled, third.cache_hits, third.waiting, third.calls, third.problem) == (4, 1, 0, 3, None)
    assert third.cost_usd == pytest.approx(3 * HALF_USD)
    assert (len(desk.submitted()), len(desk.server.requests)) == (1, 1)
    usd = pytest.approx(HALF_USD)
    assert desk.rows(LABELLED) == [("a", False, usd), ("b", True, 0.0), ("c", False, usd), ("d", False, usd)]
    evidence = """select distinct conversation_id, evidence_event_id from ledger.stage_labels
        where classifier_kind = 'llm' and stage = 'solution_proposed' order by 1"""
    assert desk.rows(evidence) == [("a", "a-1"), ("b", "b-1"), ("c", "c-1"), ("d", "d-1")]
    assert desk.rows(STATES)[2:] == [("ended", "batch-1", "completed", 3)]
    spent = "select count(*), sum(cost_usd) from ledger.llm_calls"
    assert desk.rows(spent) == [(4, pytest.approx(USD_PER_ANSWER + 3 * HALF_USD))]
    assert (desk.ask().candidates, len(desk.server.requests)) == (0, 1)


@pytest.mark.parametrize("status", ["expired", "failed", "cancelled"])
def test_what_a_batch_did_not_answer_is_given_back(desk: Desk, status: str) -> None:
    desk.ask()
    desk.end(1, status, lambda number: answered(ANSWER) if number == 2 else None)
    report = desk.ask()
    assert (report.labelled, report.waiting) == (1, 3)
    assert desk.submitted() == [[1, 2, 3], [1, 3]]
    assert desk.rows("select outcome from ledger.llm_batches where state = 'ended'") == [(status,)]
    desk.end(2)
    assert (desk.ask().labelled, len(desk.submitted())) == (3, 2)


def test_refusals_and_unreadable_answers_end_as_they_do_one_by_one(desk: Desk) -> None:
    desk.ask()
    bad: dict[int, Response] = {
        1: answered(answer_text(resolved=("yes", "m1"))),
        2: {"status_code": 400, "body": {"error": {"message": "no"}}},
        # An unreadable answer of a completed batch.
        3: {"status_code": 200, "body": []},
    }
    desk.end(1, but=bad.get)
    report = desk.ask()
    assert report.dead_letters == {"broken_response": 1, "evidence_refused": 2, "request_refused": 1}
    letters = """select conversation_id, reason, attempts, next_retry_at is null
        from ledger.llm_dead_letters order by 1"""
    assert desk.rows(letters) == [
        ("a", "evidence_refused", 1, True),
        ("b", "evidence_refused", 0, True),
        ("c", "request_refused", 1, True),
        ("d", "broken_response", 1, False),
    ]
    # Only what failed for a while is asked again.
    assert desk.ask().waiting == 4
    assert desk.submitted() == [[1, 2, 3], [3]]


@pytest.mark.parametrize("is_there", [True, False])
def test_after_a_kill_between_submission_and_record_nothing_is_paid_twice(desk: Desk, is_there: bool) -> None:
    def kill() -> None:
        os.kill(process.pid, signal.SIGKILL)
        if not is_there:
            # The server has the file and has not begun.
            raise ConnectionAbortedError

    if is_there:
        desk.server.on_submitted = kill
    else:
        desk.server.on_submitting = kill
    arguments = f"{desk.server.base_url!r}, {str(desk.raw)!r}, {str(desk.build)!r}"
    call = f"from tests.support.llm_killed import ask_in_a_batch; ask_in_a_batch({arguments})"
    process = subprocess.Popen([sys.executable, "-c", call], cwd=PROJECT_DIR)
    assert process.wait() == -signal.SIGKILL
    desk.server.on_submitting = desk.server.on_submitted = lambda: None
    assert desk.rows(STATES) == [("reserved", None, None, 3)]
    report = desk.ask()
    assert (report.waiting, report.labelled) == (4, 0)
    assert desk.submitted() == [[1, 2, 3]]
    told = [(state, outcome) for state, _, outcome, _ in desk.rows(STATES)]
    if is_there:
        assert told == [("reserved", None), ("submitted", None)]
    else:
        assert sorted(told, key=str) == [
            *[("ended", "never_submitted"), ("reserved", None), ("reserved", None), ("submitted", None)]
        ]
    desk.end(1)
    assert (desk.ask().labelled, len(desk.submitted())) == (4, 1)


def test_answers_of_another_definition_are_booked_and_not_believed(desk: Desk) -> None:
    desk.ask()
    desk.end(1)
    report = desk.ask(model="newer")
    # Three unusable answers, and the first question to the new model.
    assert (report.labelled, report.calls, report.waiting) == (0, 4, 4)
    assert report.cost_usd == pytest.approx(USD_PER_ANSWER + 3 * HALF_USD)
    lost = "select count(*), sum(cost_usd) from ledger.llm_calls where model = 'tested' and conversation_id is null"
    assert desk.rows(lost) == [(1 + 3, pytest.approx(USD_PER_ANSWER + 3 * HALF_USD))]
    assert desk.submitted() == [[1, 2, 3], [1, 2, 3]]
    desk.end(2)
    assert desk.ask(model="newer").labelled == 4


def test_caps_hold_for_what_a_batch_may_cost_at_most(desk: Desk) -> None:
    report = desk.ask(budget_usd_per_run=0.0009)
    (submitted,) = desk.submitted()
    assert 0 < len(submitted) < 3
    assert report.problem is not None
    assert "COLLOQUY_LLM_BUDGET_USD_PER_RUN is used up" in report.problem
    assert report.fallen_back + report.waiting == 4
    (most_usd,) = desk.rows("select max(most_usd) from ledger.llm_batches")[0]
    assert most_usd + USD_PER_ANSWER <= 0.0009
    # What is under way counts as spent: there is no room for another one today.
    again = desk.ask(budget_usd_per_day=most_usd + 0.0004)
    assert len(desk.submitted()) == 1
    assert "COLLOQUY_LLM_BUDGET_USD_PER_DAY is used up" in (again.problem or "")
    assert desk.ask().waiting == 4
    assert sorted(number for batch in desk.submitted() for number in batch) == [1, 2, 3]


def test_what_is_under_way_is_taken_in_after_batches_are_switched_off(desk: Desk) -> None:
    desk.ask()
    assert desk.ask(is_batch=False).waiting == 4
    assert len(desk.server.labelling_requests) == 0
    desk.end(1, "expired", lambda number: answered(ANSWER) if number == 2 else None)
    report = desk.ask(is_batch=False)
    assert (report.labelled, report.fallen_back) == (1, 3)
    assert "COLLOQUY_LLM_BATCH is off now" in (report.problem or "")
    last = desk.ask(is_batch=False)
    assert (last.labelled, last.cache_hits, len(desk.server.labelling_requests)) == (3, 1, 2)


def test_who_says_the_same_as_somebody_who_was_erased_still_gets_the_answer(desk: Desk) -> None:
    desk.ask()
    with duckdb.connect(str(desk.raw)) as connection:
        # As an erasure leaves the rows of a person: the ledger then takes this person for another one.
        connection.execute(
            """update ledger.llm_batch_requests set excerpt_hash = sha256('salt' || excerpt_hash)
            where conversation_id = 'a'"""
        )
    assert (desk.ask().waiting, len(desk.submitted())) == (4, 1)
    desk.end(1)
    assert (desk.ask().labelled, len(desk.submitted())) == (4, 1)


def test_a_provider_that_does_not_tell_gets_no_second_batch(desk: Desk) -> None:
    desk.ask()
    (batch,) = desk.server.batches.batches.values()
    desk.server.batches.batches = {"elsewhere": replace(batch, batch_id="elsewhere")}
    report = desk.ask()
    assert (report.waiting, report.calls) == (4, 0)
    assert "does not report batch batch-1: the endpoint answered 404" in (report.problem or "")
    assert list(desk.server.batches.batches) == ["elsewhere"]
