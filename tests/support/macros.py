"""Renders macros to the SQL they stand for: a project of nothing but macros, compiled by a single dbt command."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.settings import PROJECT_DIR


def write_macro_project(project: Path, folders: Iterable[str], variables: Mapping[str, str] | None = None) -> None:
    """Write a project that holds the named folders of macros and no model yet."""
    for name in folders:
        shutil.copytree(PROJECT_DIR / "macros" / name, project / "macros" / name)
    (project / "models").mkdir()
    settings = {"name": "colloquy", "version": "1.0", "profile": "colloquy", "vars": dict(variables or {})}
    profile = {"target": "duckdb", "outputs": {"duckdb": {"type": "duckdb", "path": str(project / "macros.duckdb")}}}
    # JSON is YAML.
    (project / "dbt_project.yml").write_text(json.dumps(settings))
    (project / "profiles.yml").write_text(json.dumps({"colloquy": profile}))


def compile_models(
    project: Path, models: Mapping[str, str], command: str = "compile"
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the SQL each model compiles to, and dbt's error of each that does not compile.

    `compile` stops at the first that does not; `run` goes on. Raises AssertionError when dbt gives no result at all.
    """
    for name, text in models.items():
        (project / "models" / f"{name}.sql").write_text(text)
    folders = ["--project-dir", str(project), "--profiles-dir", str(project), "--log-path", str(project / "logs")]
    outcome = dbtRunner().invoke(["--quiet", command, *folders, "--target-path", str(project / "target")])
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    results = getattr(outcome.result, "results", [])
    assert results, f"dbt {command} failed: {outcome.exception}"
    failed = {one.node.name: str(one.message) for one in results if one.status == "error"}
    return {one.node.name: one.node.compiled_code for one in results if one.node.name not in failed}, failed


def render(
    project: Path, models: Mapping[str, str], folders: Iterable[str], variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the SQL of each model over the named folders of macros; raises AssertionError when one fails."""
    write_macro_project(project, folders, variables)
    compiled, failed = compile_models(project, models)
    assert not failed, failed
    return compiled
