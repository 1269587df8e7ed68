"""Nothing is built of what a warehouse has no data for: experiments without a test, interactions without widgets."""

from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import pytest
from dbt.contracts.graph.nodes import ModelNode

from orchestration.building import replay
from orchestration.warehouse.build_records import discard_build
from tests.support.bench import PUBLICATION_RECORDS
from tests.support.comparison import differences
from tests.support.labellers import undecided_labeller
from tests.support.random_conversations import SEEDS, Line
from tests.support.random_histories import LATE_HISTORY, by_source
from tests.support.warehouse import WarehouseUnderTest

# A seed that registers a test is reason enough to build its models.
UNREGISTERED = {name: text for name, text in SEEDS.items() if name != "ab_tests.csv"}
# The sources whose conversations come last, and what nothing is built of before.
WITHHELD = {
    "int_ab_tests_listed": {"ab_test_exposures", "events", "agent_events"},
    "fct_interactions": {"agentsight_interactions"},
}
MAKING = ("create or replace table", "insert into", "delete from")


def _conversation(line: Line) -> str:
    return str(line.fields.get("conversation_id") or line.fields.get("session_id"))


def _landings(withheld: Collection[str]) -> Iterator[list[Line]]:
    """Yield three landings of a history without the conversations of these sources, then theirs."""
    lines = [line for landing in LATE_HISTORY.landings() for line in landing]
    late = {_conversation(line) for line in lines if line.source in withheld}
    early = [line for line in lines if _conversation(line) not in late]
    assert len(early) > 30
    yield from (early[place::3] for place in range(3))
    yield [line for line in lines if _conversation(line) in late]


def _idle_models(warehouse: WarehouseUnderTest, needed: str) -> dict[str, str]:
    """Return the models whose meta states that they are empty without this one: the id and the table of each."""
    return {
        key: str(node.relation_name)
        for key, node in warehouse.parsed().nodes.items()
        if isinstance(node, ModelNode) and node.config.meta.get("empty_without") == needed
    }


def _count(warehouse: WarehouseUnderTest, relation: str) -> int:
    ((count,),) = warehouse.rows(f"select count(*) from {relation}")
    return int(count)


def _assert_full_refresh(warehouse: WarehouseUnderTest, folder: Path) -> None:
    other = warehouse.copy(folder)
    discard_build(other.home)
    other.build(full_refresh=True)
    databases = warehouse.home.build_database, other.home.build_database
    assert differences(*databases, without={"data_quality", *PUBLICATION_RECORDS}) == []


@pytest.mark.full
@pytest.mark.parametrize("needed", list(WITHHELD))
def test_a_model_without_data_stands_until_there_is_some(
    tmp_path: Path, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = WarehouseUnderTest(
        tmp_path / "warehouse", UNREGISTERED, experiments=True, labeller=undecided_labeller()
    )
    warehouse.settings.landing.mkdir()
    sent: list[str] = []

    def spied(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
        sent.append(sql)
        return answered(connection, sql)

    answered = replay.answered
    monkeypatch.setattr(replay, "answered", spied)
    for number, lines in enumerate(_landings(WITHHELD[needed])):
        for source, fields in by_source(lines).items():
            warehouse.write_events(fields, source)
        warehouse.land()
        sent.clear()
        warehouse.build()
        idle = _idle_models(warehouse, needed)
        made = {key for key, table in idle.items() if any(f"{verb} {table}" in sql for sql in sent for verb in MAKING)}
        counts = {key: _count(warehouse, table) for key, table in idle.items()}
        if number < 3:
            assert len(counts) >= 2
            assert set(counts.values()) == {0}
        else:
            assert made == set(idle)
            assert sum(count > 0 for count in counts.values()) > len(idle) / 2
        # The second run may have had dbt write what the third sends.
        if number == 2:
            assert len(sent) > 50
            assert made == set()
        if number in {2, 3}:
            _assert_full_refresh(warehouse, tmp_path / str(number))


def test_what_a_model_is_empty_without_is_made_before_it(tmp_path: Path) -> None:
    """Else a model could stand although this very run brings it data."""
    manifest = WarehouseUnderTest(tmp_path).parsed()
    declared = {
        key: f"model.colloquy.{node.config.meta['empty_without']}"
        for key, node in manifest.nodes.items()
        if isinstance(node, ModelNode) and node.config.meta.get("empty_without")
    }
    assert {needed.rpartition(".")[2] for needed in declared.values()} == set(WITHHELD)
    for key, needed in declared.items():
        waiting, ancestors = [key], set[str]()
        while waiting:
            node = manifest.nodes.get(waiting.pop())
            found = set(node.depends_on.nodes) - ancestors if isinstance(node, ModelNode) else set()
            ancestors |= found
            waiting += found
        assert needed in ancestors, f"{key} does not follow from {needed}"
