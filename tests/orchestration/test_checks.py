"""What is told about failing dbt tests: which, how many rows, the first of them, and nobody's words."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.expectations.dbt_findings import DbtFinding, read_dbt_findings

TEST_SQL = "-- rows that are wrong\nselect message_id, content, turn_number from build.marts.messages -- all"


def artefacts(target: Path, results: list[dict[str, Any]]) -> None:
    node = {"package_name": "colloquy", "resource_type": "test"}
    nodes = {
        "test.singular": node
        | {"name": "assert_x", "original_file_path": "tests/singular/assert_x.sql", "path": "singular/assert_x.sql"},
        "test.generic": node
        | {"name": "not_null_y", "original_file_path": "models/marts/y.yml", "path": "not_null_y.sql"},
        "model.z": node
        | {"name": "z", "resource_type": "model", "original_file_path": "models/marts/z.sql", "path": "marts/z.sql"},
    }
    for path in ("tests/singular/assert_x.sql", "models/marts/y.yml/not_null_y.sql"):
        file = target / "compiled" / "colloquy" / path
        file.parent.mkdir(parents=True)
        file.write_text(TEST_SQL)
    (target / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (target / "run_results.json").write_text(json.dumps({"results": results}))


def outcome(unique_id: str, status: str, failures: int | None, message: str = "") -> dict[str, Any]:
    return {
        "unique_id": unique_id,
        "status": status,
        "failures": failures,
        "message": message,
        "compiled_code": TEST_SQL,
    }


@pytest.fixture
def databases(tmp_path: Path) -> tuple[Path, Path]:
    build, raw = tmp_path / "build.duckdb", tmp_path / "raw.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.messages as select 'm' || n as message_id, 'secret words' as content, n as turn_number "
            "from range(7) t(n)"
        )
    duckdb.connect(str(raw)).close()
    return build, raw


def test_failing_test_is_told_with_rows_and_without_text(tmp_path: Path, databases: tuple[Path, Path]) -> None:
    artefacts(tmp_path, [outcome("test.singular", "fail", 7), outcome("model.z", "success", None)])
    (found,) = read_dbt_findings(tmp_path, *databases)
    assert found.summary() == "test assert_x failed: 7 rows"
    assert found.severity == "error"
    assert len(found.rows) == 5
    assert found.rows[0] == {"message_id": "m0", "content": "(12 characters)", "turn_number": "0"}
    assert "secret" not in found.as_text()
    compiled = tmp_path / "compiled" / "colloquy" / "tests" / "singular" / "assert_x.sql"
    assert found.as_text().endswith(f"all rows: run {compiled}")


def test_errors_come_before_warnings(tmp_path: Path, databases: tuple[Path, Path]) -> None:
    artefacts(
        tmp_path,
        [
            outcome("test.generic", "warn", 2),
            outcome("model.z", "error", None, "Runtime Error\n  Binder Error: no such column"),
        ],
    )
    error, warning = read_dbt_findings(tmp_path, *databases)
    assert error.summary() == "model z failed: Runtime Error Binder Error: no such column"
    assert error.rows == ()
    assert warning.summary() == "test not_null_y warns: 2 rows"
    assert warning.compiled is not None
    assert warning.compiled.name == "not_null_y.sql"


def test_nothing_is_told_when_all_is_well_or_nothing_ran(tmp_path: Path, databases: tuple[Path, Path]) -> None:
    assert read_dbt_findings(tmp_path, *databases) == ()
    artefacts(tmp_path, [outcome("test.singular", "pass", 0), outcome("test.generic", "skipped", None)])
    assert read_dbt_findings(tmp_path, *databases) == ()


def test_summary_of_a_node_without_rows_is_its_message() -> None:
    assert DbtFinding("z", "seed", "error", "bad value").as_text() == "seed z failed: bad value"
