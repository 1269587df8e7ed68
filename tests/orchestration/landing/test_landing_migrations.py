"""Raw databases of other releases: older ones are upgraded without losing a row, newer ones refused untouched."""

import re
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.warehouse.migrations import (
    MIGRATIONS,
    Migration,
    RawVersionError,
    add_column,
    migrate,
    require_newest_layout,
)
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.source_contracts import SOURCES

NEWEST = MIGRATIONS[-1].version
# The tables of the oldest layout, which wrote no version down.
FIRST_TABLES = {*SOURCES, "message_texts", "rejected_events", "loaded_files", "pending_files"}


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"attach '{path}' as store")
        connection.execute("use store")
        for statement in statements:
            connection.execute(statement)


def read(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as store (read_only)")
        connection.execute("use store")
        return connection.execute(query).fetchall()


def back_to_layout_nine() -> list[str]:
    """Return what takes away the columns that tables in use have got since layout 9 of development."""
    return [
        statement
        for source in SOURCES
        for statement in (
            f"alter table raw.{source} drop column tokens_cached",
            f"alter table raw.{source} alter column cost_usd type DECIMAL(18,6)",
        )
    ]


def columns(path: Path) -> set[tuple[Any, ...]]:
    query = "select schema_name, table_name, column_name, data_type from duckdb_columns() where database_name = 'store'"
    return set(read(path, query))


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    kept = "select columns(name -> name <> 'tokens_cached') from raw."
    return {table: read(path, f"{kept}{table} order by all") for table in sorted(FIRST_TABLES)}


@pytest.fixture
def oldest_layout(warehouse: Any, make_event: Any, make_jsonl: Any) -> Any:
    """Return a warehouse with a loaded file, a refused line and a text, in the oldest layout."""
    message = make_event(1, event_type="user_message", properties={"content": "hello"})
    warehouse.write("events/a.jsonl", make_jsonl(message, make_event(2)) + "{no json}\n")
    warehouse.load()
    tables = read(warehouse.database, "select table_name from duckdb_tables() where schema_name = 'raw'")
    later = {name for (name,) in tables} - FIRST_TABLES
    change(
        warehouse.database,
        *(f"drop table raw.{name}" for name in sorted(later)),
        "drop schema ledger cascade",
        *back_to_layout_nine(),
    )
    return warehouse


def test_a_new_file_has_the_newest_layout(warehouse: Any) -> None:
    assert read(warehouse.database, "select version from raw.schema_versions") == [(NEWEST,)]


def test_the_oldest_layout_becomes_that_of_a_new_file(oldest_layout: Any, empty_database: Path) -> None:
    before = content(oldest_layout.database)
    assert [len(before[name]) for name in ("events", "message_texts", "rejected_events", "loaded_files")] == [
        2,
        1,
        1,
        1,
    ]
    with (
        duckdb.connect(str(oldest_layout.database), read_only=True) as connection,
        pytest.raises(RawVersionError, match=rf"has layout 1, this release needs {NEWEST}\. Launch the whole job"),
    ):
        require_newest_layout(connection, oldest_layout.database)
    open_raw(oldest_layout.database).close()
    assert columns(oldest_layout.database) == columns(empty_database)
    assert content(oldest_layout.database) == before
    versions = read(oldest_layout.database, "select version from raw.schema_versions order by version")
    assert versions == [(step.version,) for step in MIGRATIONS]
    with duckdb.connect(str(oldest_layout.database), read_only=True) as connection:
        require_newest_layout(connection, oldest_layout.database)


def test_layout_three_gets_an_empty_ledger_and_keeps_its_rows(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    warehouse.load()
    change(
        warehouse.database,
        "drop schema ledger cascade",
        "delete from raw.schema_versions",
        "insert into raw.schema_versions values (3, 'the release before the ledger')",
        *back_to_layout_nine(),
    )
    before = content(warehouse.database)
    open_raw(warehouse.database).close()
    assert content(warehouse.database) == before
    assert read(warehouse.database, "select max(version) from raw.schema_versions") == [(NEWEST,)]
    assert read(warehouse.database, "select count(*) from ledger.stage_labels") == [(0,)]
    # Labellings are counted with the loads: the next load comes after them.
    change(
        warehouse.database,
        "insert into ledger.stage_labels (source, labelled_at, _load_id) values ('events', '2020-01-01', 7)",
    )
    warehouse.write("events/b.jsonl", make_jsonl(make_event(2)))
    assert warehouse.load().load_id == 8


def test_what_was_answered_before_layout_seven_is_not_asked_again(
    warehouse: Any, make_event: Any, make_jsonl: Any
) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    warehouse.load()
    change(
        warehouse.database,
        "drop table ledger.llm_answers",
        "drop table ledger.llm_batches",
        "drop table ledger.llm_batch_requests",
        "alter table ledger.llm_dead_letters drop column excerpt_hash",
        "update raw.schema_versions set version = 6",
        *back_to_layout_nine(),
        """insert into ledger.llm_calls
            (source, conversation_id, model, definition_hash, content_hash, outcome, _load_id)
        values ('events', 'a', 'm', 'd', 'x', 'answered', 2), ('events', 'b', 'm', 'd', 'y', 'server_error', 2),
            (null, null, 'm', 'd', null, 'answered', 2)""",
    )
    open_raw(warehouse.database).close()
    answers = "select conversation_id, content_hash, definition_hash, answer, is_cache_hit from ledger.llm_answers"
    assert read(warehouse.database, answers) == [("a", "x", "d", None, False)]


def test_layout_nine_takes_exact_costs_from_the_properties_that_are_still_there(
    warehouse: Any, make_event: Any, make_jsonl: Any
) -> None:
    said = [{"cost_usd": 0.000012345, "tokens_cached": 7}, {"cost_usd": "much"}, {"cost_usd": 0.000067891}, {}]
    warehouse.write("events/a.jsonl", make_jsonl(*(make_event(i, properties=one) for i, one in enumerate(said))))
    warehouse.load()
    change(
        warehouse.database,
        *back_to_layout_nine(),
        "update raw.events set properties = null where event_id = 'e2'",
        "update raw.schema_versions set version = 9",
    )
    open_raw(warehouse.database).close()
    costs = read(warehouse.database, "select event_id, cost_usd, tokens_cached from raw.events order by event_id")
    assert costs == [
        ("e0", Decimal("0.000012345"), 7),
        ("e1", None, None),
        ("e2", Decimal("0.000068000"), None),
        ("e3", None, None),
    ]


def test_layout_ten_does_not_know_yet_what_older_labels_say_again(warehouse: Any) -> None:
    columns_of_it = ("rephrase_similarity", "is_rephrase", "is_repeat")
    change(
        warehouse.database,
        *(f"alter table ledger.message_labels drop column {column}" for column in columns_of_it),
        "insert into ledger.message_labels (source, event_id, intent) values ('events', 'e1', 'refund')",
        "update raw.schema_versions set version = 10",
    )
    open_raw(warehouse.database).close()
    labels = f"select event_id, intent, {', '.join(columns_of_it)} from ledger.message_labels"
    assert read(warehouse.database, labels) == [("e1", "refund", None, None, None)]


def test_layout_thirteen_does_not_know_yet_what_older_messages_are_courtesy(warehouse: Any) -> None:
    change(
        warehouse.database,
        "alter table ledger.message_labels drop column is_courtesy",
        "insert into ledger.message_labels (source, event_id, intent) values ('events', 'e1', 'refund')",
        "update raw.schema_versions set version = 13",
    )
    open_raw(warehouse.database).close()
    assert read(warehouse.database, "select event_id, intent, is_courtesy from ledger.message_labels") == [
        ("e1", "refund", None)
    ]


@pytest.mark.parametrize("version", range(2, 14))
def test_every_layout_of_development_keeps_what_it_has(
    warehouse: Any, make_event: Any, make_jsonl: Any, empty_database: Path, version: int
) -> None:
    """What a step has already done stays done, and no answers are added to those that are kept."""
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1, properties={"cost_usd": 0.000012345})))
    warehouse.load()
    change(
        warehouse.database,
        f"update raw.schema_versions set version = {version}",
        "update raw.events set tokens_cached = 3 where event_id = 'e1'",
        "insert into raw.operations values ('reland', '2020-01-01', 1, '{}'), ('drop', '2020-01-01', 2, '{}')",
        "insert into raw.repaired_conversations values ('events', 'a', 1, 'reland'), ('events', 'b', 2, 'drop')",
        "insert into raw.operations values ('erase', '2020-01-01', 3, '{}')",
        """insert into ledger.llm_calls (conversation_id, content_hash, outcome, _load_id)
        values ('a', 'x', 'answered', 2), ('b', 'y', 'answered', 2)""",
        "insert into ledger.llm_answers (conversation_id, content_hash, answer) values ('a', 'x', 'kept')",
    )
    open_raw(warehouse.database).close()
    assert columns(warehouse.database) == columns(empty_database)
    assert read(warehouse.database, "select operation from raw.operations order by load_id") == [
        ("reload",),
        ("exclude",),
        ("erase",),
    ]
    assert read(warehouse.database, "select operation from raw.repaired_conversations order by load_id") == [
        ("reload",),
        ("exclude",),
    ]
    assert read(warehouse.database, "select conversation_id, answer from ledger.llm_answers") == [("a", "kept")]
    assert read(warehouse.database, "select cost_usd, tokens_cached from raw.events") == [(Decimal("0.000012345"), 3)]


