"""The engines that Colloquy is measured against agree with each other, and a difference is found."""

import importlib.util
from pathlib import Path

import pytest

from tests.benchmarks.generator import Population, land_days
from tests.benchmarks.peers.answers import ASKED, AnswersDifferError, require_equal
from tests.benchmarks.peers.engines import ENGINES, FUNNEL_ENGINES, MODULES, duckdb_answers, write_parquet

DAYS = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Raw events, and the same as Parquet."""
    folder = tmp_path_factory.mktemp("peers")
    raw, parquet = folder / "raw.duckdb", folder / "events.parquet"
    land_days(raw, [Population(40)], 0, DAYS, load_id=1)
    write_parquet(raw, parquet)
    return raw, parquet


def _require_installed(name: str) -> None:
    module = MODULES.get(name, "duckdb").partition(".")[0]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{name} is not installed; make bench installs it")


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_gives_the_answers_of_the_query_by_hand(name: str, files: tuple[Path, Path]) -> None:
    _require_installed(name)
    expected = duckdb_answers(*files)
    assert set(expected) == set(ASKED)
    assert all(expected.values())
    require_equal({"by hand": expected, name: ENGINES[name](*files)})


@pytest.mark.parametrize("name", FUNNEL_ENGINES)
def test_the_funnel_alone_counts_what_the_whole_query_counts(name: str, files: tuple[Path, Path]) -> None:
    _require_installed(name)
    require_equal({"by hand": duckdb_answers(*files), name: FUNNEL_ENGINES[name](*files)})


def test_stages_are_counted_in_order(files: tuple[Path, Path]) -> None:
    reached = [int(number) for _, number in duckdb_answers(*files)["funnel"]]
    assert len(reached) == 5
    assert reached == sorted(reached, reverse=True)
    assert reached[-1] > 0


def test_a_difference_is_named() -> None:
    with pytest.raises(AnswersDifferError, match=r"funnel: only one has \[\[2, 8\]\], only other has \[\[2, 7\]\]"):
        require_equal({"one": {"funnel": [[1, 9], [2, 8]]}, "other": {"funnel": [[1, 9], [2, 7]]}})
