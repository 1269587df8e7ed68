"""dbt in this process over a manifest that is handed in: nothing is parsed again, and no second process starts.

dbt is imported where it is called: most runs do without it.
"""

from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.building.node_outcomes import Invocation, Outcome

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# The result of a node holds its message, so dbt writes no log and no artefacts: half of its log costs as much as the
# SQL of a small build, and so do the artefacts, which nothing reads.
_SILENT = ("--quiet", "--log-level", "none", "--log-level-file", "none", "--no-write-json")


@lru_cache(maxsize=1)
def read_manifest(parsed: Path, _stamp: str) -> "Manifest":
    """Return the manifest that dbt kept next to its last parse; `_stamp` distinguishes one parse from the next."""
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415

    manifest = Manifest.from_msgpack(parsed.read_bytes())
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def invoke(
    manifest: "Manifest",
    project: Path,
    target: Path,
    command: Sequence[str],
    *,
    on_node: Callable[[int], None] = lambda _: None,
    on_statement: Callable[[str, str], None] = lambda _node, _sql: None,
) -> Invocation:
    """Run one dbt command; `on_node` gets the count of ended nodes after each node, `on_statement` what dbt sends.

    A node that fails is an outcome and raises nothing. The database is free again when it returns.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    _make_ready(manifest, project)
    ended = 0

    # dbt's events have no public types.
    def listen(event: object) -> None:
        nonlocal ended
        name, data = event.info.name, event.data  # type: ignore[attr-defined]
        if name == "NodeFinished":
            ended += 1
            on_node(ended)
        elif name == "SQLQuery":
            on_statement(data.node_info.unique_id, data.sql)

    runner = dbtRunner(manifest=manifest, callbacks=[listen])
    paths = ["--project-dir", str(project), "--target-path", str(target)]
    try:
        with redirect_stdout(StringIO()):
            result = runner.invoke([*_SILENT, *command, *paths])
    finally:
        # dbt-duckdb keeps the files open for the life of the process; the other steps of a run need them.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    outcomes = tuple(_outcome(one) for one in getattr(result.result, "results", None) or ())
    if outcomes or result.success:
        return Invocation(outcomes, None)
    return Invocation((), " ".join(str(result.exception or "no node ran").split()))


def _make_ready(manifest: "Manifest", project: Path) -> None:
    from dbt.contracts.graph.nodes import ModelNode, SeedNode  # noqa: PLC0415

    for node in manifest.nodes.values():
        # A model that an earlier invocation compiled would not take the SQL of its ephemeral ones in again.
        if isinstance(node, ModelNode):
            node.extra_ctes_injected, node.extra_ctes = False, []
        # The folder that dbt reads a seed from: by default that of the project that was parsed.
        if isinstance(node, SeedNode):
            node.root_path = str(project)


def _outcome(result: object) -> Outcome:
    node = result.node  # type: ignore[attr-defined]
    return Outcome(
        unique_id=str(node.unique_id),
        name=str(node.name),
        resource_type=str(node.resource_type.value),
        status=str(result.status.value if hasattr(result.status, "value") else result.status),  # type: ignore[attr-defined]
        seconds=float(result.execution_time),  # type: ignore[attr-defined]
        message=" ".join(str(result.message or "").split()),  # type: ignore[attr-defined]
        compiled_sql=getattr(node, "compiled_code", None),
    )
