"""What customers say, from landed texts to the marts: growth, nothing twice, another language, another taxonomy."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.classification.messages.labeller import message_labeller
from orchestration.ledger.labellers import rules_labeller
from orchestration.ledger.message_labelling import count_relabelled_messages
from orchestration.privacy.retention import expire
from tests.support.labellers import breaking_on_messages, doubting_messages
from tests.support.warehouse import LOADED_AT, WarehouseUnderTest

ASKED = "I would like a refund for the lamp that came last week, please."
CROSS = "This is terrible, and it is far too expensive for us."
HUMAN = "I want to talk to a real person now, not to you."
THOUGHT = "I will think about it and let you know."
GREETED = "Hello, how can I help you today?"

MESSAGES = """
    select event_id, round(sentiment, 1), intent, objection from marts.fct_messages
    where sender_role = 'customer' order by 1
"""
CONVERSATIONS = """
    select conversation_id, intents, objections, escalation_reason, escalation_reason_evidence_kind,
        escalation_reason_event_id, dropoff_reason, dropoff_reason_event_id
    from marts.fct_conversations order by 1
"""
LEDGER = "select event_id, intent, language, _load_id from raw.ledger.message_labels order by _load_id, event_id"


def said(name: str, minute: int, event_type: str, text: str | None = None, **properties: str) -> dict[str, Any]:
    return {
        "event_id": f"{name}{minute}",
        "conversation_id": name,
        "event_type": event_type,
        "timestamp": f"2025-06-01T10:{minute:02}:00Z",
        "properties": properties | ({} if text is None else {"content": text}),
    }


def escalated(name: str, **properties: str) -> list[dict[str, Any]]:
    return [
        said(name, 0, "user_message", ASKED),
        said(name, 1, "agent_message", GREETED),
        said(name, 2, "user_message", HUMAN),
        said(name, 3, "handoff_requested", **properties),
        said(name, 9, "conversation_ended"),
    ]


def left(name: str) -> list[dict[str, Any]]:
    return [
        said(name, 0, "user_message", CROSS),
        said(name, 1, "agent_message", GREETED),
        said(name, 2, "user_message", THOUGHT),
        said(name, 3, "user_message", "42"),
        said(name, 9, "conversation_abandoned"),
    ]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    """Parse the project and build the first conversations once."""
    one = WarehouseUnderTest(tmp_path_factory.mktemp("template"), labeller=rules_labeller(), metrics=False)
    one.write_events([*escalated("e"), *left("l")], name="first.jsonl")
    one.land()
    one.build(tests=True)
    return one


@pytest.fixture
def warehouse(tmp_path: Path, template: WarehouseUnderTest) -> WarehouseUnderTest:
    return template.copy(tmp_path)


def again(warehouse: WarehouseUnderTest, *events: dict[str, Any]) -> None:
    """Land some more and build."""
    warehouse.write_events(events)
    warehouse.land()
    warehouse.build()


def test_messages_and_conversations_say_what_the_customer_says(warehouse: WarehouseUnderTest) -> None:
    assert warehouse.rows(MESSAGES) == [
        ("e0", 0.4, "refund", "unknown"),
        ("e2", 0.1, "human_request", "unknown"),
        ("l0", -0.5, "unknown", "price"),
        ("l2", 0.0, "unknown", "unknown"),
        ("l3", None, "unknown", "unknown"),
    ]
    assert warehouse.rows(CONVERSATIONS) == [
        ("e", "human_request,refund", "unknown", "customer_asked", "rule", "e2", None, None),
        ("l", "unknown", "price", None, None, None, "thinking_it_over", "l2"),
    ]
    # Messages of the agent get no labels but are read: they show the language.
    assert warehouse.rows("select count(*), count(language) from raw.ledger.message_labels") == [(5, 5)]


def test_what_is_repetition_is_known_of_each_pair_and_of_the_conversation(warehouse: WarehouseUnderTest) -> None:
    in_other_words = "My broadband contract: how on earth can I cancel it?"
    annoyed = [
        said("a", 0, "user_message", "How do I cancel my broadband contract?"),
        said("a", 1, "agent_message", "Do you want a faster plan?"),
        said("a", 2, "user_message", in_other_words),
        said("a", 3, "agent_message", "Do you want a slower plan?"),
        said("a", 4, "user_message", in_other_words),
        said("a", 9, "conversation_abandoned"),
    ]
    messages = "select event_id, is_rephrase, is_repeat, rephrase_similarity is null from marts.fct_messages "
    of_customer = messages + "where sender_role = 'customer' and event_id like 'a%' order by 1"
    counted = (
        "select compared_message_count, rephrase_count, exact_repeat_count, satisfaction_score from "
        "marts.fct_conversations where conversation_id = 'a'"
    )
    late = "select late_repetition_count from intermediate.int_last_turns_examined where conversation_key = 'events:a'"
    again(warehouse, *annoyed)
    assert warehouse.rows(of_customer) == [
        ("a0", None, None, True),
        ("a2", True, False, False),
        ("a4", False, True, False),
    ]
    assert warehouse.rows(counted) == [(2, 1, 1, 0.18)]
    assert warehouse.rows(late) == [(2,)]
    # A late word between the first two: the second follows another message now, and is labelled once more.
    again(warehouse, {**said("a", 5, "user_message", "Nobody answers me."), "timestamp": "2025-06-01T10:01:30Z"})
    assert warehouse.rows(of_customer) == [
        ("a0", None, None, True),
        ("a2", False, False, False),
        ("a4", False, True, False),
        ("a5", False, False, False),
    ]
    assert warehouse.rows(counted) == [(3, 0, 1, 0.19)]
    assert warehouse.rows(late) == [(1,)]


def test_what_a_source_states_comes_first_unless_it_is_free_text(warehouse: WarehouseUnderTest) -> None:
    again(warehouse, *escalated("f", reason="Policy"), *escalated("g", reason="Anna was cross with us"))
    rows = {row[0]: row[3:6] for row in warehouse.rows(CONVERSATIONS)}
    assert rows["f"] == ("policy", "event", "f3")
    assert rows["g"] == ("customer_asked", "rule", "g2")


def test_a_conversation_that_grew_has_only_its_new_messages_labelled(warehouse: WarehouseUnderTest) -> None:
    before = warehouse.rows(LEDGER)
    warehouse.land()
    assert warehouse.label_messages().messages == 0
    again(
        warehouse,
        said("l", 5, "user_message", "No, I do not need it any more."),
        said("e", 30, "feedback_received", rating="5"),
    )
    assert [row for row in warehouse.rows(LEDGER) if row not in before] == [("l5", "unknown", "en", 4)]
    rows = {row[0]: row[6:] for row in warehouse.rows(CONVERSATIONS)}
    assert rows["l"] == ("no_longer_needed", "l5")


@pytest.mark.full
def test_a_changed_text_is_labelled_again_and_a_changed_language_too(warehouse: WarehouseUnderTest) -> None:
    again(warehouse, said("s", 0, "user_message", "reembolso 4471"))
    assert warehouse.rows(LEDGER)[-1] == ("s0", "unknown", None, 4)
    again(
        warehouse, said("s", 1, "agent_message", "Lo siento, no encuentro el pedido en el sistema, ¿me dice su número?")
    )
    assert warehouse.rows(LEDGER)[-1] == ("s0", "refund", "es", 6)
    assert ("s0", None, "refund", "unknown") in warehouse.rows(MESSAGES)
    assert len(warehouse.rows(LEDGER)) == 7


def test_labels_are_of_redacted_texts(warehouse: WarehouseUnderTest) -> None:
    """Two texts that differ in what the redactor takes out are equal; its placeholders are no words of a message."""
    for place, mail in enumerate(("anna@example.com", "bert@example.org", "cleo@example.net")):
        again(warehouse, said("r", place, "user_message", f"Please send the refund to {mail} as you did before."))
    sentiments = {row[1:] for row in warehouse.rows(MESSAGES) if row[0].startswith("r")}
    assert len(sentiments) == 1
    hashes = warehouse.rows(
        "select count(distinct content_hash) from raw.ledger.message_labels where event_id like 'r%'"
    )
    # The first of them follows no other.
    assert hashes == [(2,)]


def test_a_labelling_that_breaks_costs_no_mart_and_nothing_twice(warehouse: WarehouseUnderTest) -> None:
    shipped = message_labeller(warehouse.home.taxonomy)
    warehouse.message_labeller = breaking_on_messages(shipped, after_messages=9)
    again(warehouse, *(event for name in "vwxyz" for event in left(name)))
    assert warehouse.rows("select count(*) from marts.fct_conversations") == [(7,)]
    assert warehouse.rows("select count(*), count(intent) from marts.fct_messages where sender_role = 'customer'") == [
        (20, 14)
    ]
    warehouse.message_labeller = shipped
    warehouse.land()
    warehouse.build()
    assert warehouse.rows("select count(*), count(intent) from marts.fct_messages where sender_role = 'customer'") == [
        (20, 20)
    ]
    twice = "select event_id from raw.ledger.message_labels group by all having count(*) > 1"
    assert warehouse.rows(twice) == []
    assert warehouse.rows(
        "select distinct dropoff_reason from marts.fct_conversations where conversation_id <> 'e'"
    ) == [("thinking_it_over",)]


@pytest.mark.full
def test_another_taxonomy_labels_again_only_what_it_is_asked_to(warehouse: WarehouseUnderTest) -> None:
    later = [event | {"timestamp": event["timestamp"].replace("06-01", "06-09")} for event in escalated("z")]
    again(warehouse, *later)
    other = doubting_messages(message_labeller(warehouse.home.taxonomy))
    warehouse.message_labeller = other
    warehouse.build()
    intents = (
        "select conversation_id, intents from marts.fct_conversations where conversation_id in ('e', 'z') order by 1"
    )
    assert warehouse.rows(intents) == [("e", "human_request,refund"), ("z", "human_request,refund")]
    since = datetime(2025, 6, 9, tzinfo=UTC)
    databases = (warehouse.home.raw_database, warehouse.home.build_database)
    assert count_relabelled_messages(*databases, other, since) == 2
    assert count_relabelled_messages(*databases, other, since - timedelta(days=30)) == 7
    warehouse.build(relabel_from=since)
    assert warehouse.rows(intents) == [("e", "human_request,refund"), ("z", "unknown")]
    assert count_relabelled_messages(*databases, other, since) == 0
    recorded = "select detail from raw.raw.operations where operation = 'relabel'"
    assert warehouse.rows(recorded) == [(f'{{"definition_hash": "{other.definition_hash}", "messages": 2}}',)]


def test_what_lost_its_text_by_age_keeps_its_labels_and_loses_the_hash(warehouse: WarehouseUnderTest) -> None:
    before = warehouse.rows(MESSAGES), warehouse.rows(CONVERSATIONS), warehouse.rows(LEDGER)
    expired = expire(
        warehouse.home.raw_database,
        warehouse.home.seeds,
        texts_after=timedelta(days=30),
        rejected_after=None,
        now=LOADED_AT,
    )
    assert expired.texts == 7
    warehouse.home.build_database.unlink()
    assert warehouse.rows_of_raw("select count(*), count(content_hash) from ledger.message_labels") == [(5, 0)]
    warehouse.build()
    assert (warehouse.rows(MESSAGES), warehouse.rows(CONVERSATIONS), warehouse.rows(LEDGER)) == before
    # A late message of the customer: a part of a conversation is never labelled.
    again(warehouse, said("l", 6, "user_message", CROSS))
    assert warehouse.rows(LEDGER) == before[2]


def test_a_stated_reason_outlives_its_text(warehouse: WarehouseUnderTest) -> None:
    again(warehouse, *escalated("f", reason="policy"), *escalated("g", reason="Anna was cross with us"))
    expire(
        warehouse.home.raw_database,
        warehouse.home.seeds,
        texts_after=timedelta(days=30),
        rejected_after=None,
        now=LOADED_AT,
    )
    warehouse.home.build_database.unlink()
    kept = warehouse.rows_of_raw("select conversation_id, reason from raw.events where event_type like 'handoff%'")
    assert sorted(kept) == [("e", None), ("f", "policy"), ("g", None)]
    warehouse.build()
    assert {row[0]: row[3] for row in warehouse.rows(CONVERSATIONS)} == {
        "e": "customer_asked",
        "f": "policy",
        "g": "customer_asked",
        "l": None,
    }
