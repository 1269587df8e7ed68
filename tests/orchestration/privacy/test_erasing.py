"""An erasure over raw, without a build: what goes, what stays, what comes back, and what a kill leaves to be done."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing.suppression import OtherKeyError, Scope
from orchestration.privacy import erasure, rewriting
from orchestration.privacy.erasure import (
    ErasureIncompleteError,
    ErasureReport,
    begin_erasure,
    conclude_erasure,
    request_erasure,
)
from orchestration.privacy.intent import pending_erasure
from orchestration.privacy.pending import describe_pending
from orchestration.privacy.scanning import Scan, scan
from orchestration.privacy.search_terms import SearchTerms
from orchestration.warehouse.raw_tables import open_raw
from tests.support.planted_person import (
    CONVERSATIONS,
    SAID,
    STRINGS,
    USER,
    events_of_others,
    events_of_the_person,
    plant,
)
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest

SEEDS = {
    "segment_dimensions.csv": "dimension,column_name,property,top_n,is_hourly\nplan,,plan,,false\n",
    "success_signals.csv": "source,event_type,property,value,strength\n",
}


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseUnderTest:
    one = WarehouseUnderTest(tmp_path, SEEDS)
    plant(one)
    one.land()
    return one


def erase(
    warehouse: WarehouseUnderTest, scope: Scope = "user", clear_id: str = USER, namespace: str | None = None
) -> ErasureReport | None:
    request_erasure(warehouse.home, [(scope, namespace, clear_id)], HASH_KEY)
    begin_erasure(warehouse.home, HASH_KEY)
    return conclude(warehouse)


def conclude(warehouse: WarehouseUnderTest) -> ErasureReport | None:
    return conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT)


def raw(warehouse: WarehouseUnderTest, query: str) -> list[tuple[Any, ...]]:
    with open_raw(warehouse.home.raw_database) as connection:
        return connection.execute(query).fetchall()


def found_in_raw(warehouse: WarehouseUnderTest) -> set[str]:
    """Search every cell of raw and every byte of the home for the planted strings, by means of their own."""
    found = set()
    with open_raw(warehouse.home.raw_database) as connection:
        tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"select * from {table}").fetchall():
                found |= {one for one in STRINGS if one in repr(row)}
    for path in warehouse.home.root.rglob("*"):
        if path.is_file():
            found |= {one for one in STRINGS if one.encode() in path.read_bytes()}
    return found


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
    [(user,)] = raw(warehouse, "select surrogate from raw.suppressions where scope = 'user'")
    assert f"export-{user}.jsonl" in names
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


def _copy_of_raw(home: Path) -> None:
    with duckdb.connect(str(home / "backup.duckdb")) as connection:
        connection.execute(f"create table notes as select '{SAID} and more' as note")


def _parquet(home: Path) -> None:
    (home / "published" / "v000001").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select 'chat_events:sess-bravo' as conversation_key) to '{home}/published/v000001/a.parquet'"
        )


def _log(home: Path) -> None:
    (home / "dagster" / "run.log").write_text(f"row of talk-alpha failed: {CONVERSATIONS[0]}")


@pytest.mark.parametrize(
    ("leave", "name"),
    [(_copy_of_raw, "backup.duckdb: main.notes.note"), (_parquet, "a.parquet: conversation_key"), (_log, "run.log")],
)
def test_a_file_that_still_holds_the_person_is_named(
    warehouse: WarehouseUnderTest, leave: Callable[[Path], None], name: str
) -> None:
    leave(warehouse.home.root)
    with pytest.raises(ErasureIncompleteError, match=name) as raised:
        erase(warehouse)
    assert not any(one in str(raised.value) for one in STRINGS)
    assert pending_erasure(warehouse.home) is not None
    for path in ("backup.duckdb", "published", "dagster/run.log"):
        target = warehouse.home.root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    assert conclude(warehouse) is not None


def test_a_linked_folder_and_a_home_below_the_landing_folder_are_searched(tmp_path: Path) -> None:
    search_terms = SearchTerms(("cust_90817263",), (), ())
    home, elsewhere = tmp_path / "landing" / "home", tmp_path / "elsewhere"
    (home / "kept").mkdir(parents=True)
    elsewhere.mkdir()
    (home / "published").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(home)
    (elsewhere / "export.csv").write_text("evt_cust_90817263_chat_a_0")
    (home / "log.txt").write_text("cust_90817263")
    (home / "kept" / "before.txt").write_text("cust_90817263")
    found = scan(home, search_terms, without=[tmp_path / "landing", home / "kept"])
    assert {hit.file.name for hit in found.hits} == {"export.csv", "log.txt"}
    assert (len(found.files), found.size_bytes) == (2, len("evt_cust_90817263_chat_a_0") + len("cust_90817263"))


def test_a_search_that_looked_at_nothing_proves_nothing(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "scan", lambda *_, **__: Scan((), frozenset(), 0))
    with pytest.raises(ErasureIncompleteError, match=r"not proven: .*raw.duckdb was not looked at"):
        erase(warehouse)
    assert pending_erasure(warehouse.home) is not None


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
    lines = [planted_message(f"e-{one}", conversation, one) for conversation, one in others]
    warehouse.write_events([*lines, planted_message("e-own", "chat_ab", "490817")])
    warehouse.land()
    query = "select event_id, conversation_id, user_id from raw.events where event_id <> 'e-own' order by event_id"
    before = raw(warehouse, query)
    assert len(before) == len(others)
    assert erase(warehouse, "user", "490817") is not None
    assert raw(warehouse, query) == before
    [(conversation, user)] = raw(warehouse, "select conversation_id, user_id from raw.events where event_id = 'e-own'")
    assert {conversation[:7], user[:7]} == {"erased-"}


def test_an_erasure_that_cannot_be_done_withholds_the_texts(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others land and are published; the next run finishes it, and looks for the texts that were withheld."""
    texts = f"select count(*) from raw.message_texts where contains(content, '{SAID}')"
    [(count,)] = raw(warehouse, texts)
    assert count > 0
    with monkeypatch.context() as patched:
        patched.setattr(erasure, "rewrite_without", _no_room)
        request_erasure(warehouse.home, [("user", None, USER)], HASH_KEY)
        done = begin_erasure(warehouse.home, HASH_KEY)
        assert done is not None
        assert "No space left on device" in done
        assert conclude(warehouse) is None
        assert "the texts are withheld" in str(describe_pending(warehouse.home))
        assert raw(warehouse, texts) == [(0,)]
        assert raw(warehouse, texts.replace("raw.", "withheld.")) == [(count,)]
        assert begin_erasure(warehouse.home, HASH_KEY) is not None
    copy = warehouse.home.root / "notes.txt"
    copy.write_text(f"They wrote: {SAID}")
    begin_erasure(warehouse.home, HASH_KEY)
    with pytest.raises(ErasureIncompleteError, match=r"notes.txt"):
        conclude(warehouse)
    assert "notes.txt" in str(describe_pending(warehouse.home))
    copy.unlink()
    assert conclude(warehouse) is not None
    assert describe_pending(warehouse.home) is None
    assert found_in_raw(warehouse) == set()
    assert raw(warehouse, "select count(*) from duckdb_schemas() where schema_name = 'withheld'") == [(0,)]


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_second_request_before_the_end_of_the_first_looks_for_both(warehouse: WarehouseUnderTest) -> None:
    """What has landed in between is not in the first copy of raw."""
    left = warehouse.home.root / "left.txt"
    left.write_text(USER)
    with pytest.raises(ErasureIncompleteError):
        erase(warehouse)
    warehouse.write_events([planted_message("late-1", "chat_latecomer", "cust_latecomer")], name="late.jsonl")
    warehouse.land()
    left.write_text("cust_latecomer")
    with pytest.raises(ErasureIncompleteError, match=r"left.txt"):
        erase(warehouse, clear_id="cust_latecomer")
    left.write_text(USER)
    with pytest.raises(ErasureIncompleteError, match=r"left.txt"):
        conclude(warehouse)
    left.unlink()
    assert conclude(warehouse) is not None
    assert sorted(path.name for path in warehouse.home.private.iterdir()) == []


