"""Conversations of the same text, from landing to the marts: one is paid for, and an erasure removes its answer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.classification.llm.estimating import RunEstimate
from orchestration.ledger.labellers import embedded_labeller
from orchestration.ledger.llm_labelling import estimate_llm_relabelling
from orchestration.privacy.erasure import begin_erasure, conclude_erasure, request_erasure
from tests.support.llm_cases import FakeClock
from tests.support.llm_server import LlmServer
from tests.support.unsure_events import NO_OWN_MODEL, USD_PER_ANSWER, asking, number_of, right, unsure
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest

SHOWN = """
    select conversation_key, stage, evidence_kind, evidence_event_id from marts.fct_conversation_stages
    where funnel = 'support' and stage = 'solution_proposed' order by 1
"""
ANSWERS = """
    select conversation_id, is_cache_hit, answer is not null, dense_rank() over (order by excerpt_hash)
    from ledger.llm_answers order by 1
"""
SPENT = """
    select
        conversation_id, bool_and(is_cache_hit), bool_or(is_cache_hit),
        sum(tokens_in), sum(tokens_out), sum(cost_usd)
    from ledger.stage_labels where _load_id in (select _load_id from ledger.llm_answers) group by 1 order by 1
"""
SINCE = datetime(2025, 6, 1, tzinfo=UTC)


def of(person: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line | {"user_id": person} for line in lines]


def land(warehouse: WarehouseUnderTest, *conversations: list[dict[str, Any]]) -> None:
    warehouse.write_events([line for conversation in conversations for line in conversation])
    warehouse.land()


def estimate(warehouse: WarehouseUnderTest, step: Any, clock: FakeClock) -> RunEstimate:
    home = warehouse.home
    return estimate_llm_relabelling(home.raw_database, home.build_database, step, SINCE, clock.now())


@pytest.mark.full
def test_repeats_are_labelled_for_nothing_until_nobody_is_left_who_said_it(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path, labeller=embedded_labeller(NO_OWN_MODEL))
    clock = FakeClock(start=LOADED_AT + timedelta(hours=1))
    land(warehouse, of("anna-7731", unsure("anna-talk", 1)), of("bert-8842", unsure("bert-talk", 1)), unsure("c", 2))
    warehouse.build(marts=False)
    with LlmServer(right) as server:
        step = asking(server, clock)
        told = estimate(warehouse, step, clock)
        assert (told.calls, told.cache_hits) == (2, 1)
        warehouse.llm = step
        warehouse.build()
        assert sorted(number_of(request) for request in server.labelling_requests) == [1, 2]
        report = warehouse.asked
        assert (report.candidates, report.labelled, report.cache_hits, report.calls) == (3, 3, 1, 3)
        assert report.cost_usd == pytest.approx(3 * USD_PER_ANSWER)
        assert "3 of 3 unsure conversations labelled in 3 calls (1 by the answer for another with the same words)" in (
            report.as_text()
        )
        assert report.as_metadata()["cache_hits"] == 1
        # Each is shown by its own message.
        assert warehouse.rows(SHOWN) == [
            ("events:anna-talk", "solution_proposed", "llm", "anna-talk-1"),
            ("events:bert-talk", "solution_proposed", "llm", "bert-talk-1"),
            ("events:c", "solution_proposed", "llm", "c-1"),
        ]
        one_call = (800, 90, pytest.approx(USD_PER_ANSWER))
        assert warehouse.rows_of_raw(SPENT) == [
            ("anna-talk", False, False, *one_call),
            ("bert-talk", True, True, 0, 0, 0.0),
            ("c", False, False, *one_call),
        ]
        assert [row[:3] for row in warehouse.rows_of_raw(ANSWERS)] == [
            ("anna-talk", False, True),
            ("bert-talk", True, True),
            ("c", False, True),
        ]
        assert warehouse.rows_of_raw("select count(*) from ledger.llm_calls where conversation_id is not null") == [
            (2,)
        ]
        # A later conversation has the same text: not even the first question is asked, nor any in a second run.
        arrived = len(server.requests)
        land(warehouse, unsure("dora", 1))
        warehouse.build()
        assert (warehouse.asked.labelled, warehouse.asked.cache_hits, warehouse.asked.calls) == (1, 1, 0)
        again = warehouse.ask(step)
        assert (again.candidates, len(server.requests)) == (0, arrived)
        newer = asking(server, clock, model="newer")
        assert (estimate(warehouse, newer, clock).calls, estimate(warehouse, newer, clock).cache_hits) == (2, 2)
        warehouse.llm = None
        incremental = warehouse.rows("from intermediate.int_stage_labels_chosen order by all")
        warehouse.build(full_refresh=True)
        assert warehouse.rows("from intermediate.int_stage_labels_chosen order by all") == incremental

        def forget(*people: str) -> None:
            request_erasure(warehouse.home, [("user", None, person) for person in people], HASH_KEY)
            assert begin_erasure(warehouse.home, HASH_KEY)
            warehouse.build()
            assert conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT) is not None

        # The person asked about is erased; others with the same text still use the answer.
        forget("anna-7731")
        kept = warehouse.rows_of_raw(ANSWERS)
        assert [row[1:3] for row in kept if row[0] not in {"bert-talk", "c", "dora"}] == [(False, False)]
        assert len({row[3] for row in kept}) == 3
        assert len({row[3] for row in kept if row[0] in {"bert-talk", "dora"}}) == 1
        warehouse.llm = step
        land(warehouse, unsure("emil", 1))
        warehouse.build()
        assert (warehouse.asked.cache_hits, warehouse.asked.calls, len(server.requests)) == (1, 0, arrived)
        # When all persons with the text are erased, the answer is gone too and is paid for again. Their labels stay.
        warehouse.llm = None
        land(warehouse, of("frida-9953", unsure("frida-talk", 3)))
        warehouse.llm = step
        warehouse.build()
        assert len(server.requests) == arrived + 2
        forget("frida-9953")
        land(warehouse, unsure("gerd", 3))
        warehouse.build()
        assert [number_of(request) for request in server.labelling_requests][2:] == [3, 3]
        assert warehouse.asked.cache_hits == 0
    assert [kind for _, _, kind, _ in warehouse.rows(SHOWN)] == ["llm"] * 7
