"""An erasure changes no number: every mart counts the same before and after it, and after a later rebuild."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ledger.labellers import rules_labeller
from orchestration.privacy.erasure import begin_erasure, conclude_erasure, request_erasure
from tests.support.commands import end_of_command, run_command
from tests.support.planted_person import CONVERSATIONS, SAID, STRINGS, USER, plant
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest

IDS = re.compile("|".join([USER, *CONVERSATIONS, "erased-[0-9a-f-]{36}"]))
TEXTS = {"content", "last_customer_message"}


def without_ids(database: Path, catalog: str = "") -> dict[str, list[str]]:
    """Return the rows of every mart, ids of the person and surrogates alike, texts left out."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        tables = {}
        for (name,) in sorted(names):
            cursor = connection.execute(f"select * from {catalog}marts.{name}")
            columns = [column[0] for column in cursor.description or ()]
            tables[name] = sorted(
                IDS.sub("ID", repr({k: v for k, v in zip(columns, row, strict=True) if k not in TEXTS}))
                for row in cursor.fetchall()
            )
        return tables


def strings_found(home: Path) -> set[tuple[str, str]]:
    """Search every cell and every byte, by means of the test's own."""
    found = set()
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        cells = [path.read_bytes().decode("latin-1")]
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute("select database_name, schema_name, table_name from duckdb_tables()")
                for catalog, schema, table in tables.fetchall():
                    rows = connection.execute(f'select * from "{catalog}"."{schema}"."{table}"').fetchall()
                    cells.append(repr(rows))
        elif path.suffix == ".parquet":
            cells.append(repr(duckdb.sql(f"select * from read_parquet('{path}')").fetchall()))
        found |= {(one, path.relative_to(home).as_posix()) for one in STRINGS for cell in cells if one in cell}
    return found


def test_every_mart_counts_the_same_without_the_person(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path, labeller=rules_labeller())
    plant(warehouse)
    warehouse.write_events(
        [
            {"event_id": f"{USER}-asked", "conversation_id": "talk-alpha", "event_type": "user_message",
             "timestamp": "2025-06-01T10:00:40Z", "properties": {"content": "I want my money back for it, please."}},
            {"event_id": "handed", "conversation_id": "talk-alpha", "event_type": "handoff_requested",
             "timestamp": "2025-06-01T10:00:50Z", "properties": {"reason": "policy"}},
        ],
        name="asked.jsonl",
    )  # fmt: skip
    warehouse.land()
    warehouse.build()
    messages = "select count(*), count(distinct event_id), count(content_hash) from raw.ledger.message_labels"
    messages_before = warehouse.rows(messages)
    hashes = f"select content_hash from raw.ledger.message_labels where conversation_id {{}} in {CONVERSATIONS}"
    (of_the_person, of_neighbours) = (set(warehouse.rows(hashes.format(word))) for word in ("", "not"))
    said = "select intents, escalation_reason from marts.fct_conversations where escalation_reason is not null"
    assert warehouse.rows(said) == [("refund", "policy")]
    labelled = "select count(*), count(evidence_event_id), count(evidence_quote) from raw.ledger.stage_labels"
    (rows, shown, quoted) = warehouse.rows(labelled)[0]
    of_others = f"{labelled} where conversation_id not in {CONVERSATIONS}"
    (_, _, quoted_of_others) = warehouse.rows(of_others)[0]
    assert quoted > quoted_of_others
    before = without_ids(warehouse.home.build_database)
    assert len(before["fct_conversations"]) == 5
    request_erasure(warehouse.home, [("user", None, USER)], HASH_KEY)
    assert begin_erasure(warehouse.home, HASH_KEY)
    assert not warehouse.home.build_database.exists()
    warehouse.build()
    assert conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT) is not None
    assert without_ids(warehouse.home.build_database) == before
    # The labels of the person stay, with nothing of the person in them; the neighbours' are as they were.
    assert warehouse.rows(labelled) == [(rows, shown, quoted_of_others)]
    assert warehouse.rows(messages) == messages_before
    found = set(warehouse.rows("select content_hash from raw.ledger.message_labels"))
    assert of_neighbours < found
    # A reader who guesses the few words of a message finds no hash of them.
    assert not of_the_person & found
    shown = "select event_id from marts.fct_messages where intent = 'refund'"
    assert warehouse.rows(f"select count(*) from raw.ledger.message_labels where event_id in ({shown})") == [(1,)]
    assert strings_found(warehouse.home.root) == set()
    # What is sent again changes nothing either.
    for path in sorted(warehouse.settings.landing.rglob("*.jsonl")):
        path.write_text(path.read_text() + " \n")
    assert warehouse.land().accepted == 0