def test_a_file_of_the_manifest_that_is_not_looked_at_proves_nothing(warehouse: WarehouseUnderTest) -> None:
    folder = warehouse.home.published
    folder.mkdir(exist_ok=True)
    tables = {"fct_messages": {"rows": 1, "fingerprint": "1", "months": None}}
    fields: dict[str, Any] = {
        "version": "000001",
        "run_id": "r",
        "tables": tables,
        "checks": {},
        "versions": ["000001"],
    }
    fields |= {"published_at": "2026-01-01T00:00:00+00:00", "last_checked_at": "2026-01-01T00:00:00+00:00"}
    fields |= {"data_until": None, "last_checked_run_id": "r", "built_from": {}}
    (folder / "manifest.json").write_text(json.dumps(fields))
    duckdb.connect(str(folder / "colloquy-000001.duckdb")).close()
    with pytest.raises(ErasureIncompleteError, match=r"v000001/fct_messages.parquet was not looked at"):
        erase(warehouse)


@pytest.mark.parametrize("word", ["user_message", "production", "parcel", "customer"])
def test_an_id_that_is_a_word_changes_nothing_of_others(tmp_path: Path, word: str) -> None:
    """Types of events, environments and what other people say stay, and the proof comes to its end."""
    warehouse = WarehouseUnderTest(tmp_path)
    others = [
        planted_message(f"e{number}", f"chat-{number}", f"user-{number}")
        | {"environment": "production", "page_url": f"/{word}/found", "properties": {"content": f"my {word}, please"}}
        for number in range(5)
    ]
    warehouse.write_events([*others, planted_message("own-1", "talk-of-theirs", word) | {"environment": "production"}])
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


def planted_message(event_id: str, conversation: str, user: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "conversation_id": conversation,
        "user_id": user,
        "event_type": "user_message",
        "timestamp": "2025-06-01T10:00:00Z",
        "properties": {"content": f"good day {event_id}"},
    }
