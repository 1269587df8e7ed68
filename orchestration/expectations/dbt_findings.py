"""What dbt tests and models found wrong, shown so that a person can go on from there; never with people's texts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.building.connection import open_build
from orchestration.building.data_tests import FailedTest
from orchestration.building.node_outcomes import Outcome
from orchestration.expectations.results import SHOWN_EXAMPLES, Severity
from orchestration.redaction.printable import one_line
from orchestration.warehouse.home import Home

# Texts are shown only in columns of keys and of names out of closed lists; any other may hold what a person wrote.
_SHOWN_ENDINGS = ("_id", "_key", "_type", "_kind", "_role", "_name", "_date", "_hash", "_by")
_SHOWN_COLUMNS = {
    *("source", "funnel", "stage", "segment", "metric_name", "environment", "offence", "outcome", "outcome_reason"),
    # What dbt's own tests call the value they found: they stand on keys and closed lists.
    *("value_field", "unique_field", "from_field"),
}
_TEXT_TYPES = {"VARCHAR", "JSON", "BLOB"}
_MESSAGE_CHARACTERS = 300


@dataclass(frozen=True)
class DbtFinding:
    """A dbt test that found rows, or a node that could not run; `compiled` is the file with its SQL."""

    name: str
    resource_type: str
    severity: Severity
    message: str
    row_count: int | None = None
    compiled: Path | None = None
    rows: tuple[Mapping[str, str], ...] = ()

    def summary(self) -> str:
        """Return one line: what failed and how often."""
        what = "failed" if self.severity == "error" else "warns"
        found = f"{self.row_count:,} rows" if self.row_count is not None else self.message.splitlines()[0]
        return f"{self.resource_type} {self.name} {what}: {found}"

    def as_text(self) -> str:
        """Return the summary, the first rows and where the SQL lies that shows all of them."""
        lines = [self.summary()]
        lines += ["  " + ", ".join(f"{column}={one_line(value)}" for column, value in row.items()) for row in self.rows]
        if self.compiled is not None:
            lines.append(f"  all rows: run {self.compiled}")
        return "\n".join(lines)


def failed_nodes(outcomes: Iterable[Outcome]) -> tuple[DbtFinding, ...]:
    """Return what a build could not make; a node behind a failed one was not tried and is no finding of its own."""
    return tuple(
        DbtFinding(one.name, one.resource_type, "error", (one.message or one.status)[:_MESSAGE_CHARACTERS])
        for one in outcomes
        if not one.is_success and one.status != "skipped"
    )


def rows_found(home: Home, failed: Iterable[FailedTest]) -> tuple[DbtFinding, ...]:
    """Return each failed test with its first rows, errors first; runs them again, the databases must be free."""
    failed = list(failed)
    if not failed:
        return ()
    with open_build(home) as connection:
        found = [
            DbtFinding(
                name=one.test.name,
                resource_type="test",
                severity="warn" if one.test.is_warning else "error",
                message=f"{one.row_count} rows",
                row_count=one.row_count,
                compiled=one.test.file,
                rows=_first_rows(connection, one.test.sql),
            )
            for one in failed
        ]
    return tuple(sorted(found, key=lambda one: one.severity != "error"))


def _first_rows(connection: duckdb.DuckDBPyConnection, compiled_code: str) -> tuple[Mapping[str, str], ...]:
    # On lines of their own: the compiled SQL may begin or end with a comment.
    cursor = connection.execute(f"select * from (\n{compiled_code}\n) order by all limit {SHOWN_EXAMPLES}")
    columns = [(str(name), str(kind)) for name, kind, *_ in cursor.description or ()]
    return tuple(
        {name: _shown(name, kind, value) for (name, kind), value in zip(columns, row, strict=True)}
        for row in cursor.fetchall()
    )


def _shown(column: str, kind: str, value: object) -> str:
    is_name = column in _SHOWN_COLUMNS or column.endswith(_SHOWN_ENDINGS)
    is_scalar = kind.upper() not in _TEXT_TYPES and not isinstance(value, str | list | dict)
    if value is None or is_name or is_scalar:
        return str(value)
    return f"({len(str(value))} characters)"
