"""The evaluation of intents, on sets of a few conversations written here."""

import gzip
import json
from pathlib import Path

import pytest

from orchestration.classification.conversation import Message
from orchestration.classification.evaluation.golden_set import GOLDEN
from orchestration.classification.evaluation.intents import IntentReport, as_markdown, evaluate_intents, main_intent
from orchestration.classification.messages.labeller import MessageLabeller, message_labeller
from orchestration.classification.messages.phrase_checks import phrase_problems
from orchestration.configuration.reading import read_seed
from orchestration.configuration.taxonomy import NO_LABEL, TaxonomyRow
from orchestration.settings import PROJECT_DIR

TAXONOMY = "kind,label,language,phrase\nintent,rooms,en,book a room\nintent,bank,en,account balance\n"


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def said(name: str, seq: int, text: str, event_type: str = "message_sent") -> dict[str, object]:
    properties = {"seq": seq, "content": text}
    return {"event_id": f"{name}{seq}", "conversation_id": name, "event_type": event_type, "properties": properties}


def test_conversations_of_one_service_are_scored_beside_the_commonest(tmp_path: Path) -> None:
    write(
        tmp_path / "sgd" / "events.jsonl.gz",
        [
            said("a", 0, "I would like to book a room, and what is my account balance?"),
            said("a", 1, "Which account balance do you want to see, and of which account?", "agent_response"),
            said("a", 2, "First book the room, please."),
            said("b", 0, "What is the balance of my account?"),
            said("c", 0, "Is it going to rain at the weekend?"),
            said("d", 0, "I want to book a room and see my account balance."),
        ],
    )
    write(
        tmp_path / "sgd" / "truth.jsonl.gz",
        [
            {"conversation_id": "a", "services": ["Rooms_1"]},
            {"conversation_id": "b", "services": ["Rooms_2"]},
            {"conversation_id": "c", "services": ["Bank_1"]},
            {"conversation_id": "d", "services": ["Bank_1", "Rooms_1"]},
        ],
    )
    (tmp_path / "sgd.csv").write_text(TAXONOMY, encoding="utf-8")
    reports = list(evaluate_intents(tmp_path, tmp_path, PROJECT_DIR / "seeds"))
    assert reports == [IntentReport("sgd", conversations=3, answered=2, right=1, constant="rooms", constant_right=2)]
    assert "| sgd | 3 | 33.3% | 66.7% | 50.0% | 66.7% (rooms) |" in as_markdown(reports)
    assert as_markdown([]) == ""


@pytest.fixture
def labeller(tmp_path: Path) -> MessageLabeller:
    (tmp_path / "mine.csv").write_text(TAXONOMY, encoding="utf-8")
    return message_labeller(tmp_path / "mine.csv")


def test_the_main_intent_is_the_commonest_else_the_first(labeller: MessageLabeller) -> None:
    bank, room = "What is my account balance?", "I want to book a room for the night."

    def main(*texts: str) -> str:
        messages = [Message(str(place), "user_message", "customer", text, place) for place, text in enumerate(texts)]
        return main_intent(labeller, messages)

    assert [main(bank, room), main(room, bank), main(bank, room, room), main("Is it going to rain?")] == [
        *("bank", "rooms", "rooms", "unknown")
    ]


@pytest.mark.parametrize("name", ["star", "sgd"])
def test_the_taxonomies_of_the_real_sets_could_be_used(name: str) -> None:
    taxonomy = read_seed(GOLDEN / "taxonomies" / f"{name}.csv", TaxonomyRow)
    rows = taxonomy.rows.values()
    assert {(row.kind, row.language) for row in rows} == {("intent", "en")}
    assert NO_LABEL not in {row.label for row in rows}
    assert [*taxonomy.problems, *phrase_problems(taxonomy)] == []