@pytest.mark.full
def test_the_command_erases_from_every_file_dagsters_history_included(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path)
    plant(warehouse)
    home, landing = tmp_path / "home", tmp_path / "landing"
    published = home / "published"
    run_command(home, landing, "run")
    (landing / "events" / "later.jsonl").write_text(
        json.dumps(
            {"event_id": "l1", "conversation_id": "talk-alpha", "event_type": "user_message", "user_id": USER,
             "timestamp": "2025-06-01T10:02:00Z", "properties": {"content": f"again: {SAID}"}}
        )
        + "\n"
    )  # fmt: skip
    run_command(home, landing, "run")
    before = without_ids(published / "colloquy.duckdb")
    kinds = {path for _, path in strings_found(home)}
    assert {
        "raw.duckdb",
        "build.duckdb",
        "published/colloquy-000001.duckdb",
        "published/colloquy-000002.duckdb",
    } < kinds
    output = run_command(home, landing, "erase", "--user-id", USER, "--yes")
    assert re.search(r"none of the \d+ files of the warehouse \(\d+\.\d MB\) holds them any more", output)
    assert strings_found(home) == set()
    assert without_ids(published / "colloquy.duckdb") == before
    assert [path.name for path in published.glob("colloquy-*.duckdb")] == ["colloquy-000003.duckdb"]
    # A later rebuild still counts the person, and still does not know them.
    (landing / "events" / "again.jsonl").write_bytes((landing / "events" / "later.jsonl").read_bytes())
    run_command(home, landing, "rebuild")
    assert rows_but(without_ids(published / "colloquy.duckdb"), "data_quality") == rows_but(before, "data_quality")
    assert strings_found(home) == set()


@pytest.mark.full
def test_a_check_that_fails_keeps_no_version_with_the_person(tmp_path: Path) -> None:
    """Readers keep the last version, without the person; the run after the mended check finishes the erasure."""
    warehouse = WarehouseUnderTest(tmp_path)
    plant(warehouse)
    home, landing = tmp_path / "home", tmp_path / "landing"
    run_command(home, landing, "run")
    with duckdb.connect(str(home / "raw.duckdb")) as connection:
        connection.execute("update raw.raw.loaded_files set accepted = accepted - 1")
    code, output = end_of_command(home, landing, "erase", "--user-id", USER, "--yes")
    assert code == 1
    assert "rows that name them were taken out of the published one" in output
    # What the proof needs, and the history of the run that failed.
    assert {path.partition("/")[0] for _, path in strings_found(home)} == {"private", "dagster"}
    with duckdb.connect(str(home / "published" / "colloquy.duckdb"), read_only=True) as connection:
        kept = connection.execute("select conversation_id from marts.fct_conversations").fetchall()
    assert kept == [("neighbour",)]
    assert "were taken out of the published one" in run_command(home, landing, "status")
    with duckdb.connect(str(home / "raw.duckdb")) as connection:
        connection.execute("update raw.raw.loaded_files set accepted = accepted + 1")
    assert "is not finished" not in run_command(home, landing, "run")
    assert strings_found(home) == set()


def rows_but(tables: dict[str, list[str]], name: str) -> dict[str, Any]:
    """Leave out a table: the record of what landed grows with every file."""
    return {table: rows for table, rows in tables.items() if table != name}


@pytest.mark.full
def test_an_erasure_that_cannot_end_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A file of somebody else still holds the person: others are published, and the run shows what it waits for."""
    warehouse = WarehouseUnderTest(tmp_path)
    plant(warehouse)
    home, landing = tmp_path / "home", tmp_path / "landing"
    run_command(home, landing, "run")
    notes = home / "notes.txt"
    notes.write_text(f"a colleague copied this: {SAID}")
    code, output = end_of_command(home, landing, "erase", "--user-id", USER, "--yes")
    assert code == 1
    assert "notes.txt: its bytes" in output
    assert "The erasure is not finished" in output
    assert {path for _, path in strings_found(home)} == {"notes.txt", "private/before-erasure-0.duckdb"}
    newcomer = {
        "event_id": "new-1",
        "conversation_id": "newcomer",
        "event_type": "user_message",
        "timestamp": "2025-06-02T10:00:00Z",
        "environment": "production",
        "properties": {"content": "good evening"},
    }
    (landing / "events" / "another.jsonl").write_text(json.dumps(newcomer) + "\n")
    output = run_command(home, landing, "run")
    assert "the erasure of 1 id has begun and is not finished" in output
    with duckdb.connect(str(home / "published" / "colloquy.duckdb"), read_only=True) as connection:
        found = connection.execute("select count(*) from marts.fct_messages where content = 'good evening'").fetchall()
    assert found == [(1,)]
    assert "notes.txt: its bytes" in run_command(home, landing, "status")
    notes.unlink()
    assert "is not finished" not in run_command(home, landing, "run")
    assert strings_found(home) == set()
