"""What dbt sent for an increment is sent again: in the same situation only, with new answers, whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest

from orchestration.building.node_outcomes import Invocation
from orchestration.building.replay import (
    NodeStatements,
    Recorder,
    read_recording,
    replay,
    situation,
    write_recording,
)
from orchestration.warehouse.home import Home

NODE = "model.colloquy.int_events"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    one = Home(tmp_path / "home")
    one.create()
    with duckdb.connect(str(one.build_database)) as connection:
        connection.execute("create schema state; create table state.builds (build_id bigint, is_complete boolean)")
        connection.execute("insert into state.builds values (1, true), (2, false)")
        connection.execute("create table kept as select 1 as id, timestamp '2026-03-01 10:00:00' as at_")
    for path in (one.raw_database, one.published_before):
        duckdb.connect(str(path)).close()
    return one


def change(home: Home, sql: str) -> None:
    with duckdb.connect(str(home.build_database)) as connection:
        connection.execute(sql)


def rows(home: Home, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home.build_database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def run(home: Home, *statements: str) -> Invocation:
    ended: list[int] = []
    return replay(home, [NodeStatements(NODE, statements)], ended.append)


def test_what_only_asks_is_not_kept() -> None:
    recorder = Recorder()
    for sql in (
        '/* {"node_id": "a"} */\n  create or replace table a as (select 1)',
        "/* b */ select 1",
        "BEGIN",
        "COMMIT",
        "-- remark\nselect 1",
    ):
        recorder.add(NODE, sql)
    recorder.add("model.colloquy.later", "drop table a")
    recorder.add(NODE, "insert into a select 2")
    recorder.add("", "create table of_no_node (i int)")
    manifest = SimpleNamespace(nodes={NODE: _model("int_events"), "model.colloquy.later": _model("later")})
    assert recorder.nodes(cast(Manifest, manifest)) == (
        NodeStatements(NODE, ("create or replace table a as (select 1)", "insert into a select 2")),
        NodeStatements("model.colloquy.later", ("drop table a",)),
    )


def test_what_a_model_is_empty_without_is_kept_with_it() -> None:
    recorder, later = Recorder(), _model("later", empty_without="int_events")
    recorder.add(NODE, "drop table a")
    recorder.add("model.colloquy.later", "drop table b")
    manifest = SimpleNamespace(nodes={NODE: _model("int_events"), "model.colloquy.later": later})
    assert recorder.nodes(cast(Manifest, manifest)) == (
        NodeStatements(NODE, ("drop table a",)),
        NodeStatements("model.colloquy.later", ("drop table b",), ("build.later", "build.int_events")),
    )


def _model(name: str, **meta: str) -> SimpleNamespace:
    config = SimpleNamespace(meta=meta)
    return SimpleNamespace(name=name, package_name="colloquy", relation_name=f"build.{name}", config=config)


def test_what_is_kept_comes_back_and_other_projects_go(tmp_path: Path) -> None:
    nodes = (
        NodeStatements(NODE, ("create table a (i int)", "drop table a")),
        NodeStatements("model.b.c", (), ("c", "d")),
    )
    assert read_recording(tmp_path / "old" / "x.json") is None
    write_recording(tmp_path / "old" / "x.json", nodes)
    assert read_recording(tmp_path / "old" / "x.json") == nodes
    write_recording(tmp_path / "new" / "y.json", nodes)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")] == ["new/y.json"]


@pytest.mark.parametrize(
    ("own", "needed", "is_sent"), [("none", "none", False), ("kept", "none", True), ("none", "kept", True)]
)
def test_a_model_that_is_empty_without_another_stands_while_both_are(
    home: Home, own: str, needed: str, is_sent: bool
) -> None:
    change(home, "create table none as from kept where false")
    ended: list[int] = []
    done = replay(home, [NodeStatements(NODE, ("create table sent as select 1 as i",), (own, needed))], ended.append)
    assert done.is_success
    assert [one.unique_id for one in done.outcomes] == [NODE]
    assert ended == [1]
    assert rows(home, "select count(*) from duckdb_tables() where table_name = 'sent'") == [(int(is_sent),)]


@pytest.mark.parametrize(
    ("question", "literal", "answer"),
    [
        ("select max(id) from kept", "99", 1),
        ("select min(id) - 8 from kept", "-99", -7),
        ("select min(at_) from kept", "timestamp '1999-01-01 00:00:00'", "2026-03-01 10:00:00"),
        ("select timestamp '9999-12-31 00:00:00'", "timestamp '1999-01-01 00:00:00'", "9999-12-31 00:00:00"),
        ("select timestamp '2026-03-01 10:00:00.123456'", "timestamp '1999-01-01'", "2026-03-01 10:00:00.123456"),
    ],
)
def test_a_literal_is_asked_for_again(home: Home, question: str, literal: str, answer: object) -> None:
    asked = f"/* asked: {question} */ {literal}"
    assert run(home, f"create table found as select {asked} as one, {asked} as two").is_success
    assert [tuple(map(str, row)) for row in rows(home, "select * from found")] == [(str(answer), str(answer))]


def test_an_answer_that_is_no_literal_is_refused(home: Home) -> None:
    with pytest.raises(TypeError, match="select max\\(id\\) from kept where id > 5 has the answer None"):
        run(home, "create table found as select /* asked: select max(id) from kept where id > 5 */ 7 as one")


def test_a_statement_that_fails_leaves_everything_as_it_was(home: Home) -> None:
    nodes = [
        NodeStatements(NODE, ("insert into kept values (2, null)", "create table new as select 1 as i")),
        NodeStatements("model.colloquy.broken", ("delete from kept", "select * from missing")),
        NodeStatements("model.colloquy.never", ("drop table kept",)),
    ]
    ended: list[int] = []
    done = replay(home, nodes, ended.append)
    assert [(one.name, one.status, one.resource_type) for one in done.outcomes] == [("broken", "error", "model")]
    assert "missing" in done.outcomes[0].message
    assert not done.is_success
    assert ended == [1]
    assert rows(home, "select id from kept") == [(1,)]
    assert rows(home, "select count(*) from duckdb_tables() where table_name = 'new'") == [(0,)]


@pytest.mark.parametrize(
    "other",
    [
        lambda home: change(home, "create view v as select 1 as i"),
        lambda home: change(home, "drop table kept"),
        lambda home: change(home, "drop table kept; create view kept as select 1 as id"),
        lambda home: change(home, "update state.builds set is_complete = false"),
        lambda home: change(home, "delete from state.builds where build_id = 1"),
        lambda home: duckdb.connect(str(home.published_before)).execute("create table metrics_daily (i int)").close(),
    ],
)
def test_another_situation_is_told_apart(home: Home, other: Callable[[Home], object]) -> None:
    selection = ["--select", "a b"]
    before = situation(home, selection)
    assert situation(home, selection) == before
    assert situation(home, ["--select", "a"]) != before
    change(home, "insert into kept values (3, null)")
    assert situation(home, selection) == before
    other(home)
    assert situation(home, selection) != before
