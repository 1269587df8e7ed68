"""The data tests of the models: compiled by dbt once a project, run as one query a model.

As nodes of a build they cost twenty times what their SQL does.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.building.connection import open_build
from orchestration.building.dbt_manifest import ManifestError, parsed_manifest
from orchestration.building.invocation import invoke
from orchestration.building.project import dbt_flags
from orchestration.building.replay import answered
from orchestration.settings import Settings
from orchestration.warehouse.home import Home

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_FOLDER = "data_tests"
# What only_built and only_landed of macros/incremental write: the condition of an incremental run, not yet in force.
_BUILT = re.compile(r"true -- built: (?P<condition>[^\n]*)\n")


@dataclass(frozen=True)
class DataTest:
    """One data test of dbt: it holds when `sql` returns no row. `node_id` is the model or seed it is shown with."""

    unique_id: str
    name: str
    node_id: str
    is_warning: bool
    sql: str
    file: Path


@dataclass(frozen=True)
class FailedTest:
    """A test that returned rows."""

    test: DataTest
    row_count: int


def node_of_test(test: Mapping[str, Any], nodes: Mapping[str, Any]) -> str:
    """Return the id of the model or seed a test of manifest.json belongs to: its own, or the one its meta names."""
    if test.get("attached_node"):
        return str(test["attached_node"])
    if len(test["depends_on"]["nodes"]) == 1:
        return str(test["depends_on"]["nodes"][0])
    named = test["config"]["meta"]["dagster"]["ref"]["name"]
    return next(str(key) for key in test["depends_on"]["nodes"] if nodes[key]["name"] == named)


def compiled_tests(settings: Settings) -> tuple[DataTest, ...]:
    """Return every data test of the project with its SQL; dbt compiles them when the project has changed.

    Raises ManifestError with dbt's words when it cannot.
    """
    home = Home(settings.home)
    listed, stamp = home.dbt_target / _FOLDER / "tests.json", (home.dbt_target / "manifest.sha256").read_text()
    if listed.exists():
        kept = json.loads(listed.read_text())
        if kept["stamp"] == stamp:
            return tuple(DataTest(**{**one, "file": listed.with_name(one["file"])}) for one in kept["tests"])
    tests = compile_tests(parsed_manifest(settings), settings)
    plain = [{**asdict(one), "file": one.file.name} for one in tests]
    listed.write_text(json.dumps({"stamp": stamp, "tests": plain}))
    return tests


def compile_tests(manifest: "Manifest", settings: Settings) -> tuple[DataTest, ...]:
    """Have dbt compile the data tests of a parsed project, each into a file that a person can run."""
    home = Home(settings.home)
    folder = home.dbt_target / _FOLDER
    command = ["compile", "--select", "test_type:data", *dbt_flags(settings)]
    done = invoke(manifest, home.dbt_project, folder, command)
    if not done.is_success:
        why = done.error or "; ".join(one.message for one in done.outcomes if not one.is_success)
        raise ManifestError(f"dbt cannot compile the data tests: {why}")
    nodes = json.loads((home.dbt_target / "manifest.json").read_text())["nodes"]
    tests: list[DataTest] = []
    for one in done.outcomes:
        node = nodes[one.unique_id]
        # Not by its name, which may be longer than a file's.
        file = folder / Path(node["path"]).name
        file.write_text(one.compiled_sql or "")
        is_warning = node["config"]["severity"].lower() == "warn"
        sql = one.compiled_sql or ""
        tests.append(DataTest(one.unique_id, one.name, node_of_test(node, nodes), is_warning, sql, file))
    return tuple(tests)


def failed_tests(home: Home, tests: Iterable[DataTest], *, is_incremental: bool = False) -> Iterator[FailedTest]:
    """Run tests over what has been built, one query a model, and yield those that return rows.

    With `is_incremental` over what the last build has made, else over whole tables. The databases must be free of
    writers. Raises duckdb.Error, which names the test, when one cannot be run.
    """
    by_node: dict[str, list[DataTest]] = {}
    with open_build(home) as connection:
        for test in tests:
            sql = answered(connection, _BUILT.sub(r"\g<condition>\n", test.sql)) if is_incremental else test.sql
            by_node.setdefault(test.node_id, []).append(replace(test, sql=sql))
        for group in by_node.values():
            counted = " union all ".join(
                # On lines of their own: the compiled SQL may begin or end with a comment.
                f"select {place} as place, count(*) as row_count from (\n{test.sql}\n)"
                for place, test in enumerate(group)
            )
            for place, row_count in connection.execute(counted).fetchall():
                if row_count:
                    yield FailedTest(group[place], row_count)
