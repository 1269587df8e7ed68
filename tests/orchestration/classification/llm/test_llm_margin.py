"""How many conversations an LLM might be asked about."""

from pathlib import Path

import duckdb

from orchestration.ledger.llm_labelling import count_unsure
from orchestration.warehouse.raw_tables import open_raw


def test_of_no_conversation_none_is_unsure(tmp_path: Path) -> None:
    """Counts, not nulls: the first run over an empty landing folder reports how many it leaves alone."""
    open_raw(tmp_path / "raw.duckdb").close()
    with duckdb.connect(str(tmp_path / "build.duckdb")) as build:
        build.execute("create schema seeds")
        build.execute("create table seeds.sources (source varchar, id_namespace varchar)")
    margin = count_unsure(tmp_path / "raw.duckdb", tmp_path / "build.duckdb")
    assert (margin.labelled, margin.under_margin, margin.unanswered) == (0, 0, 0)
