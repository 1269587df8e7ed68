"""A run with nothing to do does nothing, and whatever there is to do is found without dbt and Dagster."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.reporting.due import nothing_due, why_due
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import record_operation
from orchestration.warehouse.raw_tables import open_raw
from tests.support.labellers import undecided_labeller
from tests.support.warehouse import LOADED_AT, WarehouseUnderTest

Change = Callable[[Settings], Settings | None]


def event(number: int, event_type: str, at: str) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "conversation_id": "c1",
        "user_id": "u1",
        "event_type": event_type,
        "timestamp": at,
        "environment": "production",
        "properties": {"content": "my order is late"},
    }


# The second conversation is open at the end of the data: only a later event can close it.
EVENTS = [
    event(1, "user_message", "2025-03-01T10:00:00Z"),
    event(2, "agent_message", "2025-03-01T10:00:05Z"),
    event(3, "conversation_ended", "2025-03-01T10:05:00Z"),
    {**event(4, "user_message", "2025-03-01T11:00:00Z"), "conversation_id": "c2"},
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    """Make a warehouse in which everything is done."""
    one = WarehouseUnderTest(tmp_path_factory.mktemp("done"), labeller=undecided_labeller(), experiments=True)
    one.write_events(EVENTS, name="first.jsonl")
    one.land()
    one.build()
    one.publish()
    return one


@pytest.fixture
def settings(published: WarehouseUnderTest, tmp_path: Path) -> Settings:
    """Return the settings of a copy of it, hard links kept, in which the copied files are those that were read."""
    subprocess.run(["cp", "-a", f"{published.folder}/.", str(tmp_path)], check=True)
    paths = {name: tmp_path / getattr(published.settings, name).name for name in ("home", "landing", "seeds")}
    with open_raw(Home(paths["home"]).raw_database) as connection:
        for path in (paths["landing"] / "events").iterdir():
            status = path.stat()
            connection.execute(
                "update raw.loaded_files set identity = ? where file = ?",
                [f"{status.st_ino}:{status.st_ctime_ns}", f"events/{path.name}"],
            )
    return published.settings.model_copy(update=paths)


def test_copied_files_are_looked_into_once(published: WarehouseUnderTest, tmp_path: Path) -> None:
    """A copy of home and landing, on another machine for one: the run compares checksums, and then nothing is due."""
    subprocess.run(["cp", "-a", f"{published.folder}/.", str(tmp_path)], check=True)
    copied = replace(published, folder=tmp_path)
    assert why_due(copied.settings, asks_llm=True) == "1 files are new"
    assert [file.state for file in copied.land().files] == ["unchanged"]
    assert why_due(copied.settings, asks_llm=True) is None


def test_nothing_is_due_after_a_run(settings: Settings) -> None:
    assert why_due(settings, asks_llm=True) is None
    assert nothing_due(Home(settings.home).published) == (
        "Nothing has changed since version 000001 was published (events until 2025-03-01 11:00 UTC); it stands."
    )


def a_file_came(settings: Settings) -> None:
    (settings.landing / "events" / "second.jsonl").write_text(json.dumps(EVENTS[0] | {"event_id": "e9"}) + "\n")


def a_file_grew(settings: Settings) -> None:
    with (settings.landing / "events" / "first.jsonl").open("a") as file:
        file.write(json.dumps(EVENTS[0] | {"event_id": "e9"}) + "\n")


def a_file_was_affected(settings: Settings) -> None:
    os.utime(settings.landing / "events" / "first.jsonl", (1, 1))


def a_file_waits(settings: Settings) -> None:
    with open_raw(Home(settings.home).raw_database) as connection:
        connection.execute(
            "insert into raw.pending_files values ('events/half.jsonl', 'events', 1, 1, now()::timestamp, 'no end')"
        )


def a_seed_changed(settings: Settings) -> None:
    shipped = Home(settings.home).seeds / "purposes.csv"
    assert settings.seeds is not None
    (settings.seeds / "purposes.csv").write_text(shipped.read_text() + "chat_events,a-bot,sales\n")


def a_setting_changed(settings: Settings) -> Settings:
    return settings.model_copy(update={"timezone": "Europe/Berlin"})


def fewer_versions_are_wanted(settings: Settings) -> None:
    manifest = Home(settings.home).published / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"versions": list("0123")}))


def a_build_broke_off(settings: Settings) -> None:
    with duckdb.connect(Home(settings.home).build_database) as connection:
        connection.execute("update state.builds set is_complete = false")


def the_build_is_gone(settings: Settings) -> None:
    Home(settings.home).build_database.unlink()


def the_publish_broke_off(settings: Settings) -> None:
    (Home(settings.home).published / "colloquy.duckdb").unlink()


def the_manifest_is_damaged(settings: Settings) -> None:
    (Home(settings.home).published / "manifest.json").write_text("{")


def an_operation_was_recorded(settings: Settings) -> None:
    with open_raw(Home(settings.home).raw_database) as connection:
        load_id, at = next_load(connection, datetime(2026, 1, 2))  # noqa: DTZ001 - as the warehouse keeps it
        record_operation(connection, "exclude", performed_at=at, load_id=load_id, detail={})


def a_judgement_landed(settings: Settings) -> None:
    with open_raw(Home(settings.home).raw_database) as connection:
        load_id, _ = next_load(connection, datetime(2026, 1, 2))  # noqa: DTZ001 - as the warehouse keeps it
        connection.execute("insert into ledger.human_labels (source, _load_id) values ('events', ?)", [load_id])


def labelling_broke_off(settings: Settings) -> None:
    with open_raw(Home(settings.home).raw_database) as connection:
        connection.execute("delete from ledger.message_labelling_progress")


def an_llm_is_configured(settings: Settings) -> Settings:
    return settings.model_copy(update={"llm_base_url": "http://127.0.0.1:9", "llm_model": "m"})


def alerts_go_somewhere(settings: Settings) -> Settings:
    # No alert has been queued yet: the outbox does not exist.
    return settings.model_copy(update={"alert_email_to": "data@shop.example"})


def raw_is_no_database(settings: Settings) -> None:
    Home(settings.home).raw_database.write_bytes(b"x" * 20_000)


@pytest.mark.parametrize(
    "change",
    [
        a_file_came,
        a_file_grew,
        a_file_was_affected,
        a_file_waits,
        a_seed_changed,
        a_setting_changed,
        fewer_versions_are_wanted,
        a_build_broke_off,
        the_build_is_gone,
        the_publish_broke_off,
        the_manifest_is_damaged,
        an_operation_was_recorded,
        a_judgement_landed,
        labelling_broke_off,
        an_llm_is_configured,
        alerts_go_somewhere,
        raw_is_no_database,
    ],
)
def test_whatever_a_run_would_do_makes_it_due(settings: Settings, change: Change) -> None:
    assert why_due(change(settings) or settings, asks_llm=True) is not None


def test_a_run_that_asks_no_llm_is_not_due_because_one_is_configured(settings: Settings) -> None:
    assert why_due(an_llm_is_configured(settings), asks_llm=False) is None


def test_files_that_cannot_be_loaded_make_no_run_due(settings: Settings) -> None:
    (settings.landing / "notes.txt").write_text("not an event")
    (settings.landing / "events" / "nowhere.jsonl").symlink_to(settings.landing / "events" / "gone.jsonl")
    assert why_due(settings, asks_llm=True) is None


def test_a_run_with_nothing_to_do_imports_neither_dbt_nor_dagster(settings: Settings) -> None:
    program = (
        "import sys\n"
        "from orchestration.commands.run import run_warehouse\n"
        "from orchestration.settings import Settings\n"
        "code = run_warehouse(Settings())\n"
        "heavy = {'dagster', 'dbt', 'great_expectations', 'openai'} & set(sys.modules)\n"
        "sys.exit(code or (f'imported {sorted(heavy)}' if heavy else 0))"
    )
    settings.export()
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == nothing_due(Home(settings.home).published) + "\n"


def test_time_alone_changes_nothing(published: WarehouseUnderTest, tmp_path: Path) -> None:
    later = published.copy(tmp_path)
    before = later.tables()
    later.loads = 60 * 24 * 40
    later.land(now=LOADED_AT + timedelta(days=40))
    later.build()
    assert later.tables() == before
    # What is open now stays open: the newest event is all the clock there is.
    assert later.rows("select conversation_id, is_closed from marts.fct_conversations order by 1") == [
        ("c1", True),
        ("c2", False),
    ]
