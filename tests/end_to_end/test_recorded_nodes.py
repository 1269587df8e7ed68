"""A full refresh by what dbt sent for each node before is the one that dbt makes, whichever run recorded the nodes."""

import random
from pathlib import Path

import pytest

from tests.support.comparison import differences
from tests.support.random_histories import LATE_HISTORY, in_files, seeds_after
from tests.support.warehouse import WarehouseUnderTest

SCHEMAS = ("staging", "intermediate", "marts", "seeds")


def built(
    folder: Path, *, experiments: bool = False, metrics: bool = True, is_replayed: bool = True
) -> WarehouseUnderTest:
    """Build two batches of a history, with A/B tests registered in the seeds."""
    warehouse = WarehouseUnderTest(
        folder, seeds_after(()), experiments=experiments, metrics=metrics, is_replayed=is_replayed
    )
    for lines in LATE_HISTORY.landings()[:2]:
        for source, fields in in_files(lines, random.Random(1)):  # noqa: S311 - reproducible, not secret
            warehouse.write_events(fields, source)
    warehouse.land()
    warehouse.build()
    return warehouse


def catalog(warehouse: WarehouseUnderTest) -> list[tuple[object, ...]]:
    """Return every relation and column with its type and comment."""
    return warehouse.rows(
        """
        select schema_name, table_name, '', 'table', comment from duckdb_tables() where schema_name != 'state'
        union all
        select schema_name, view_name, '', sql, comment from duckdb_views() where not internal
        union all
        select schema_name, table_name, column_name, data_type, comment from duckdb_columns() where not internal
        order by all
        """
    )


@pytest.mark.full
def test_a_full_refresh_by_recorded_nodes_is_that_of_dbt(tmp_path: Path) -> None:
    by_dbt = built(tmp_path / "dbt", experiments=True, is_replayed=False)
    # Seeds without rows, and a part of the project, recorded before what is compared.
    shipped = WarehouseUnderTest(tmp_path / "shipped")
    shipped.settings.landing.mkdir()
    shipped.land()
    shipped.build()
    built(tmp_path / "part", metrics=False)
    for name in ("first", "second"):
        found = built(tmp_path / name, experiments=True)
        assert catalog(found) == catalog(by_dbt)
        assert len(catalog(found)) > 1000
        for schema in SCHEMAS:
            assert differences(by_dbt.home.build_database, found.home.build_database, schema=schema) == []
    (count,) = found.rows("select count(*) from marts.ab_test_results")[0]
    assert count > 0