def test_events_with_long_ids_become_refused_lines(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    """They landed before there was a limit: from then on no erasure could end."""
    said = {"event_type": "user_message", "properties": {"content": "hello"}}
    warehouse.write("events/a.jsonl", make_jsonl(*(make_event(number, **said) for number in range(4))))
    warehouse.load()
    change(
        warehouse.database,
        "update raw.events set conversation_id = repeat('c', 900000) where event_id = 'e0'",
        "update raw.events set user_id = repeat('u', 513) where event_id = 'e1'",
        "update raw.events set user_id = repeat('u', 512) where event_id = 'e2'",
        "insert into ledger.stage_labels (source, conversation_id) select 'events', conversation_id from raw.events",
        "update raw.schema_versions set version = 11",
    )
    open_raw(warehouse.database).close()
    assert read(warehouse.database, "select event_id from raw.events order by all") == [("e2",), ("e3",)]
    assert read(warehouse.database, "select event_id from raw.message_texts order by all") == [("e2",), ("e3",)]
    assert read(warehouse.database, "select count(*) from ledger.stage_labels") == [(3,)]
    assert read(warehouse.database, "select lines, accepted, rejected, duplicates from raw.loaded_files") == [
        (4, 2, 2, 0)
    ]
    refused = "select source, _file, _line, reason, line, _load_id from raw.rejected_events order by _line"
    assert read(warehouse.database, refused) == [
        ("events", "events/a.jsonl", 1, "id_too_long", None, 1),
        ("events", "events/a.jsonl", 2, "id_too_long", None, 1),
    ]


def test_a_file_of_the_oldest_layout_is_known_and_the_next_one_lands(
    oldest_layout: Any, make_event: Any, make_jsonl: Any
) -> None:
    oldest_layout.write("events/b.jsonl", make_jsonl(make_event(1), make_event(3)))
    summary = oldest_layout.load()
    assert {report.path: report.state for report in summary.files} == {
        "events/a.jsonl": "unchanged",
        "events/b.jsonl": "loaded",
    }
    assert (summary.load_id, summary.accepted, summary.rejected) == (2, 1, 1)


def test_a_column_of_a_later_release_is_added_and_nothing_is_lost(oldest_layout: Any) -> None:
    steps = (
        *MIGRATIONS,
        Migration(NEWEST + 1, "sentiment by machine", (add_column("events", "tone", "VARCHAR"),)),
    )
    before = content(oldest_layout.database)
    with open_raw(oldest_layout.database) as connection:
        assert migrate(connection, oldest_layout.database, steps)
    rows = read(oldest_layout.database, "from raw.events order by all")
    assert rows == [(*row, None, None) for row in before["events"]]
    with pytest.raises(RawVersionError, match=f"has layout {NEWEST + 1}, this release knows {NEWEST} at most"):
        open_raw(oldest_layout.database)
    assert read(oldest_layout.database, "from raw.events order by all") == rows


def test_columns_added_later_stand_anywhere(oldest_layout: Any, make_event: Any, make_jsonl: Any) -> None:
    """An upgraded table has its new columns at its end, a new one where the release puts them: rows go in by name."""
    for table in ("events", "message_texts", "rejected_events", "loaded_files", "pending_files"):
        change(
            oldest_layout.database,
            f"create table raw.turned as select null::varchar as added, * from raw.{table}",
            f"drop table raw.{table}",
            f"alter table raw.turned rename to {table}",
        )
    oldest_layout.write(
        "events/b.jsonl",
        make_jsonl(make_event(4, event_type="user_message", properties={"content": "again"})) + "[1]\n",
    )
    summary = oldest_layout.load()
    assert (summary.accepted, summary.rejected) == (1, 1)
    assert read(oldest_layout.database, "select content from raw.message_texts order by 1") == [("again",), ("hello",)]


def test_a_migration_that_fails_changes_nothing(oldest_layout: Any) -> None:
    steps = (*MIGRATIONS, Migration(NEWEST + 1, "broken", (add_column("events", "tone", "no_such_type"),)))
    layout, before = columns(oldest_layout.database), content(oldest_layout.database)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"attach '{oldest_layout.database}' as store")
        connection.execute("use store")
        with pytest.raises(duckdb.Error, match="no_such_type"):
            migrate(connection, oldest_layout.database, steps)
    assert columns(oldest_layout.database) == layout
    assert content(oldest_layout.database) == before


def with_storage_version(path: Path, version: int) -> None:
    """Write another storage version into a DuckDB file, with the checksum that DuckDB itself accepts."""
    header = bytearray(path.read_bytes())
    header[12:20] = struct.pack("<Q", version)
    path.write_bytes(header)
    with pytest.raises(duckdb.IOException) as refusal:
        duckdb.connect(path)
    computed = re.search(r"computed checksum (\d+)", str(refusal.value))
    assert computed
    header[:8] = struct.pack("<Q", int(computed[1]))
    path.write_bytes(header)


def test_a_file_of_a_newer_duckdb_is_refused_in_plain_words(warehouse: Any) -> None:
    with_storage_version(warehouse.database, 999)
    before = warehouse.database.read_bytes()
    with pytest.raises(
        RawVersionError, match=r"raw\.duckdb was written by another version of DuckDB: .*999.* Use the release"
    ):
        open_raw(warehouse.database)
    assert warehouse.database.read_bytes() == before
