"""Each expectation about landed files and published marts, against rows that break it and rows that do not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.expectations import (
    LANDED_EXPECTATIONS,
    MARTS_EXPECTATIONS,
    CheckResult,
    Expectation,
    check_landed,
    check_marts,
    frames,
)
from orchestration.expectations.validation import ExpectationError, validate
from orchestration.landing import load_landing
from orchestration.settings import PROJECT_DIR

LOADED_AT = datetime(2026, 3, 2, tzinfo=UTC)
DATA_UNTIL = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
GOOD_METRIC = ("2026-03-01", "handoff_rate", "all", "rate", 0.5, 0.2, 0.8, 5.0, 10.0, 10, True)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "landing" / "events"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text(
        "".join(
            f'{{"event_id": "e{n}", "conversation_id": "c{n}", "event_type": "user_message",'
            f' "timestamp": "2026-03-01T10:00:0{n}Z"}}\n'
            for n in range(4)
        )
    )
    database = tmp_path / "raw.duckdb"
    load_landing(
        database, folder.parent, seeds=PROJECT_DIR / "seeds", hash_key=b"key", stable_after=timedelta(0), now=LOADED_AT
    )
    return database


@pytest.fixture
def build(tmp_path: Path) -> Path:
    database = tmp_path / "build.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_conversations (conversation_key varchar)")
        connection.execute("insert into marts.fct_conversations values ('events:c1')")
        connection.execute(
            "create table marts.metrics_daily (date date, metric_name varchar, segment varchar, unit varchar,"
            " value double, ci_low double, ci_high double, numerator double, denominator double,"
            " sample_size bigint, is_final boolean)"
        )
        connection.execute(f"insert into marts.metrics_daily values {GOOD_METRIC}")
    return database


def change(database: Path, statement: str) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute(statement)


def failed(results: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    return {result.name: result for result in results if not result.success}


def marts(database: Path, data_until: datetime | None = DATA_UNTIL, timezone: str = "UTC") -> tuple[CheckResult, ...]:
    return check_marts(database, data_until=data_until, timezone=timezone)


def test_good_files_fulfil_everything_in_the_order_of_the_list(raw: Path) -> None:
    results = check_landed(raw)
    assert failed(results) == {}
    assert [one.name for one in results] == [one.name for one in LANDED_EXPECTATIONS]
    names = [*(one.name for one in LANDED_EXPECTATIONS), *(one.name for one in MARTS_EXPECTATIONS)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("statement", "name", "severity", "example"),
    [
        (
            "update raw.raw.events set _file = 'chat_events/a.jsonl' where event_id = 'e2'",
            "events_rows_come_from_its_folder",
            "error",
            {"file": "chat_events/a.jsonl", "line": "3"},
        ),
        (
            "update raw.raw.events set timestamp = '2026-03-03 00:00:01' where event_id = 'e1'",
            "events_events_lie_before_their_load",
            "error",
            {"file": "events/a.jsonl", "line": "2"},
        ),
        (
            "update raw.raw.events set timestamp = '1999-12-31 23:59:59' where event_id = 'e0'",
            "events_events_lie_after_1999",
            "error",
            {"file": "events/a.jsonl", "line": "1"},
        ),
        (
            "update raw.raw.events set conversation_id = 'undefined' where event_id = 'e3'",
            "events_conversation_ids_are_real",
            "warn",
            {"file": "events/a.jsonl", "line": "4", "conversation_id": "undefined"},
        ),
        (
            "insert into raw.raw.events by name select events.* replace (event_type || n as event_type) "
            "from raw.raw.events, range(201) t(n) where event_id = 'e0'",
            "events_event_types_are_few",
            "warn",
            {},
        ),
        (
            "update raw.raw.loaded_files set lines = 5",
            "every_line_is_accounted_for",
            "error",
            {"file": "events/a.jsonl", "load_id": "1"},
        ),
        (
            "update raw.raw.loaded_files set reread = 1",
            "reread_lines_are_duplicates",
            "error",
            {"file": "events/a.jsonl", "load_id": "1"},
        ),
        (
            "insert into raw.raw.events select * from raw.raw.events limit 1",
            "no_more_rows_than_accepted",
            "error",
            {"source": "events", "load_id": "1"},
        ),
        (
            "update raw.raw.loaded_files set lines = 100, accepted = 94, rejected = 6",
            "few_lines_are_rejected",
            "warn",
            {"source": "events", "load_id": "1"},
        ),
    ],
)
def test_planted_row_is_found(raw: Path, statement: str, name: str, severity: str, example: dict[str, str]) -> None:
    change(raw, statement)
    found = failed(check_landed(raw))
    assert name in found
    assert found[name].severity == severity
    assert not example or any(example.items() <= row.items() for row in found[name].examples)


def test_event_a_day_after_its_load_and_five_percent_of_refused_lines_are_still_right(raw: Path) -> None:
    change(raw, "update raw.raw.events set timestamp = '2026-03-03 00:00:00' where event_id = 'e1'")
    change(raw, "update raw.raw.loaded_files set lines = 100, accepted = 95, rejected = 5")
    assert failed(check_landed(raw)) == {}


def test_refused_lines_are_told_by_source_and_share(raw: Path) -> None:
    change(raw, "update raw.raw.loaded_files set lines = 100, accepted = 94, rejected = 6")
    change(
        raw,
        "insert into raw.raw.loaded_files by name select * replace ('chat_events' as source, 'chat_events/a' as file, "
        "50 as lines, 50 as accepted, 0 as rejected) from raw.raw.loaded_files",
    )
    told = failed(check_landed(raw))["few_lines_are_rejected"].as_text().splitlines()
    assert told[0] == "few_lines_are_rejected: 1 of 2 sources fail (50.0%)"
    assert set(told[1].strip().split(", ")) == {
        "source=events",
        "load_id=1",
        "rejected=6",
        "lines=100",
        "rejected_share=6.0%",
    }


def test_loads_of_files_are_called_so(raw: Path) -> None:
    change(raw, "update raw.raw.loaded_files set lines = 5")
    assert failed(check_landed(raw))["every_line_is_accounted_for"].observed == "1 of 1 loads of files fail (100.0%)"


def test_erased_rows_are_no_error(raw: Path) -> None:
    change(raw, "delete from raw.raw.events where event_id = 'e1'")
    assert failed(check_landed(raw)) == {}


def test_sample_holds_the_newest_rows_only(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SAMPLE_ROWS", 2)
    change(raw, "update raw.raw.events set timestamp = '1999-01-01' where event_id in ('e0', 'e1')")
    assert failed(check_landed(raw)) == {}
    change(raw, "update raw.raw.events set timestamp = '1999-01-01' where event_id = 'e2'")
    found = failed(check_landed(raw))["events_events_lie_after_1999"]
    assert found.observed == "1 of 2 rows fail (50.0%)"


def test_a_source_is_judged_until_a_complete_build_covers_what_landed_of_it(raw: Path) -> None:
    change(raw, "update raw.raw.events set timestamp = '1999-01-01' where event_id = 'e2'")
    assert "events_events_lie_after_1999" in failed(check_landed(raw, since_load_id=0))
    results = {result.name: result for result in check_landed(raw, since_load_id=1)}
    assert results["events_events_lie_after_1999"].observed == "nothing has landed since the last build"
    # A repair that accepts no line of its own brings the source back.
    change(raw, "insert into raw.raw.repaired_conversations values ('events', 'c1', 2, 'reload')")
    assert "events_events_lie_after_1999" in failed(check_landed(raw, since_load_id=1))


def test_good_metrics_fulfil_everything(build: Path) -> None:
    results = marts(build)
    assert failed(results) == {}
    assert [one.name for one in results] == [one.name for one in MARTS_EXPECTATIONS]
    assert all(one.severity == "error" for one in results)


@pytest.mark.parametrize(
    ("assignment", "name"),
    [
        ("value = 1.000001, ci_high = 2", "rates_lie_in_0_to_1"),
        ("value = -0.000001, ci_low = -1", "rates_lie_in_0_to_1"),
        ("ci_low = 0.51", "values_reach_their_interval"),
        ("ci_high = 0.49", "values_stay_in_their_interval"),
        ("numerator = -1", "numerators_are_not_negative"),
        ("denominator = -1", "denominators_are_not_negative"),
        ("sample_size = -1", "sample_sizes_are_not_negative"),
        ("date = '2026-03-05', is_final = false", "dates_stay_near_data_until"),
        ("date = '2026-03-02'", "final_days_have_ended"),
    ],
)
def test_planted_metric_is_found(build: Path, assignment: str, name: str) -> None:
    change(build, f"update marts.metrics_daily set {assignment}")
    found = failed(marts(build))
    assert list(found) == [name]
    assert found[name].observed == "1 of 1 rows fail (100.0%)"
    assert found[name].examples[0]["metric_name"] == "handoff_rate"


@pytest.mark.parametrize(
    "assignment",
    [
        "unit = 'turns', value = 7, ci_high = 8",
        "unit = 'sentiment', value = -0.5, ci_low = -0.6, numerator = -10",
        "value = null, ci_low = null, ci_high = null, denominator = 0",
        "value = 1, ci_high = 1 - 1e-16",
        "date = '2026-03-04', is_final = false",
    ],
)
def test_limits_are_still_right(build: Path, assignment: str) -> None:
    change(build, f"update marts.metrics_daily set {assignment}")
    assert failed(marts(build)) == {}


def test_days_are_those_of_the_reporting_time_zone(build: Path) -> None:
    # 23:30 in London is 00:30 of the next day in Berlin: there, the second of March has ended.
    change(build, "update marts.metrics_daily set date = '2026-03-02'")
    assert list(failed(marts(build, timezone="UTC"))) == ["final_days_have_ended"]
    assert failed(marts(build, timezone="Europe/Berlin")) == {}


def test_empty_metrics_are_wrong_only_where_conversations_exist(build: Path) -> None:
    change(build, "delete from marts.metrics_daily")
    assert list(failed(marts(build))) == ["metrics_exist_where_conversations_do"]
    change(build, "delete from marts.fct_conversations")
    assert failed(marts(build, data_until=None)) == {}


def test_frame_without_rows_fulfils_expectations_about_rows() -> None:
    rows_rule = Expectation("r", "t", "error", "", "ExpectColumnValuesToBeBetween", {"column": "x", "min_value": 0})
    count_rule = Expectation("c", "t", "error", "", "ExpectTableRowCountToBeBetween", {"min_value": 1})
    empty = pd.DataFrame({"x": []})
    assert validate(empty, [rows_rule])[0].observed == "no rows"
    assert [one.success for one in validate(empty, [rows_rule, count_rule])] == [True, False]


def test_at_most_five_failing_rows_are_shown() -> None:
    rule = Expectation(
        "r", "t", "warn", "", "ExpectColumnValuesToBeBetween", {"column": "x", "max_value": 0}, shown=("key",)
    )
    (result,) = validate(pd.DataFrame({"x": range(1, 8), "key": list("abcdefg")}), [rule])
    assert result.observed == "7 of 7 rows fail (100.0%)"
    assert [row["key"] for row in result.examples] == ["a", "b", "c", "d", "e"]
    assert result.as_text().splitlines()[1] in {"  x=1, key=a", "  key=a, x=1"}


def test_expectation_about_a_missing_column_names_itself() -> None:
    rule = Expectation("r", "t", "error", "", "ExpectColumnValuesToBeBetween", {"column": "missing", "min_value": 0})
    with pytest.raises(ExpectationError, match=r"r on t cannot be evaluated: .*missing"):
        validate(pd.DataFrame({"x": [1]}), [rule])


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise AssertionError("an expectation opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)
    yield


def test_rows_are_counted_and_views_are_not(tmp_path: Path) -> None:
    database = tmp_path / "raw.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.raw.events as from range(3)")
        connection.execute("create view raw.raw.seen as from raw.raw.events")
    assert frames.count_rows(database, [("raw", "events"), ("raw", "seen"), ("raw", "gone")]) == {("raw", "events"): 3}
