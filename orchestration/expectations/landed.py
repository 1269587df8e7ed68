"""What is expected of landed files: a bounded sample of each source, and the account of every load."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.expectations.frames import (
    newest_events,
    newest_file_loads,
    newest_load,
    open_read_only,
    sources_since,
)
from orchestration.expectations.results import CheckResult, Expectation
from orchestration.expectations.validation import validate
from orchestration.warehouse.source_contracts import SOURCES

if TYPE_CHECKING:
    import pandas as pd

# More refused lines than this usually means that the format of a source has changed.
REJECTED_SHARE_WARNED = 0.05
# An open vocabulary has dozens of types; hundreds mean that ids or texts ended up in the type.
EVENT_TYPES_WARNED = 200
_PLACEHOLDERS = r"(?i)^\s*(?:null|none|nil|nan|undefined|unknown|n/?a|\[object object\])\s*$"
_ROW = ("file", "line")


def _source_expectations(source: str) -> tuple[Expectation, ...]:
    return (
        Expectation(
            f"{source}_rows_come_from_its_folder",
            source,
            "error",
            "Every row names the file it came from, and that file lies in the folder of its source.",
            "ExpectColumnValuesToMatchRegex",
            {"column": "file", "regex": f"^{source}/"},
            _ROW,
        ),
        Expectation(
            f"{source}_events_lie_before_their_load",
            source,
            "error",
            "No accepted event is dated more than a day after its load.",
            "ExpectColumnValuesToBeBetween",
            {"column": "hours_after_load", "max_value": 24},
            _ROW,
        ),
        Expectation(
            f"{source}_events_lie_after_1999",
            source,
            "error",
            "No accepted event is dated before 2000-01-01.",
            "ExpectColumnValuesToBeBetween",
            {"column": "occurred_at", "min_value": "2000-01-01 00:00:00", "max_value": "2262-01-01 00:00:00"},
            _ROW,
        ),
        Expectation(
            f"{source}_conversation_ids_are_real",
            source,
            "warn",
            "No conversation id is a placeholder such as null or undefined, which would melt strangers into one.",
            "ExpectColumnValuesToNotMatchRegex",
            {"column": "conversation_id", "regex": _PLACEHOLDERS},
            _ROW,
        ),
        Expectation(
            f"{source}_event_types_are_few",
            source,
            "warn",
            f"At most {EVENT_TYPES_WARNED} event types in the sample; more mean that ids ended up in the type.",
            "ExpectColumnUniqueValueCountToBeBetween",
            {"column": "event_type", "max_value": EVENT_TYPES_WARNED},
        ),
    )


_FILE_EXPECTATIONS = (
    Expectation(
        "every_line_is_accounted_for",
        "loaded_files",
        "error",
        "lines = accepted + rejected + duplicates, for every load of a file.",
        "ExpectColumnPairValuesToBeEqual",
        {"column_A": "lines", "column_B": "accounted_lines"},
        ("file", "load_id"),
        "loads of files",
    ),
    Expectation(
        "reread_lines_are_duplicates",
        "loaded_files",
        "error",
        "Lines read again are a part of the duplicates, for every load of a file.",
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": "duplicates", "column_B": "reread", "or_equal": True},
        ("file", "load_id"),
        "loads of files",
    ),
)
_LOAD_EXPECTATIONS = (
    Expectation(
        "no_more_rows_than_accepted",
        "loaded_files",
        "error",
        # Fewer are no error: erased users leave the tables, not the account.
        "The newest load left no more rows in the table of a source than it accepted: no file was loaded twice.",
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": "accepted", "column_B": "held", "or_equal": True},
        ("source", "load_id"),
        "sources",
    ),
    Expectation(
        "few_lines_are_rejected",
        "loaded_files",
        "warn",
        f"At most {REJECTED_SHARE_WARNED:.0%} of a source's lines of the newest load were refused.",
        "ExpectColumnValuesToBeBetween",
        {"column": "rejected_share", "max_value": REJECTED_SHARE_WARNED},
        ("source", "load_id", "rejected", "lines"),
        "sources",
    ),
)

_BY_SOURCE = {source: _source_expectations(source) for source in SOURCES}
LANDED_EXPECTATIONS = (
    *(one for group in _BY_SOURCE.values() for one in group),
    *_FILE_EXPECTATIONS,
    *_LOAD_EXPECTATIONS,
)


def check_landed(raw_database: Path, *, since_load_id: int = 0) -> tuple[CheckResult, ...]:
    """Return one result per expectation of LANDED_EXPECTATIONS, in their order; the cost does not grow with the files.

    A source of which nothing was accepted after load `since_load_id`, the last that a complete build covered, has been
    judged before. Raises duckdb.Error when the database cannot be read.
    """
    results: list[CheckResult] = []
    with open_read_only(raw_database) as connection:
        due = sources_since(connection, since_load_id)
        for source, expectations in _BY_SOURCE.items():
            if source in due:
                results += validate(newest_events(connection, SOURCES[source]), expectations)
            else:
                results += [_judged_before(one) for one in expectations]
        accounts: tuple[tuple[Callable[[duckdb.DuckDBPyConnection], pd.DataFrame], tuple[Expectation, ...]], ...] = (
            (newest_file_loads, _FILE_EXPECTATIONS),
            (newest_load, _LOAD_EXPECTATIONS),
        )
        for read, expectations in accounts:
            results += validate(read(connection), expectations)
    return tuple(results)


def _judged_before(one: Expectation) -> CheckResult:
    return CheckResult(
        one.name, one.table, one.severity, success=True, observed="nothing has landed since the last build"
    )
