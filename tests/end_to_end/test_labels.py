"""Labels from landed texts to the marts: growth, nothing twice, a classifier that breaks, another definition."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.ledger.labellers import embedded_labeller, rules_labeller
from orchestration.privacy.retention import expire
from tests.support.labellers import breaking, doubting_labeller
from tests.support.warehouse import LOADED_AT, WarehouseUnderTest

ASKED = "I cannot find the parcel that I ordered for my mother last week."
OFFERED = "Would you like me to send you a new one?"
AGREED = "Yes, that works for me, thank you."
DONE = "I have sent you a new one, it is on the way."
COMPLAINED = "It is still not working, and I do not know what to do."

STAGES = """
    select stage, evidence_kind, evidence_event_id, cast(reached_at as varchar), definition_hash = $rules
    from marts.fct_conversation_stages
    where funnel = 'support' and conversation_key = 'events:{name}' order by stage_order
"""
OUTCOMES = """
    select conversation_id, outcome, outcome_reason, outcome_evidence_event_id, claimed_resolved
    from marts.fct_conversations order by 1
"""
LABELS = """
    select _load_id, stage, reached, evidence_event_id, evidence_quote from raw.ledger.stage_labels
    where conversation_id = '{name}' and stage in ('resolved', 'claimed_resolved') order by all
