"""Labels of an LLM for unsure conversations, from landed texts through the ledger to the marts, and their cost."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.classification.embedded.shipped import shipped_model
from orchestration.ledger import llm_labelling
from orchestration.ledger.labellers import embedded_labeller
from orchestration.ledger.llm_labelling import estimate_llm_relabelling
from orchestration.ledger.llm_report import LlmReport
from orchestration.privacy.erasure import begin_erasure, conclude_erasure, request_erasure
from orchestration.privacy.retention import expire
from tests.support.llm_cases import KEY, FakeClock
from tests.support.llm_server import Action, Answer, Body, Cut, LlmServer, Request, Status, answer_text
from tests.support.unsure_events import (
    ANSWER,
    NO_OWN_MODEL,
    PROPOSED,
    USD_PER_ANSWER,
    asking,
    conversation_of,
    number_of,
    right,
    said,
    sure,
    unless,
    unsure,
    unsure_so_far,
)
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest

EVIDENCE = """
    select stage, evidence_kind, evidence_event_id from marts.fct_conversation_stages
    where funnel = 'support' and conversation_key = 'events:{name}' and stage_order > 2 order by stage_order
"""
KINDS = """
    select evidence_kind, count(*) from marts.fct_conversation_stages
    where funnel = 'support' and stage = 'solution_proposed' group by 1 order by 1
