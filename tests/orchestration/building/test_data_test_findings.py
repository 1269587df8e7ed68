"""What is reported of failing data tests: which, how many rows, the first of them, and no text of a message."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from orchestration.building.data_tests import DataTest, FailedTest, failed_tests, node_of_test
from orchestration.building.node_outcomes import Outcome
from orchestration.expectations.dbt_findings import DbtFinding, failed_nodes, rows_found
from orchestration.warehouse.home import Home

WRONG = "-- rows that are wrong\nselect message_id, content, turn_number from build.marts.messages -- all"
RIGHT = "select message_id from build.marts.messages where turn_number > 6"


def data_test(home: Home, name: str, sql: str, *, node: str = "model.messages", is_warning: bool = False) -> DataTest:
    return DataTest(f"test.{name}", name, node, is_warning, sql, home.root / f"{name}.sql")


def outcome(name: str, status: str, message: str = "") -> Outcome:
    return Outcome(f"model.{name}", name, "model", status, 0.1, message, None)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home whose build holds seven messages; dbt calls it build, whatever its folder."""
    one = Home(tmp_path)
    one.create()
    with duckdb.connect(one.build_database) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.messages as select 'm' || n as message_id, 'secret words' as content, n as turn_number "
            "from range(7) t(n)"
        )
    for path in (one.raw_database, one.published_before):
        duckdb.connect(path).close()
    return one


def names(failed: Iterable[FailedTest]) -> list[tuple[str, int]]:
    return sorted((one.test.name, one.row_count) for one in failed)


def test_tests_that_return_rows_have_failed(home: Home) -> None:
    tests = [
        data_test(home, "wrong", WRONG),
        data_test(home, "right", RIGHT),
        data_test(home, "one", RIGHT.replace("> 6", "= 6")),
        # Of another model: another query.
        data_test(home, "other", "select 1 where 1 = 1", node="model.other"),
        data_test(home, "other_right", "select 1 where 1 = 2", node="model.other"),
    ]
    assert names(failed_tests(home, tests)) == [("one", 1), ("other", 1), ("wrong", 7)]
    assert names(failed_tests(home, [])) == []


def test_an_increment_is_tested_by_its_condition_with_today_s_answer(home: Home) -> None:
    """Of seven messages those above a number that the SQL asks for; behind the question stands an old answer."""
    question = "select max(turn_number) - 2 from build.marts.messages"
    sql = (
        "select message_id from build.marts.messages "
        f"where turn_number >= 0 and (true -- built: turn_number > /* asked: {question} */ 0\n)"
    )
    tests = [data_test(home, "new", sql), data_test(home, "whole", WRONG)]
    assert names(failed_tests(home, tests)) == [("new", 7), ("whole", 7)]
    found = list(failed_tests(home, tests, is_incremental=True))
    assert names(found) == [("new", 2), ("whole", 7)]
    # What is shown is what was found.
    assert [[row["message_id"] for row in one.rows] for one in rows_found(home, found)][:1] == [["m5", "m6"]]


def test_a_test_that_cannot_run_is_an_error(home: Home) -> None:
    with pytest.raises(duckdb.Error, match="no_such_column"):
        list(failed_tests(home, [data_test(home, "broken", "select no_such_column from build.marts.messages")]))


def test_failing_test_is_reported_with_rows_and_without_text(home: Home) -> None:
    (found,) = rows_found(home, failed_tests(home, [data_test(home, "assert_x", WRONG)]))
    assert found.summary() == "test assert_x failed: 7 rows"
    assert found.severity == "error"
    assert len(found.rows) == 5
    assert found.rows[0] == {"message_id": "m0", "content": "(12 characters)", "turn_number": "0"}
    assert "secret" not in found.as_text()
    assert found.as_text().endswith(f"all rows: run {home.root / 'assert_x.sql'}")


def test_errors_come_before_warnings(home: Home) -> None:
    tests = [data_test(home, "not_null_y", WRONG, is_warning=True), data_test(home, "unique_y", WRONG)]
    error, warning = rows_found(home, failed_tests(home, tests))
    assert error.summary() == "test unique_y failed: 7 rows"
    assert warning.summary() == "test not_null_y warns: 7 rows"


def test_a_node_that_failed_is_reported_and_those_behind_it_are_not() -> None:
    outcomes = [
        outcome("a", "success"),
        outcome("z", "error", "Runtime Error Binder Error: no such column"),
        outcome("behind_z", "skipped"),
    ]
    (found,) = failed_nodes(outcomes)
    assert found.summary() == "model z failed: Runtime Error Binder Error: no such column"
    assert found.rows == ()
    assert failed_nodes([outcome("a", "success")]) == ()


def test_summary_of_a_node_without_rows_is_its_message() -> None:
    assert DbtFinding("z", "seed", "error", "bad value").as_text() == "seed z failed: bad value"


def test_a_test_belongs_to_the_model_that_declares_it_or_that_its_meta_names() -> None:
    nodes = {"model.a": {"name": "a"}, "model.b": {"name": "b"}}
    both = {"depends_on": {"nodes": ["model.a", "model.b"]}, "config": {"meta": {"dagster": {"ref": {"name": "b"}}}}}
    assert node_of_test(both | {"attached_node": "model.a"}, nodes) == "model.a"
    assert node_of_test(both, nodes) == "model.b"
    assert node_of_test({"depends_on": {"nodes": ["model.a"]}}, nodes) == "model.a"
