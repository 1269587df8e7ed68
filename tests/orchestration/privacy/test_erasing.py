"""An erasure over raw, without a build: what goes, what stays, what comes back, and what a kill leaves to be done."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing.suppression import OtherKeyError
from orchestration.privacy import erasure, rewriting
from orchestration.privacy.erasure import (
    begin_erasure,
    request_erasure,
)
from orchestration.privacy.intent import pending_erasure
from orchestration.privacy.scanning import scan
from orchestration.privacy.search_terms import SearchTerms
from orchestration.warehouse.raw_tables import open_raw
from tests.support.erasures import conclude, erase, found_in_raw, message, raw
from tests.support.planted_person import (
    STRINGS,
    USER,
    events_of_others,
    events_of_the_person,
)
from tests.support.warehouse import HASH_KEY, WarehouseUnderTest


def test_before_the_erasure_the_strings_are_found(warehouse: WarehouseUnderTest) -> None:
    assert found_in_raw(warehouse) == set(STRINGS)


def test_nothing_of_the_person_is_left(warehouse: WarehouseUnderTest) -> None:
    report = erase(warehouse)
    assert found_in_raw(warehouse) == set()
    # Four conversations: 4 events, 3 of the chat and its exposure, 2 of the deal, 2 of the widget.
    assert report is not None
    assert (report.conversations, report.events) == (5, 12)
    names = [name.rpartition("/")[2] for name in report.landing_files]
    assert {"refused.jsonl", "others.jsonl"} < set(names)
    size = (warehouse.settings.landing / "events" / f"export-{USER}.jsonl").stat().st_size
    assert f"export-*.jsonl ({size:,} bytes)" in names
    assert USER not in report.as_text()
    assert pending_erasure(warehouse.home) is None
    assert sorted(path.name for path in warehouse.home.private.iterdir()) == []


def test_what_is_counted_stays(warehouse: WarehouseUnderTest) -> None:
    sources = ("events", "chat_events", "ab_test_exposures", "sales_events", "agentsight_interactions")
    accounts = "select lines, accepted, rejected, duplicates, load_id, source from raw.loaded_files order by all"
    refused = "select reason, line_bytes, line_sha256, _line from raw.rejected_events order by all"

    def everything() -> list[Any]:
        available = "select column_name from duckdb_columns() where table_name = '{}'"
        tables = []
        for source in sources:
            names = {row[0] for row in raw(warehouse, available.format(source))}
            wanted = [
                one
                for one in ("event_type", "channel", "timestamp", "model", "goal", "value", "rating", "lead_score",
                            "variant", "_line", "_load_id", "environment")
                if one in names
            ]  # fmt: skip
            columns = ", ".join(f'"{one}"' for one in wanted)
            tables.append(raw(warehouse, f"select {columns} from raw.{source} order by all"))
        return [*tables, raw(warehouse, accounts), raw(warehouse, refused)]

    before = everything()
    erase(warehouse)
    assert everything() == before


def test_one_surrogate_a_person_and_one_a_conversation(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse)
    users = raw(
        warehouse,
        """select distinct user_id from raw.events where user_id <> 'bert-1'
        union select user_id from raw.chat_events where user_id is not null
        union select customer_id from raw.agentsight_interactions
        union select properties ->> 'user_id' from raw.sales_events where event_type = 'conversation_started'""",
    )
    assert len(users) == 1
    assert users[0][0].startswith("erased-")
    sessions = raw(
        warehouse, "select session_id from raw.chat_events union select session_id from raw.ab_test_exposures"
    )
    assert len(sessions) == 1
    kept = raw(
        warehouse, "select event_id, page_url, properties from raw.events where event_type = 'conversation_started'"
    )
    user = users[0][0]
    assert kept == [(f"{user}-e1", f"/account/{user}/orders", '{"plan":"gold"}')]


def test_neighbours_keep_what_they_said(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse)
    said = raw(
        warehouse,
        """select event_id, content from raw.message_texts order by event_id""",
    )
    [(user,)] = raw(warehouse, "select surrogate from raw.suppressions where scope = 'user'")
    assert said == [("n1", f"is {user} there?"), ("n2", "good morning to you")]
    refused = raw(warehouse, "select line from raw.rejected_events where line is not null")
    assert [json.loads(line)["event_id"] for (line,) in refused] == ["r3"]


def test_a_conversation_alone(warehouse: WarehouseUnderTest) -> None:
    report = erase(warehouse, "conversation", "talk-alpha", "events")
    assert report is not None
    assert (report.conversations, report.events) == (1, 4)
    assert "talk-alpha" not in found_in_raw(warehouse)
    # The person was not asked for: the user keeps the other conversations and this one.
    assert raw(warehouse, f"select count(*) from raw.events where user_id = '{USER}'") == [(1,)]
    assert raw(warehouse, "select count(*) from raw.chat_events where session_id = 'sess-bravo'") == [(3,)]


def test_a_namespace_limits_the_search(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse, "conversation", "talk-alpha", "chat_events")
    assert raw(warehouse, "select count(*) from raw.events where conversation_id = 'talk-alpha'") == [(4,)]


def test_a_line_sent_again_is_a_duplicate(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse)
    rows = raw(warehouse, "select * from raw.events order by all")
    warehouse.write_events(events_of_the_person(), name="again.jsonl")
    # The file itself, grown by a blank: it is read again whole.
    for path in sorted(warehouse.settings.landing.rglob("*.jsonl")):
        path.write_text(path.read_text() + " \n")
    summary = warehouse.land()
    assert (summary.accepted, summary.rejected) == (0, 0)
    assert summary.lines == summary.duplicates == 4 + 4 + 3 + 3 + 1 + 2 + 2 + 4
    assert raw(warehouse, "select * from raw.events order by all") == rows
    assert found_in_raw(warehouse) == set()


def test_new_lines_of_the_person_land_without_the_person(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse)
    more = [
        events_of_the_person()[1] | {"event_id": "e9"},
        events_of_the_person()[0] | {"event_id": "e10", "conversation_id": "talk-echo"},
        events_of_the_person()[1] | {"event_id": "e11", "conversation_id": "talk-echo"},
        {"event_id": "r9", "user_id": USER, "event_type": "user_message"},
    ]
    warehouse.write_events(more, name="more.jsonl")
    summary = warehouse.land()
    assert (summary.accepted, summary.rejected) == (3, 1)
    assert found_in_raw(warehouse) == set()
    [(old, new)] = raw(
        warehouse,
        """select (select conversation_id from raw.events where event_id = 'e9'),
            (select any_value(conversation_id) from raw.events where event_id in ('e10', 'e11')
             having count(distinct conversation_id) = 1)""",
    )
    assert old in {row[0] for row in raw(warehouse, "select conversation_id from raw.events where event_id = 'e2'")}
    assert new.startswith("erased-") and new != old


def test_a_conversation_that_turns_out_to_be_theirs_is_erased_by_the_next_run(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse)
    anonymous = events_of_the_person()[1] | {"event_id": "f1", "conversation_id": "talk-foxtrot"}
    warehouse.write_events([anonymous], name="f1.jsonl")
    warehouse.land()
    assert begin_erasure(warehouse.home, HASH_KEY) is None
    warehouse.write_events([anonymous | {"event_id": "f2", "user_id": USER}], name="f2.jsonl")
    warehouse.land()
    assert raw(warehouse, "select count(*) from raw.events where conversation_id = 'talk-foxtrot'") == [(1,)]
    assert begin_erasure(warehouse.home, HASH_KEY) is not None
    conclude(warehouse)
    assert raw(warehouse, "select count(distinct conversation_id) from raw.events where event_id in ('f1', 'f2')") == [
        (1,)
    ]
    assert found_in_raw(warehouse) == set()
    assert begin_erasure(warehouse.home, HASH_KEY) is None


def test_another_key_is_refused(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse)
    with pytest.raises(OtherKeyError, match="put back"):
        request_erasure(warehouse.home, [], b"another key")
        begin_erasure(warehouse.home, b"another key")


class Killed(BaseException):
    """The death of the process, which no handler catches."""


STEPS: dict[str, tuple[Any, str]] = {
    "nothing written yet": (erasure, "rewrite_without"),
    "the copy half written": (rewriting, "write_tables"),
    "the copy written": (erasure, "replace_raw"),
    "nothing derived removed": (erasure, "remove_derived"),
    "published, not scanned": (erasure, "scan"),
    "scanned, not recorded": (erasure, "_record"),
}


@pytest.mark.parametrize(("step", "again"), [(step, place % 2 == 0) for place, step in enumerate(STEPS)])
def test_a_killed_erasure_is_finished_by_the_same_command_or_the_next_run(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch, step: str, again: bool
) -> None:
    module, name = STEPS[step]

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, kill)
        with pytest.raises(Killed):
            erase(warehouse)
    assert pending_erasure(warehouse.home) is not None
    intent = (warehouse.home.private / "erasure.json").read_text()
    assert not any(one in intent for one in STRINGS)
    if again:
        erase(warehouse)
    else:
        begin_erasure(warehouse.home, HASH_KEY)
        conclude(warehouse)
    assert found_in_raw(warehouse) == set()
    assert raw(warehouse, "select count(*) from raw.operations where operation = 'erase'") == [(1,)]
    assert len(raw(warehouse, "select surrogate from raw.suppressions where scope = 'user'")) == 1


def test_the_record_holds_numbers_only(warehouse: WarehouseUnderTest) -> None:
    erase(warehouse)
    [(detail,)] = raw(warehouse, "select detail from raw.operations")
    fields = json.loads(detail)
    operation_id = fields.pop("operation_id")
    assert len(operation_id) == 36
    assert fields == {"conversations": 5, "events": 12, "landing_files": 7}


def test_short_ids_count_only_where_an_id_is_expected(tmp_path: Path) -> None:
    search_terms = SearchTerms(("7",), ("events:7",), ())
    (tmp_path / "innocent.json").write_text('{"lines": 7, "id": 70, "text": "7 apples"}')
    assert scan(tmp_path, search_terms).hits == ()
    (tmp_path / "guilty.json").write_text('{"user_id": "7", "lines": 3}')
    (tmp_path / "key.txt").write_text("conversation events:7 failed")
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        connection.execute("create table t as select '7' as user_id, '7' as rating")
    assert {(hit.file.name, hit.place) for hit in scan(tmp_path, search_terms).hits} == {
        ("guilty.json", "its bytes"),
        ("key.txt", "its bytes"),
        ("x.duckdb", "main.t.user_id"),
    }


def test_events_of_others_are_untouched_but_for_the_mention(warehouse: WarehouseUnderTest) -> None:
    columns = "event_id, conversation_id, user_id, event_type, properties, _line_hash"
    query = f"select {columns} from raw.events where conversation_id = 'neighbour' order by event_id"
    before = raw(warehouse, query)
    assert len(before) == len(events_of_others())
    erase(warehouse)
    assert raw(warehouse, query) == before


def test_histories_beside_raw_are_kept_without_the_person(warehouse: WarehouseUnderTest) -> None:
    with open_raw(warehouse.home.raw_database) as connection:
        connection.execute("create schema if not exists history")
        connection.execute("create table history.notes as select ? as segment, 3.5 as value", [f"page=/a/{USER}"])
    erase(warehouse)
    [(user,)] = raw(warehouse, "select surrogate from raw.suppressions where scope = 'user'")
    assert raw(warehouse, "select segment, value::double from history.notes") == [(f"page=/a/{user}", 3.5)]


def test_ids_that_contain_an_erased_one_do_not_keep_it_from_its_end(tmp_path: Path) -> None:
    """Other people, numbers and hashes stay as they are, and the proof does not take them for the person."""
    warehouse = WarehouseUnderTest(tmp_path)
    others = [
        ("chat_abel", "user_abel"),
        ("chat_ab1", "490817123"),
        ("xchat_ab", "user"),
        (f"{'0' * 20}490817{'a' * 6}", "u"),
    ]
    lines = [message(f"e-{one}", conversation, one) for conversation, one in others]
    warehouse.write_events([*lines, message("e-own", "chat_ab", "490817")])
    warehouse.land()
    query = "select event_id, conversation_id, user_id from raw.events where event_id <> 'e-own' order by event_id"
    before = raw(warehouse, query)
    assert len(before) == len(others)
    assert erase(warehouse, "user", "490817") is not None
    assert raw(warehouse, query) == before
    [(conversation, user)] = raw(warehouse, "select conversation_id, user_id from raw.events where event_id = 'e-own'")
    assert {conversation[:7], user[:7]} == {"erased-"}


@pytest.mark.parametrize("word", ["user_message", "production", "parcel", "customer"])
def test_an_id_that_is_a_word_changes_nothing_of_others(tmp_path: Path, word: str) -> None:
    """Types of events, environments and what other people say stay, and the proof comes to its end."""
    warehouse = WarehouseUnderTest(tmp_path)
    others = [
        message(f"e{number}", f"chat-{number}", f"user-{number}")
        | {"environment": "production", "page_url": f"/{word}/found", "properties": {"content": f"my {word}, please"}}
        for number in range(5)
    ]
    warehouse.write_events([*others, message("own-1", "talk-of-theirs", word) | {"environment": "production"}])
    warehouse.land()
    columns = "event_id, conversation_id, user_id, event_type, environment, page_url, properties, _line_hash"
    query = f"select {columns} from raw.events where event_id like 'e%' order by event_id"
    before, texts = (
        raw(warehouse, query),
        raw(warehouse, "select event_id, content from raw.message_texts where event_id like 'e%' order by 1"),
    )
    assert len(before) == len(texts) == 5
    assert erase(warehouse, "user", word) is not None
    assert raw(warehouse, query) == before
    assert raw(warehouse, "select event_id, content from raw.message_texts order by 1") == texts
    own = "select event_type, environment, user_id[:7], conversation_id[:7] from raw.events where event_id = 'own-1'"
    assert raw(warehouse, own) == [("user_message", "production", "erased-", "erased-")]
