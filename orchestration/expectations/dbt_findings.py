"""What dbt tests and models found wrong, told so that a person can go on from there; never with anybody's words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.expectations.results import SHOWN_EXAMPLES, Severity
from orchestration.printable import one_line

_SEVERITIES: Mapping[str, Severity] = {"error": "error", "fail": "error", "runtime error": "error", "warn": "warn"}
# Texts are shown only in columns of keys and of names out of closed lists; any other may be what somebody wrote.
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


def read_dbt_findings(target: Path, build_database: Path, raw_database: Path) -> tuple[DbtFinding, ...]:
    """Return what the last dbt command with the artefacts in `target` found wrong, errors first.

    Each failed test is run once more for its first rows, read-only, so the databases must be free. Returns nothing when
    dbt ended before it ran anything.
    """
    run_results = target / "run_results.json"
    if not run_results.exists():
        return ()
    nodes: Mapping[str, Any] = json.loads((target / "manifest.json").read_text())["nodes"]
    results = [one for one in json.loads(run_results.read_text())["results"] if one["status"] in _SEVERITIES]
    if not results:
        return ()
    with duckdb.connect(str(build_database), read_only=True) as connection:
        connection.execute("attach '" + str(raw_database).replace("'", "''") + "' as raw (read_only)")
        found = [_finding(connection, target, nodes[one["unique_id"]], one) for one in results]
    return tuple(sorted(found, key=lambda one: one.severity != "error"))


def _finding(
    connection: duckdb.DuckDBPyConnection, target: Path, node: Mapping[str, Any], result: Mapping[str, Any]
) -> DbtFinding:
    row_count = result.get("failures")
    compiled = target / "compiled" / node["package_name"] / node["original_file_path"]
    if compiled.suffix != ".sql":
        # A generic test lies in a folder named after the yml that declares it.
        compiled = compiled / node["path"]
    has_rows = node["resource_type"] == "test" and bool(row_count)
    return DbtFinding(
        name=node["name"],
        resource_type=node["resource_type"],
        severity=_SEVERITIES[result["status"]],
        message=" ".join(str(result.get("message") or result["status"]).split())[:_MESSAGE_CHARACTERS],
        row_count=row_count,
        compiled=compiled if compiled.exists() else None,
        rows=_first_rows(connection, result["compiled_code"]) if has_rows else (),
    )


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