"""


def said(name: str, minute: int, role: str, text: str) -> dict[str, Any]:
    return {
        "event_id": f"{name}{minute}",
        "conversation_id": name,
        "event_type": f"{role}_message",
        "timestamp": f"2025-06-01T10:{minute:02}:00Z",
        "properties": {"content": text},
    }


def solved(name: str) -> list[dict[str, Any]]:
    texts = (("user", ASKED), ("agent", OFFERED), ("user", AGREED), ("agent", DONE))
    return [said(name, minute, role, text) for minute, (role, text) in enumerate(texts)]


def ended(name: str) -> dict[str, Any]:
    return said(name, 30, "user", "") | {"event_type": "conversation_ended", "properties": {}}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    """Label and build the first conversation once; the tests work on copies."""
    one = WarehouseUnderTest(tmp_path_factory.mktemp("template"), labeller=rules_labeller(), metrics=False)
    one.write_events([*solved("a"), ended("a")], name="a.jsonl")
    one.land()
    one.build(tests=True)
    return one


@pytest.fixture
def warehouse(tmp_path: Path, template: WarehouseUnderTest) -> WarehouseUnderTest:
    return template.copy(tmp_path)


def stages(warehouse: WarehouseUnderTest, name: str) -> list[tuple[Any, ...]]:
    definition = f"'{rules_labeller().definition_hash}'"
    return warehouse.rows(STAGES.format(name=name).replace("$rules", definition))


def test_labels_show_what_events_leave_open_at_the_time_of_their_evidence(warehouse: WarehouseUnderTest) -> None:
    assert stages(warehouse, "a") == [
        ("initiated", "event", "a0", "2025-06-01 10:00:00", False),
        ("greeted", "event", "a1", "2025-06-01 10:01:00", False),
        ("problem_identified", "rule", "a1", "2025-06-01 10:01:00", True),
        ("solution_proposed", "rule", "a1", "2025-06-01 10:01:00", True),
        ("solution_accepted", "rule", "a2", "2025-06-01 10:02:00", True),
        ("resolved", "rule", "a3", "2025-06-01 10:03:00", True),
    ]
    assert warehouse.rows(OUTCOMES) == [("a", "resolved_inferred", "classified_resolved", "a3", True)]
    assert warehouse.rows(LABELS.format(name="a")) == [
        (2, "claimed_resolved", True, "a3", DONE),
        (2, "resolved", True, "a3", DONE),
    ]


def test_an_event_comes_before_a_label(warehouse: WarehouseUnderTest) -> None:
    late = said("a", 20, "agent", "") | {"event_type": "solution_proposed", "properties": {}}
    warehouse.write_events([late])
    warehouse.land()
    warehouse.build()
    assert ("solution_proposed", "event", "a20", "2025-06-01 10:20:00", False) in stages(warehouse, "a")
    # No message came: the labelled content is unchanged and is not labelled again.
    assert warehouse.rows("select count(distinct _load_id) from raw.ledger.stage_labels") == [(1,)]


def test_a_conversation_that_grew_is_labelled_again_and_its_history_kept(warehouse: WarehouseUnderTest) -> None:
    # The last event closes the others.
    warehouse.write_events([*solved("b"), said("a", 5, "user", COMPLAINED), said("z", 59, "user", "hello")])
    warehouse.land()
    warehouse.build()
    first, again = (2, 4)
    assert warehouse.rows(LABELS.format(name="a")) == [
        (first, "claimed_resolved", True, "a3", DONE),
        (first, "resolved", True, "a3", DONE),
        (again, "claimed_resolved", True, "a3", DONE),
        (again, "resolved", False, None, None),
    ]
    assert [row[0] for row in stages(warehouse, "a")][-1] == "solution_accepted"
    assert [row[0] for row in stages(warehouse, "b")][-1] == "resolved"
    assert warehouse.rows(OUTCOMES)[0] == ("a", "ended_unresolved", "customer_denial", "a5", True)


def test_a_second_run_labels_nothing_and_looks_at_nothing(warehouse: WarehouseUnderTest) -> None:
    warehouse.land()
    assert warehouse.label().looked_at == 0
    # An event came that is no message: the content is compared, found equal, and left as it is.
    feedback = said("a", 50, "user", "") | {"event_type": "feedback_received", "properties": {"rating": 5}}
    warehouse.write_events([feedback])
    warehouse.land()
    warehouse.build()
    assert warehouse.rows("select count(*), min(_load_id), max(_load_id) from raw.ledger.stage_labels") == [(6, 2, 2)]


def test_a_negative_answer_contradicts_a_classifier(warehouse: WarehouseUnderTest) -> None:
    answer = {"rating": "negative", "question_kind": "solved"}
    warehouse.write_events([said("a", 50, "user", "") | {"event_type": "feedback_received", "properties": answer}])
    warehouse.land()
    warehouse.build()
    assert warehouse.rows(OUTCOMES) == [("a", "ended_unresolved", "negative_answer", "a50", True)]


def test_a_classifier_that_breaks_costs_no_mart_and_nothing_twice(warehouse: WarehouseUnderTest) -> None:
    warehouse.write_events([line for name in "bcdef" for line in (*solved(name), ended(name))])
    warehouse.land()
    warehouse.labelled_at_once = 2
    warehouse.labeller = breaking(rules_labeller(), after_batches=2)
    warehouse.build()
    outcomes = "select outcome, count(*) from marts.fct_conversations group by 1 order by 1"
    assert warehouse.rows(outcomes) == [("ended_unresolved", 1), ("resolved_inferred", 5)]
    warehouse.labeller = rules_labeller()
    warehouse.land()
    warehouse.build()
    assert warehouse.rows(outcomes) == [("resolved_inferred", 6)]
    labellings = "select conversation_id, count(*) from raw.ledger.stage_labels group by 1 having count(*) <> 6"
    assert warehouse.rows(labellings) == []


@pytest.mark.full
def test_another_definition_labels_again_only_what_it_is_asked_to(warehouse: WarehouseUnderTest) -> None:
    later = [line | {"timestamp": line["timestamp"].replace("06-01", "06-09")} for line in (*solved("z"), ended("z"))]
    warehouse.write_events(later)
    warehouse.land()
    warehouse.build()
    outcomes = "select conversation_id, outcome from marts.fct_conversations order by 1"
    assert warehouse.rows(outcomes) == [("a", "resolved_inferred"), ("z", "resolved_inferred")]
    warehouse.labeller = doubting_labeller()
    warehouse.build()
    assert warehouse.rows(outcomes) == [("a", "resolved_inferred"), ("z", "resolved_inferred")]
    warehouse.build(relabel_from=datetime(2025, 6, 9, tzinfo=UTC))
    assert warehouse.rows(outcomes) == [("a", "resolved_inferred"), ("z", "ended_unresolved")]
    recorded = "select operation from raw.raw.operations where operation = 'relabel'"
    assert warehouse.rows(recorded) == [("relabel",)]
    # Asked again, there is nothing left to do.
    warehouse.build(relabel_from=datetime(2025, 6, 9, tzinfo=UTC))
    assert warehouse.rows(recorded) == [("relabel",)]
    assert warehouse.rows("select count(*) from raw.ledger.stage_labels") == [(18,)]


@pytest.mark.full
def test_what_lost_its_texts_by_age_keeps_its_labels_and_loses_its_quotes(warehouse: WarehouseUnderTest) -> None:
    before = stages(warehouse, "a")
    expired = expire(
        warehouse.home.raw_database,
        warehouse.home.seeds,
        texts_after=timedelta(days=30),
        rejected_after=None,
        now=LOADED_AT,
    )
    assert expired.texts == 4
    warehouse.home.build_database.unlink()
    assert warehouse.rows_of_raw(
        "select count(*), count(evidence_quote), count(content_hash) from ledger.stage_labels"
    ) == [(6, 0, 6)]
    warehouse.build()
    assert stages(warehouse, "a") == before
    # A late message of the customer: a part of a conversation is never labelled.
    warehouse.write_events([said("a", 6, "user", COMPLAINED)])
    warehouse.land()
    warehouse.build()
    assert warehouse.rows("select count(*) from raw.ledger.stage_labels") == [(6,)]
    assert stages(warehouse, "a") == before


NOTE = "Replace the rear gear cable before riding uphill again"
TOLD = """
    select conversation_id, stage, reached, evidence_event_id, evidence_quote from ledger.stage_labels
    where stage in ('problem_identified', 'solution_proposed') order by all
