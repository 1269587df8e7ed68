"""Generated events: the same for the same arguments, in the shape of landed ones, late and doubled as promised."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.landing import load_landing
from orchestration.settings import PROJECT_DIR
from tests.benchmarks.generator import EVENTS_PER_CONVERSATION, Population, land_days, landed_rows, write_file

DAYS = 20


def _rows(population: Population, first_day: int = 0, last_day: int = DAYS) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"{landed_rows(population, first_day, last_day)} order by event_id").fetchall()


def _events(raw: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(raw), read_only=True) as connection:
        return connection.execute(
            "select * exclude (_load_id, _file, _line, _loaded_at, _line_hash) from raw.events order by event_id"
        ).fetchall()


def test_the_same_arguments_give_the_same_events_and_another_seed_others() -> None:
    assert _rows(Population(5)) == _rows(Population(5))
    assert _rows(Population(5)) != _rows(Population(5, seed=12))


def test_a_history_has_about_as_many_events_as_asked_for() -> None:
    made = len(_rows(Population.of_history(50_000, DAYS)))
    assert made == pytest.approx(50_000, rel=0.05)
    assert Population.of_history(100_000_000, 365).replicas == 10


def test_replicas_have_ids_of_their_own() -> None:
    once, twice = _rows(Population(5)), _rows(Population(5, replicas=2))
    assert len(twice) == 2 * len(once)
    assert len({row[0] for row in twice}) == len(twice)


def test_events_of_a_conversation_have_an_order_of_their_own() -> None:
    with duckdb.connect() as connection:
        ties = connection.execute(
            f"select conversation_id, timestamp from ({landed_rows(Population(200), 0, DAYS)}) "
            "group by all having count(*) > 1"
        ).fetchall()
    assert ties == []


def test_day_by_day_brings_what_all_days_at_once_bring(tmp_path: Path) -> None:
    history, after = Population(5, until=DAYS), Population(5, prefix="d", since=DAYS)
    whole, daily = tmp_path / "whole.duckdb", tmp_path / "daily.duckdb"
    land_days(whole, [history, after], 0, DAYS + 3, load_id=1)
    land_days(daily, [history], 0, DAYS, load_id=1)
    for day in range(3):
        land_days(daily, [history, after], DAYS + day, DAYS + day + 1, load_id=2 + day)
    assert _events(daily) == _events(whole)


def test_a_landed_file_gives_the_rows_that_are_inserted_directly(tmp_path: Path) -> None:
    population = Population(20, until=DAYS)
    file = write_file(tmp_path / "landing" / "events" / "all.jsonl", population, 0, DAYS)
    assert file.duplicates > 0
    assert file.broken > 0
    assert file.events == pytest.approx(20 * DAYS * EVENTS_PER_CONVERSATION, rel=0.1)
    summary = load_landing(
        tmp_path / "landed.duckdb",
        tmp_path / "landing",
        seeds=PROJECT_DIR / "seeds",
        hash_key=b"a key for tests",
        stable_after=timedelta(0),
        now=datetime.now(UTC),
    )
    (report,) = summary.files
    assert (report.accepted, report.duplicates, report.rejected) == (file.events, file.duplicates, file.broken)
    land_days(tmp_path / "inserted.duckdb", [population], 0, DAYS, load_id=1)
    assert _events(tmp_path / "inserted.duckdb") == _events(tmp_path / "landed.duckdb")


def test_an_inserted_load_has_every_number_that_the_checks_of_a_run_read(tmp_path: Path) -> None:
    raw = tmp_path / "raw.duckdb"
    inserted = land_days(raw, [Population(3)], 0, DAYS, load_id=1)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{raw}' as store (read_only)")
        (row,) = connection.execute("select * from store.raw.loaded_files").fetchall()
    assert None not in row
    assert inserted in row