"""
CALLS = "select count(*), sum(cost_usd), sum(tokens_in), sum(tokens_out) from ledger.llm_calls"


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseUnderTest:
    return WarehouseUnderTest(tmp_path, labeller=embedded_labeller(NO_OWN_MODEL), metrics=False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(start=LOADED_AT + timedelta(hours=1))


def landed(warehouse: WarehouseUnderTest, *conversations: list[dict[str, Any]]) -> None:
    warehouse.write_events([line for conversation in conversations for line in conversation])
    warehouse.land()


def accounted(report: LlmReport) -> int:
    others = report.labelled + report.already_labelled + report.waiting + report.withheld
    return others + report.dead_lettered + report.fallen_back


def test_it_decides_what_the_model_was_not_sure_of_and_is_paid_once(
    warehouse: WarehouseUnderTest, clock: FakeClock
) -> None:
    # Events determine one; one is sure; one may go on; the last message of all comes half an hour after the others.
    determined = [*unsure("determined"), said("determined", 5, "problem_resolved")]
    still_open = [line | {"timestamp": line["timestamp"].replace("T10", "T11")} for line in unsure_so_far("open")]
    landed(warehouse, unsure("a", 1), unsure("b", 2), sure("sure"), determined, still_open)
    with LlmServer(right) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build()
        assert sorted(number_of(request) for request in server.labelling_requests) == [1, 2]
        assert len(server.requests) == 3
        report = warehouse.asked
        assert (report.conversations, report.under_margin, report.candidates, report.labelled) == (5, 4, 2, 2)
        assert (report.problem, report.calls, report.tokens_in, report.tokens_out) == (None, 3, 2400, 270)
        # The model had taken it for accepted.
        assert warehouse.rows(EVIDENCE.format(name="a")) == [
            ("problem_identified", "llm", "a-1"),
            ("solution_proposed", "llm", "a-1"),
        ]
        assert ("solution_accepted", "model", "open-2") in warehouse.rows(EVIDENCE.format(name="open"))
        assert warehouse.rows_of_raw(CALLS) == [(3, pytest.approx(3 * USD_PER_ANSWER), 2400, 270)]
        of_labels = """select distinct classifier_kind, model, needs_review, is_cache_hit from ledger.stage_labels
            where cost_usd > 0 and tokens_in = 800 and tokens_out = 90"""
        assert warehouse.rows_of_raw(of_labels) == [("llm", "tested", False, False)]
        quotes = "select distinct evidence_quote from ledger.stage_labels where classifier_kind = 'llm' and reached"
        assert warehouse.rows_of_raw(quotes) == [(PROPOSED,)]
        again = warehouse.ask(warehouse.llm)
        assert (again.candidates, again.calls, len(server.requests)) == (0, 0, 3)
        # What grows is another conversation, and not asked about before it has ended.
        landed(
            warehouse, [line | {"timestamp": "2025-06-01T11:05:00Z"} for line in [said("a", 21, "user_message", "hm")]]
        )
        warehouse.build(marts=False)
        assert len(server.requests) == 3
        landed(warehouse, [said("a", 59, "conversation_ended") | {"timestamp": "2025-06-01T11:09:00Z"}])
        warehouse.build()
        assert [number_of(request) for request in server.labelling_requests][2:] == [1]
        assert {kind for _, kind, _ in warehouse.rows(EVIDENCE.format(name="a"))} == {"llm"}
    labellings = """select classifier_kind, count(distinct content_hash) from ledger.stage_labels
        where conversation_id = 'a' and stage = 'solution_proposed' group by 1 order by 1"""
    assert warehouse.rows_of_raw(labellings) == [("llm", 2), ("model", 2)]
    incremental = warehouse.rows("from intermediate.int_stage_labels_chosen order by all")
    warehouse.llm = None
    warehouse.build(full_refresh=True)
    assert warehouse.rows("from intermediate.int_stage_labels_chosen order by all") == incremental


def test_what_is_not_believed_stays_the_models_and_is_reviewed(warehouse: WarehouseUnderTest, clock: FakeClock) -> None:
    landed(warehouse, unsure("a"))
    claims = Answer(answer_text(solution_proposed=("yes", "m2"), resolved=("yes", "m4")))
    with LlmServer(unless(lambda _: claims)) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build(marts=False)
        warehouse.ask(warehouse.llm)
        assert len(server.labelling_requests) == 1
    rows = warehouse.rows_of_raw(
        """select stage, reached, classifier_kind, needs_review from ledger.stage_labels
        where _load_id = (select max(_load_id) from ledger.stage_labels) order by stage"""
    )
    assert rows == [
        ("claimed_resolved", False, "llm", True),
        ("greeted", True, "model", True),
        ("problem_identified", False, "llm", True),
        ("resolved", False, "model", True),
        ("solution_accepted", False, "llm", True),
        ("solution_proposed", True, "llm", True),
    ]


def test_a_question_that_fails_later_leaves_the_models_labels_in_the_marts(
    warehouse: WarehouseUnderTest, clock: FakeClock
) -> None:
    """The model labelled in an earlier run: a failed call of this one costs money and changes no stage."""
    landed(warehouse, unsure("a", 1), unsure("b", 2))
    warehouse.build()
    stages = "from marts.fct_conversation_stages where funnel = 'support' order by all"
    before = warehouse.rows(stages)
    assert sum(row[0] for row in warehouse.rows(f"select (evidence_kind = 'model')::int {stages}")) > 0
    refused = Answer(answer_text(resolved=("yes", "m1")))
    with LlmServer(unless(lambda request: refused if number_of(request) == 1 else Status(400))) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build()
        assert len(server.labelling_requests) == 2
    assert warehouse.asked is not None
    assert warehouse.asked.dead_lettered == 2
    assert warehouse.rows(stages) == before
    cost = "select sum(labelling_cost_usd) from marts.fct_conversations"
    assert warehouse.rows(cost)[0][0] > 0


FAULTS: tuple[Action, ...] = (
    *(Status(429, {"Retry-After": "2"}), Status(500), Cut(), Body('{"choices": [{"mess'), Answer("It is resolved.")),
    Answer(ANSWER[:40], finish_reason="length"),
    Answer(answer_text(resolved=("yes", "m1"))),
)


UNLUCKY: dict[int, Action] = {13: FAULTS[-1], 17: Status(500)}


def test_with_thirty_percent_faults_everybody_is_accounted_for_and_the_marts_are_whole(
    warehouse: WarehouseUnderTest, clock: FakeClock
) -> None:
    count = 60
    landed(warehouse, *(unsure(f"c{number}", number) for number in range(count)))
    tries: Counter[int] = Counter()

    def fault(request: Request) -> Action | None:
        number = number_of(request)
        tries[number] += 1
        # Two always fail: one is given up at once, one tried again later.
        if number in UNLUCKY:
            return UNLUCKY[number]
        dice = (number * 7919 + tries[number] * 104729) % 1000
        return FAULTS[dice % len(FAULTS)] if dice < 300 else None

    with LlmServer(unless(fault)) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build()
        arrived = len(server.requests)
    report = warehouse.asked
    print(f"\n{report.as_text()}")
    assert report.problem is None
    assert report.candidates == accounted(report) == count
    assert {"evidence_refused", "server_error"} <= set(report.dead_letters)
    assert report.labelled + report.dead_lettered == count
    letters = "select reason, count(*) from ledger.llm_dead_letters group by 1 order by 1"
    assert dict(warehouse.rows_of_raw(letters)) == report.dead_letters
    assert warehouse.rows_of_raw("select count(*) from ledger.llm_calls") == [(arrived,)] == [(report.calls,)]
    assert warehouse.rows(KINDS) == [("llm", report.labelled), ("model", report.dead_lettered)]
    metadata = report.as_metadata()
    assert metadata["usd_per_label"] == pytest.approx(report.cost_usd / report.labelled)
    # Those that failed for a while are asked again when it is time, the others never.
    with LlmServer(right) as server:
        assert warehouse.ask(asking(server, clock)).waiting == report.dead_lettered
        clock.passed_seconds += 7_200
        waiting = warehouse.ask(asking(server, clock)).waiting
        again = {number_of(request) for request in server.labelling_requests}
    assert waiting == len(warehouse.rows_of_raw("from ledger.llm_dead_letters where next_retry_at is null"))
    assert (13 in again, 17 in again, len(again)) == (False, True, report.dead_lettered - waiting)


def test_caps_leave_the_rest_to_later_runs_newest_first(
    warehouse: WarehouseUnderTest, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A run takes many conversations a part at a time; its caps hold for all parts together.
    monkeypatch.setattr(llm_labelling, "_PART_CONVERSATIONS", 2)
    later = [line | {"timestamp": line["timestamp"].replace("06-01", "06-02")} for line in unsure("late", 99)]
    landed(warehouse, *(unsure(f"c{number}", number) for number in range(6)), later)
    with LlmServer(right) as server:
        # Room for the most that the first question and one other may cost; what it did cost leaves room for more.
        warehouse.llm = asking(server, clock, concurrency=1, budget_usd_per_run=0.0014)
        warehouse.build(marts=False)
        asked = [number_of(request) for request in server.labelling_requests]
        report = warehouse.asked
        assert asked[0] == 99
        assert 0 < len(asked) < 7
        assert (report.labelled, report.fallen_back) == (len(asked), 7 - len(asked))
        assert report.cost_usd == pytest.approx(len(server.requests) * USD_PER_ANSWER)
        assert report.cost_usd <= 0.0014
        assert report.problem is not None
        assert report.problem.startswith(f"{report.fallen_back} conversations keep the embedded answer and wait: ")
        assert "COLLOQUY_LLM_BUDGET_USD_PER_RUN is used up" in report.problem
        # The cap of the day counts what the run before has spent since midnight.
        capped = warehouse.ask(asking(server, clock, budget_usd_per_day=report.cost_usd))
        assert [number_of(request) for request in server.labelling_requests] == asked
        assert "COLLOQUY_LLM_BUDGET_USD_PER_DAY is used up" in (capped.problem or "")
        clock.passed_seconds += 86_400
        bounded = warehouse.ask(asking(server, clock, most_conversations=1))
        assert len(server.labelling_requests) == len(asked) + 1
        assert "a run asks about at most 1 conversations" in (bounded.problem or "")
        last = warehouse.ask(asking(server, clock))
        assert (last.problem, last.fallen_back) == (None, 0)
        assert sorted(number_of(request) for request in server.labelling_requests) == [0, 1, 2, 3, 4, 5, 99]


WORDS = ("hm, maybe", "ok", "not that again", "what do you mean by that", "I do not know")


def test_no_more_than_a_share_is_asked_about_the_least_sure_first(
    warehouse: WarehouseUnderTest, clock: FakeClock
) -> None:
    names = [f"c{number}" for number in range(len(WORDS))]
    talks = {name: unsure(name, number) for number, name in enumerate(names)}
    for words, talk in zip(WORDS, talks.values(), strict=True):
        talk[2]["properties"]["content"] = words
    model = shipped_model().model
    answers = model([conversation_of(name, talk) for name, talk in talks.items()])
    assert all(model.is_unsure(answer) for answer in answers)
    sureness = {answer.conversation_id: answer.confidence() for answer in answers}
    assert len(set(sureness.values())) == len(names)
    order = [names.index(name) for name in sorted(names, key=lambda name: sureness[name])]
    landed(warehouse, *talks.values(), *(sure(f"s{number}") for number in range(5)))
    with LlmServer(unless(lambda request: Status(400) if number_of(request) == order[0] else None)) as server:
        # A quarter of ten conversations is 2.5: three.
        warehouse.llm = replace(asking(server, clock), most_share=0.25)
        warehouse.build(marts=False)
        assert sorted(number_of(request) for request in server.labelling_requests) == sorted(order[:3])
        report = warehouse.asked
        assert (report.candidates, report.labelled, report.dead_lettered, report.beyond_share) == (3, 2, 1, 2)
        assert (accounted(report), report.problem) == (3, None)
        assert "2 surer ones not asked about" in report.as_text()
        # A failed call counts as a call: no other conversation takes its place.
        again = warehouse.ask(warehouse.llm)
        assert (again.calls, again.waiting, again.beyond_share) == (0, 1, 2)
        # Four more conversations make 3.5 of 14: four.
        landed(warehouse, *(sure(f"t{number}") for number in range(4)))
        warehouse.build(marts=False)
        asked = [number_of(request) for request in server.labelling_requests]
        assert (sorted(asked), warehouse.asked.beyond_share) == (sorted(order[:4]), 1)
        # A model that replaces the one before asks about the same ones, not about more.
        newer = replace(asking(server, clock, model="newer"), most_share=0.25)
        assert warehouse.ask(newer, datetime(2025, 1, 1, tzinfo=UTC)).labelled == 3
        assert set(map(number_of, server.labelling_requests)) == set(order[:4])


def test_another_definition_asks_again_only_when_asked_to(warehouse: WarehouseUnderTest, clock: FakeClock) -> None:
    later = [line | {"timestamp": line["timestamp"].replace("06-01", "06-09")} for line in unsure("late", 2)]
    landed(warehouse, unsure("early", 1), later)
    with LlmServer(right) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build(marts=False)
        newer = asking(server, clock, model="newer")
        assert warehouse.ask(newer).calls == 0
        since = datetime(2025, 6, 9, tzinfo=UTC)
        databases = (warehouse.home.raw_database, warehouse.home.build_database)
        assert estimate_llm_relabelling(*databases, newer, since, clock.now()).calls == 1
        warehouse.ask(newer, since)
        assert [number_of(request) for request in server.labelling_requests][2:] == [2]
        assert estimate_llm_relabelling(*databases, newer, since, clock.now()).calls == 0
        assert warehouse.ask(newer, since).calls == 0
        # For the model its own labels are the newest: a later label of an LLM is no other definition of the model.
        assert warehouse.label(since).labelled == 0
    models = """select conversation_id, list(distinct model order by model) from ledger.llm_calls
        where conversation_id is not null group by 1"""
    assert sorted(warehouse.rows_of_raw(models)) == [("early", ["tested"]), ("late", ["newer", "tested"])]
    recorded = "select count(*) from raw.operations where operation = 'relabel'"
    assert warehouse.rows_of_raw(recorded) == [(1,)]


PLANTED = {
    "email": "planted.person@mail.example",
    "phone": "+49 171 555 01 23",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ip": "203.0.113.77",
    "key": "ghp_Pl4nt3d0123456789abcdef",
}


def test_no_planted_secret_reaches_the_server_and_who_is_erased_leaves_the_ledger(
    warehouse: WarehouseUnderTest, clock: FakeClock
) -> None:
    secrets = [
        said("anna-talk", 4 + place, role, f"here it is: {secret} thanks")
        for place, secret in enumerate(PLANTED.values())
        for role in (["user_message"] if place % 2 else ["agent_message"])
    ]
    told = [*unsure_so_far("anna-talk", 1), *secrets, said("anna-talk", 50, "conversation_ended")]
    refused = [*unsure_so_far("anna-second", 2), said("anna-second", 50, "conversation_ended")]
    people = [line | {"user_id": "anna-7731"} for line in (*told, *refused)]
    landed(warehouse, people, unsure("neighbour", 3))
    # What the model writes comes back into a dead letter: the words of the person.
    echo = Answer(answer_text(resolved=("yes", "m1")) + PROPOSED)

    with LlmServer(unless(lambda request: None if number_of(request) != 2 else echo)) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build()
        arrived = server.log() + "".join(request.user_text for request in server.labelling_requests)
        asked = [number_of(request) for request in server.labelling_requests]
    assert set(asked) == {1, 2, 3}
    for secret in PLANTED.values():
        assert secret not in arrived
        assert secret[:12] not in arrived
    assert "anna" not in arrived
    assert warehouse.asked.redactions == len(PLANTED)
    letters = "select conversation_id, raw_response is null, content_hash is null from ledger.llm_dead_letters"
    assert warehouse.rows_of_raw(letters) == [("anna-second", False, False)]
    counted = "select count(*), sum(cost_usd), count(content_hash), count(distinct content_hash) from ledger.llm_calls"
    before = warehouse.rows_of_raw(counted)
    kinds = warehouse.rows(KINDS)
    request_erasure(warehouse.home, [("user", None, "anna-7731")], HASH_KEY)
    assert begin_erasure(warehouse.home, HASH_KEY)
    assert warehouse.rows_of_raw(counted)[0][:3] == before[0][:3]
    everything = "".join(
        repr(warehouse.rows_of_raw(f"from ledger.{table}"))
        for table in ("stage_labels", "llm_calls", "llm_dead_letters")
    )
    assert "anna" not in everything
    assert everything.count("neighbour") > 0
    erased = "select raw_response from ledger.llm_dead_letters"
    assert warehouse.rows_of_raw(erased) == [(None,)]
    with LlmServer(right) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build()
        assert server.requests == []
    assert warehouse.rows(KINDS) == kinds
    assert conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT) is not None


def test_what_lost_its_texts_by_age_is_not_asked_about_and_the_key_is_kept_nowhere(
    warehouse: WarehouseUnderTest, clock: FakeClock
) -> None:
    landed(warehouse, unsure("a"))
    with LlmServer(unless(lambda _: Status(400, body=f"private words and {KEY}"))) as server:
        warehouse.llm = asking(server, clock)
        warehouse.build(marts=False)
        assert KEY in server.log()
    letters = "select raw_response, content_hash is not null from ledger.llm_dead_letters"
    assert warehouse.rows_of_raw(letters) == [("private words and [key]", True)]
    assert KEY.encode() not in warehouse.home.raw_database.read_bytes()
    landed(warehouse, unsure("b", 2))
    warehouse.llm = None
    warehouse.build(marts=False)
    home = warehouse.home
    now = LOADED_AT + timedelta(days=1)
    expired = expire(home.raw_database, home.seeds, texts_after=timedelta(days=30), rejected_after=None, now=now)
    assert expired.texts == 8
    assert warehouse.rows_of_raw(letters) == [(None, True)]
    with LlmServer(right) as server:
        report = warehouse.ask(asking(server, clock, model="another"))
        assert server.requests == []
    assert (report.under_margin, report.candidates, report.problem) == (2, 0, None)
