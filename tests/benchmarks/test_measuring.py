"""The arithmetic and the table of the benchmarks."""

from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

from tests.benchmarks.__main__ import LETTERS, main
from tests.benchmarks.measuring import Clock, Cost, WorkFailedError, median, ratio, run_process, run_task
from tests.benchmarks.results import Results, count, table
from tests.benchmarks.statements import StatementCosts, accounted


def test_the_median_is_taken_of_each_measure() -> None:
    costs = [Cost(1, 30, 5), Cost(3, 10, 7), Cost(2, 20, 6)]
    assert median(costs) == Cost(2, 20, 6)


def test_nothing_can_be_held_against_nothing() -> None:
    assert ratio(3, 2) == 1.5
    with pytest.raises(ValueError, match="nothing to compare"):
        ratio(3, 0)


def test_the_table_shows_cost_result_and_whether_the_target_is_met() -> None:
    results = Results()
    results.add("a", "landing", [Cost(1.5, 2, 10_000_000)], value="3 x", target="<= 2 x", is_met=False)
    results.add("b", "reading", value="nothing aimed at")
    lines = table(results.rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2] == ["a", "landing", "1.50", "2.00", "10", "3 x", "<= 2 x", "MISSED"]
    assert cells[3] == ["b", "reading", "", "", "", "nothing aimed at", "", ""]


def test_numbers_of_events_are_shown_in_short() -> None:
    assert [count(number) for number in (1_000, 10_000_000, 60_432, 12)] == ["1 k", "10 M", "60.4 k", "12"]


def test_a_statement_without_a_name_belongs_to_the_node_before() -> None:
    costs = StatementCosts()
    costs.add('/* {"node_id": "model.colloquy.a"} */ create table a', 1.0, 2.0)
    costs.add("commit", 0.5, 0.5)
    costs.add('/* {"node_id": "test.colloquy.b"} */ select 1', 0.25, 0.25)
    assert dict(costs.cpu_seconds) == {"model.colloquy.a": 1.5, "test.colloquy.b": 0.25}


def test_statements_of_dbt_are_timed_within_a_memory_limit() -> None:
    shipped = DuckDBCursorWrapper.execute
    with duckdb.connect() as connection:
        with accounted("100MB") as costs:
            DuckDBCursorWrapper(connection).execute('/* {"node_id": "model.colloquy.a"} */ select 1')  # type: ignore[no-untyped-call]
        limit = connection.execute("select current_setting('memory_limit')").fetchone()
    assert set(costs.cpu_seconds) == {"model.colloquy.a"}
    assert limit == ("95.3 MiB",)
    assert DuckDBCursorWrapper.execute is shipped


def test_the_cpu_time_of_this_process_is_counted() -> None:
    clock = Clock.now()
    total = sum(range(3_000_000))
    assert total > 0
    assert 0 < clock.cost().cpu_seconds <= clock.cost().wall_seconds * 2 + 1


def test_a_failed_process_is_shown_with_its_words() -> None:
    with pytest.raises(WorkFailedError, match="nothing works"):
        run_process(["python3", "-c", "raise SystemExit('nothing works')"])


def test_a_task_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    population = {"per_day": 3}
    outcome = run_task("files.write", path=str(path), population=population, first_day=0, last_day=2, is_clean=True)
    assert outcome.answer["events"] == len(path.read_text().splitlines()) > 0
    assert outcome.cost.peak_bytes > 10_000_000


def test_an_unknown_letter_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(LETTERS) == list("abcdefghi")
    assert main(["--only", "a,z"]) == 2
    assert "no letter z; there are a, b" in capsys.readouterr().out


def test_the_chart_is_a_well_formed_picture_of_the_letters_that_ran(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; make bench installs it")
    from tests.benchmarks.chart import draw, is_drawable  # noqa: PLC0415 - not installed with the project

    assert not is_drawable({"a": {}})
    detail = {"d": {"SQL of each day, CPU s": [3.0, 2.5]}}
    assert is_drawable(detail)
    first, again = (draw(detail, tmp_path / name).read_bytes() for name in ("first.svg", "again.svg"))
    assert first == again
    assert ElementTree.fromstring(first).tag.endswith("svg")  # noqa: S314 - drawn one line above
