"""`make model`: one model and what follows from it, built and tested on a small warehouse that is kept."""

import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from orchestration.building.connection import open_build
from orchestration.building.dbt_manifest import ManifestError
from orchestration.building.invocation import invoke
from orchestration.building.node_outcomes import Outcome
from orchestration.building.project import build_command, dbt_flags
from orchestration.commands.show import table_of
from orchestration.commands.small_warehouse import (
    SmallWarehouseError,
    parsed_project,
    project_folder,
    small_warehouse,
    target_folder,
)
from orchestration.redaction.printable import printable
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.quoting import quoted

_PROGRESS_EVERY = 50


def build_model(settings: Settings, name: str) -> int:
    """Build a model and what follows from it as the files in this folder say, run their tests, print its first rows.

    Returns 0, 1 when something failed, 2 when there is no such model.
    """
    known = [path.stem for path in (PROJECT_DIR / "models").rglob("*.sql")]
    if name not in known:
        near = get_close_matches(name, known, n=3)
        hint = f"near it: {', '.join(near)}" if near else "models/ holds them all"
        print(printable(f"no model is called {name!r}; {hint}"))
        return 2
    from dbt.contracts.graph.nodes import ModelNode  # noqa: PLC0415

    try:
        kept = small_warehouse(settings)
        manifest = parsed_project(kept)
    except (SmallWarehouseError, ManifestError) as error:
        print(printable(str(error)))
        return 1
    home = Home(kept.home)
    models = {node.name: node for node in manifest.nodes.values() if isinstance(node, ModelNode)}
    outcomes: list[Outcome] = []
    for command in _commands(kept, name):
        done = invoke(manifest, project_folder(home), target_folder(home), command, on_node=_print_progress)
        if done.error is not None:
            print(printable(done.error))
            return 1
        outcomes += done.outcomes
    failed = [one for one in outcomes if not one.is_success]
    for one in failed:
        # The nodes behind a failed model were not tried.
        if one.status != "skipped":
            print(printable(f"{one.status}: {one.name}: {one.message}"))
    print(_summary(outcomes))
    node = models[name]
    with open_build(home) as connection:
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
