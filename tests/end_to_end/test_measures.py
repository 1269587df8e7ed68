"""The measures that a configuration may name are the columns that are counted."""

from pathlib import Path

from orchestration.configuration.measures import measure_names
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import WarehouseUnderTest

_KEYS = {"date", "grain", "hour_at", "segment", "segment_type", "segment_value"}
_COUNTED = {f"int_{counted}_measures_counted" for counted in ("conversation", "interaction", "sales")}


def test_measures_are_the_columns_of_what_is_counted(tmp_path: Path) -> None:
    warehouse = WarehouseUnderTest(tmp_path)
    warehouse.settings.landing.mkdir()
    warehouse.land()
    warehouse.build()
    columns = warehouse.rows("select table_name, column_name from duckdb_columns() where schema_name = 'intermediate'")
    counted = [column for table, column in columns if table in _COUNTED and column not in _KEYS]
    # One name is one measure, whichever model counts it.
    assert len(set(counted)) == len(counted) > 100
    assert measure_names(PROJECT_DIR) == set(counted)
    # Without a conversation there is no list to tell the places from.
    definitions = warehouse.rows("select numerator, denominator from seeds.metric_definitions")
    placed = warehouse.rows(
        "select count(numerator_position), count(denominator_position) from intermediate.int_metric_measures_found"
    )
    named = [[name for name in names if name not in (None, "goal_count")] for names in zip(*definitions, strict=True)]
    # The template of goals alone has a metric for each goal, and there is none.
    without_template = len([1 for numerator, _ in definitions if numerator == "goal_count"])
    assert without_template == 1
    assert placed == [(len(named[0]), len(named[1]) - without_template)]
