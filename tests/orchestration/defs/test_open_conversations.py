"""Open conversations that the agent does not understand: found in what is published, flagged once each, ids alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.classification.embedded.shipped import classify_by_model
from orchestration.classification.open_conversations import Unidentified, find_unidentified
from orchestration.defs import open_conversation_check as open_conversations
from orchestration.defs.open_conversation_check import (
    open_conversations_are_identified,
    unidentified_conversations_sensor,
)
from orchestration.publishing import publish
from orchestration.warehouse.home import Home
from tests.support.warehouse import LOADED_AT

SAID = ("The street is wrong on it.", "My neighbours have never seen the courier.", "Is there anybody at all?")
FALLBACK = "Sorry, I did not understand that."
SPECIFIC = "I can change the street of your delivery address. Which street should the parcel go to?"
CREATE = """
    create schema marts;
    create table marts.fct_conversations (
        conversation_key varchar, outcome varchar, purpose varchar, answered_turn_count bigint,
        fallback_turn_count bigint, last_interaction_at timestamp);
    create table marts.fct_messages (
        conversation_key varchar, message_key varchar, sender_role varchar, content varchar, sequence_number bigint)
"""


class Published:
    """A warehouse of which nothing but the published version is looked at."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.home.create()
        with duckdb.connect(str(self.home.build_database)) as connection:
            connection.execute(CREATE)

    def add(
        self, name: str, answers: list[str | None], *, outcome: str = "in_progress", purpose: str = "support",
        fallbacks: int = 0, texts: bool = True,
    ) -> None:  # fmt: skip
        with duckdb.connect(str(self.home.build_database)) as connection:
            connection.execute(
                "insert into marts.fct_conversations "
                "values (?, ?, ?, ?, ?, timestamp '2026-01-01' + ? * interval 1 hour)",
                [f"events:{name}", outcome, purpose, len(answers), fallbacks, ord(name)],
            )
            for place, (said, answer) in enumerate(zip(SAID, answers, strict=False)):
                lines = [("customer", said)] + ([("agent", answer)] if answer is not None else [])
                for half, (role, text) in enumerate(lines):
                    connection.execute(
                        "insert into marts.fct_messages values (?, ?, ?, ?, ?)",
                        [
                            f"events:{name}",
                            f"events:{name}{place}{half}",
                            role,
                            text if texts else None,
                            2 * place + half,
                        ],
                    )

    def publish(self) -> None:
        publish(
            self.home.build_database, self.home.published, tables=["fct_conversations", "fct_messages"], run_id="run",
            data_until=LOADED_AT, checks={}, keep=3, now=LOADED_AT, on_progress=lambda _: None, built_from={},
        )  # fmt: skip


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    monkeypatch.setenv("COLLOQUY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLLOQUY_HASH_KEY", "a key for tests")
    yield Published(tmp_path)


def look(cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    result = unidentified_conversations_sensor(dg.build_sensor_context(cursor=cursor))
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def test_open_conversations_are_found_newest_first_by_event_or_text(published: Published) -> None:
    published.add("a", [FALLBACK, FALLBACK, FALLBACK])
    published.add("b", [None, None, None], fallbacks=3)
    published.add("c", [SPECIFIC, FALLBACK, FALLBACK])
    published.add("d", [FALLBACK, FALLBACK, FALLBACK], outcome="abandoned")
    published.add("e", [FALLBACK, FALLBACK, FALLBACK], purpose="sales")
    published.add("f", [FALLBACK, FALLBACK])
    # A conversation without its texts shows nothing.
    published.add("g", [FALLBACK, FALLBACK, FALLBACK], texts=False)
    published.publish()
    found = find_unidentified(published.home.published, classify_by_model)
    assert found == [Unidentified("events:b", "fallback_event"), Unidentified("events:a", "fallback_text")]


def test_the_newest_of_very_many_are_looked_at(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.classification.open_conversations.LOOKED_AT", 1)
    for name in "ab":
        published.add(name, [FALLBACK, FALLBACK, FALLBACK])
    published.publish()
    assert find_unidentified(published.home.published, classify_by_model) == [Unidentified("events:b", "fallback_text")]


def test_the_check_lists_ids_and_signals_and_no_word(published: Published) -> None:
    published.add("a", [SPECIFIC, SPECIFIC, SPECIFIC])
    published.publish()
    result = open_conversations_are_identified()
    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed
    published.add("b", [FALLBACK, FALLBACK, FALLBACK])
    published.publish()
    result = open_conversations_are_identified()
    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == "open conversations not identified after three exchanges: 1"
    assert result.metadata["conversations"].value == [{"conversation_key": "events:b", "signal": "fallback_text"}]


def test_the_sensor_asks_once_for_each_newly_unidentified_conversation(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = look()
    assert isinstance(nothing, dg.SkipReason)
    assert nothing.skip_message == "nothing is published yet"
    published.add("a", [FALLBACK, FALLBACK, FALLBACK])
    published.publish()
    first = look()
    assert isinstance(first, dg.SensorResult)
    assert [one.run_key for one in first.run_requests or ()] == ["000001"]
    assert first.cursor is not None
    # Neither the version again, nor the conversation in the next one.
    again = look(first.cursor)
    assert isinstance(again, dg.SkipReason)
    assert again.skip_message == "version 000001 has been looked at"
    published.add("b", [SPECIFIC, SPECIFIC, SPECIFIC])
    published.publish()
    known = look(first.cursor)
    assert isinstance(known, dg.SensorResult)
    assert not known.run_requests
    published.add("c", [FALLBACK, FALLBACK, FALLBACK])
    published.publish()
    later = look(known.cursor)
    assert isinstance(later, dg.SensorResult)
    assert [one.run_key for one in later.run_requests or ()] == ["000003"]
    assert later.cursor is not None
    assert len(json.loads(later.cursor)["flagged"]) == 2
    # An erasure does not reach the cursor.
    assert "events:" not in later.cursor

    # A version that cannot be opened is looked at again, for the next one may be.
    def break_off() -> list[Unidentified]:
        raise duckdb.IOException("gone")

    monkeypatch.setattr(open_conversations, "_find", break_off)
    published.add("d", [FALLBACK, FALLBACK, FALLBACK])
    published.publish()
    broken = look(later.cursor)
    assert isinstance(broken, dg.SkipReason)


def test_the_job_of_the_sensor_runs_the_check_alone(published: Published) -> None:
    published.add("a", [FALLBACK, FALLBACK, FALLBACK])
    published.publish()
    with dg.DagsterInstance.ephemeral() as instance:
        definitions = dg.Definitions(
            assets=[dg.AssetSpec(["published", "version"])],
            asset_checks=[open_conversations_are_identified],
            jobs=[open_conversations.flag_unidentified],
        )
        result = definitions.resolve_job_def("flag_unidentified").execute_in_process(instance=instance)
    assert result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == (open_conversations.CHECK, False)
