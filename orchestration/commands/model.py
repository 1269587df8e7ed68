"""`make model`: one model and what follows from it, built and tested on a small warehouse that is kept."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.building.dbt_manifest import ManifestError
from orchestration.building.invocation import invoke
from orchestration.building.outcomes import Outcome
from orchestration.building.project import assemble_project, build_command, dbt_flags
from orchestration.commands.demo import settings_of_demo, simulate_warehouse
from orchestration.commands.run import run_warehouse
from orchestration.commands.show import table_of
from orchestration.redaction.printable import printable
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.quoting import quoted

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# Small enough for seconds, and large enough for every model to have rows.
_CONVERSATIONS = 400
_DAYS = 12
_PROGRESS_EVERY = 50


def build_model(settings: Settings, name: str) -> int:
    """Build a model and what follows from it as the files in this folder say, run their tests, print its first rows.

    The warehouse lies in `model-warehouse` of COLLOQUY_HOME; the first call makes it. Returns 0, 1 when something
    failed, 2 when there is no such model.
    """
    from dbt.contracts.graph.nodes import ModelNode  # noqa: PLC0415

    home = Home(settings.home / "model-warehouse")
    simulate_warehouse(home, conversations=_CONVERSATIONS, days=_DAYS)
    kept = settings_of_demo(settings, home)
    if not home.build_database.exists():
        print("Building the small warehouse, once", file=sys.stderr)
        code = run_warehouse(kept, is_simulated=True)
        if code != 0:
            return code
    try:
        manifest = _parsed(kept)
    except ManifestError as error:
        print(printable(str(error)))
        return 1
    models = {node.name: node for node in manifest.nodes.values() if isinstance(node, ModelNode)}
    if name not in models:
        near = get_close_matches(name, models, n=3)
        hint = f"near it: {', '.join(near)}" if near else "models/ holds them all"
        print(f"no model is called {name!r}; {hint}")
        return 2
    outcomes: list[Outcome] = []
    for command in _commands(kept, name):
        done = invoke(manifest, _project(home), home.dbt_target / "model", command, on_node=_print_progress)
        if done.error is not None:
            print(printable(done.error))
            return 1
        outcomes += done.outcomes
    failed = [one for one in outcomes if not one.is_success]
    for one in failed:
        # What stands behind a failed model was not tried.
        if one.status != "skipped":
            print(printable(f"{one.status}: {one.name}: {one.message}"))
    print(_summary(outcomes))
    node = models[name]
    with duckdb.connect(str(home.build_database), read_only=True) as connection:
        connection.execute(f"attach '{home.raw_database}' as raw (read_only)")
        connection.execute(f"attach '{home.published_before}' as published_before (read_only)")
        print(printable(table_of(connection, f"from {quoted(node.schema)}.{quoted(node.alias)} limit 5")))
    return 1 if failed else 0


def _commands(settings: Settings, name: str) -> Iterator[list[str]]:
    """Yield what dbt is to do: unit tests as in an incremental run, tables from nothing, data tests over all rows."""
    yield ["test", "--select", f"{name}+,test_type:unit", *dbt_flags(settings)]
    yield [
        *build_command(settings, is_full_refresh=True),
        "--exclude-resource-type",
        "unit_test",
        "--select",
        f"{name}+",
    ]
    yield ["test", "--select", f"{name}+,test_type:data", *dbt_flags(settings)]


def _project(home: Home) -> Path:
    return home.root / "dbt" / "model-project"


def _parsed(settings: Settings) -> "Manifest":
    """Return what dbt makes of the models here, their unit tests included."""
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    home = Home(settings.home)
    project = _project(home)
    assemble_project(project, settings.seeds)
    shutil.copytree(PROJECT_DIR / "tests" / "unit", project / "tests" / "unit", dirs_exist_ok=True)
    target = home.dbt_target / "model"
    target.mkdir(parents=True, exist_ok=True)
    paths = ["--project-dir", str(project), "--target-path", str(target)]
    result = dbtRunner().invoke(["--quiet", "parse", *dbt_flags(settings), *paths])
    if not result.success:
        raise ManifestError(f"dbt cannot parse the models: {result.exception}")
    manifest: Manifest = result.result  # type: ignore[assignment] # of `parse` it is the manifest
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def _print_progress(ended: int) -> None:
    if ended % _PROGRESS_EVERY == 0:
        print(f"  {ended} nodes", file=sys.stderr)


def _summary(outcomes: Sequence[Outcome]) -> str:
    counts: dict[str, int] = {}
    for one in outcomes:
        kind = {"test": "data tests", "unit_test": "unit tests"}.get(one.resource_type, f"{one.resource_type}s")
        counts[kind] = counts.get(kind, 0) + 1
    failed = sum(not one.is_success for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    return f"{', '.join(f'{count} {kind}' for kind, count in sorted(counts.items()))}: {failed} failed, {seconds:.1f} s"
