"""Seeded events in SQL: the same for the same arguments, as files for landing or as rows of raw tables."""

from tests.benchmarks.generator.events import landed_rows
from tests.benchmarks.generator.files import WrittenFile, write_file
from tests.benchmarks.generator.population import EVENTS_PER_CONVERSATION, Population
from tests.benchmarks.generator.raw_tables import land_days

__all__ = ["EVENTS_PER_CONVERSATION", "Population", "WrittenFile", "land_days", "landed_rows", "write_file"]