"""


def told(name: str, **returned: Any) -> list[dict[str, Any]]:
    called = said(name, 1, "agent", "") | {"event_type": "tool_called"}
    return [
        said(name, 0, "user", "What does the workshop say about my bike?"),
        called | {"properties": {"tool_name": "repair_note"} | returned},
        said(name, 2, "agent", f"Their note reads: {NOTE}."),
        said(name, 3, "user", "Thanks, bye."),
    ]


def test_what_a_tool_returned_is_read_and_kept_in_no_ledger(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path, labeller=embedded_labeller(tmp_path / "none"), metrics=False)
    as_text = told("text", result=f'{{"note": "{NOTE}", "by": "Xanthippe"}}')
    as_object = told("object", result={"note": NOTE, "by": "Xanthippe", "mail": "x@workshop.example"})
    warehouse.write_events([*told("none"), *told("other", result={"by": "Xanthippe"}), *as_text, *as_object])
    warehouse.land()
    warehouse.build(marts=False)
    words = f"Their note reads: {NOTE}."
    # A message that repeats the tool's result is an answer; without the result the same words could be anything.
    assert warehouse.rows_of_raw(TOLD) == [
        ("none", "problem_identified", True, "none1", None),
        ("none", "solution_proposed", False, None, None),
        ("object", "problem_identified", True, "object1", None),
        ("object", "solution_proposed", True, "object2", words),
        ("other", "problem_identified", True, "other1", None),
        ("other", "solution_proposed", False, None, None),
        ("text", "problem_identified", True, "text1", None),
        ("text", "solution_proposed", True, "text2", words),
    ]
    for table in ("stage_labels", "message_labels"):
        assert "Xanthippe" not in repr(warehouse.rows_of_raw(f"from ledger.{table}"))
    # Results expire with the properties they came in, and what has lost them is not labelled by what is left.
    expired = expire(
        warehouse.home.raw_database,
        warehouse.home.seeds,
        texts_after=timedelta(days=30),
        rejected_after=None,
        now=LOADED_AT + timedelta(days=60),
    )
    assert expired.texts == 12
    assert warehouse.label(datetime(2025, 1, 1, tzinfo=UTC)).labelled == 0
