"""A warehouse in which a person stands in every field and kind of file."""

from pathlib import Path

import pytest

from tests.support.planted_person import plant
from tests.support.warehouse import WarehouseUnderTest

SEEDS = {
    "segment_dimensions.csv": "dimension,column_name,property,top_n,is_hourly\nplan,,plan,,false\n",
    "success_signals.csv": "source,event_type,property,value,strength\n",
}


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseUnderTest:
    one = WarehouseUnderTest(tmp_path, SEEDS)
    plant(one)
    one.land()
    return one
