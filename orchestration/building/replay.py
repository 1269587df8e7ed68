"""The statements that dbt sent for an increment, sent again while nothing has changed that they follow from.

dbt writes the same SQL again in every run, which takes longer than to execute it. What may differ from run to run is
either part of the situation, or a literal behind the question whose answer it is: asked_literal in macros/incremental.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import TYPE_CHECKING

import duckdb

from orchestration.building.connection import open_build
from orchestration.building.node_outcomes import Invocation, Outcome
from orchestration.warehouse.home import Home

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# What leaves nothing behind, and the borders of dbt's transactions: a replay is one transaction.
_PASSING = ("select", "with", "describe", "explain", "show", "begin", "commit", "rollback")
_COMMENTS = re.compile(r"(\s*(/\*.*?\*/|--[^\n]*\n))*\s*", re.DOTALL)
_ASKED = re.compile(r"/\* asked: (?P<question>.*?) \*/ (?:timestamp '[^']*'|-?\d+)", re.DOTALL)


@dataclass(frozen=True)
class NodeStatements:
    """What one node of the graph sends to the database, in order.

    `idle_while_empty` names its own relation and the one that it has no rows without (meta `empty_without` of the
    model): while both are empty, there is nothing to send.
    """

    unique_id: str
    statements: tuple[str, ...]
    idle_while_empty: tuple[str, ...] = ()


class Recorder:
    """Collects what dbt sends; nodes stand in the order in which they began, so that none precedes its parents."""

    def __init__(self) -> None:
        self._statements: dict[str, list[str]] = {}

    def add(self, unique_id: str, sql: str) -> None:
        """Take a statement of a node, unless it leaves nothing behind."""
        bare = sql[_COMMENTS.match(sql).end() :]  # type: ignore[union-attr] # it matches nothing, too
        if unique_id and not bare.lower().startswith(_PASSING):
            self._statements.setdefault(unique_id, []).append(bare)

    def nodes(self, manifest: "Manifest") -> tuple[NodeStatements, ...]:
        """Return what has been collected of the nodes of a manifest."""
        return tuple(
            NodeStatements(key, tuple(found), _idle_while_empty(manifest, key))
            for key, found in self._statements.items()
        )


def _idle_while_empty(manifest: "Manifest", unique_id: str) -> tuple[str, ...]:
    node = manifest.nodes[unique_id]
    needed = node.config.meta.get("empty_without")
    if needed is None:
        return ()
    return str(node.relation_name), str(manifest.nodes[f"model.{node.package_name}.{needed}"].relation_name)


def situation(home: Home, selection: Sequence[str]) -> str:
    """Return a digest (hex) of what the statements of an increment follow from, apart from the project.

    These are what is selected, the relations that models ask for, and whether the build before was interrupted.
    """
    with open_build(home) as connection:
        relations = connection.execute(
            """
            select database_name, schema_name, table_name, 'table' from duckdb_tables()
            where database_name in (current_database(), 'published_before')
            union all
            select database_name, schema_name, view_name, 'view' from duckdb_views()
            where database_name in (current_database(), 'published_before') and not internal
            order by all
            """
        ).fetchall()
        builds = connection.execute("select is_complete from state.builds order by build_id desc limit 2").fetchall()
    return hashlib.sha256(json.dumps([list(selection), relations, builds]).encode()).hexdigest()


def read_recording(recording: Path) -> tuple[NodeStatements, ...] | None:
    """Return what was recorded; None when nothing was."""
    try:
        kept = json.loads(recording.read_text())
    except FileNotFoundError:
        return None
    return tuple(NodeStatements(unique_id, tuple(statements), tuple(idle)) for unique_id, statements, idle in kept)


def write_recording(recording: Path, nodes: Iterable[NodeStatements]) -> None:
    """Keep what was recorded for later runs; the folder is that of the project, and those of others go."""
    for other in recording.parents[1].glob("*/"):
        if other != recording.parent:
            shutil.rmtree(other)
    recording.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may record the same.
    with NamedTemporaryFile("w", dir=recording.parent, delete=False) as draft:
        json.dump([[node.unique_id, node.statements, node.idle_while_empty] for node in nodes], draft)
    Path(draft.name).replace(recording)


def replay(home: Home, nodes: Sequence[NodeStatements], on_node: Callable[[int], None]) -> Invocation:
    """Send recorded statements in one transaction: all of it happens, or nothing. A node that is idle stands as it is.

    `on_node` gets the count of ended nodes after each node. A statement that fails is the outcome of its node.
    """
    outcomes: list[Outcome] = []
    with open_build(home, read_only=False) as connection:
        connection.begin()
        for node in nodes:
            started = perf_counter()
            try:
                for sql in () if _is_idle(connection, node) else node.statements:
                    connection.execute(answered(connection, sql))
            except duckdb.Error as error:
                connection.rollback()
                failed = _outcome(node, "error", perf_counter() - started, " ".join(str(error).split()))
                return Invocation((failed,), None)
            outcomes.append(_outcome(node, "success", perf_counter() - started, ""))
            on_node(len(outcomes))
        connection.commit()
    return Invocation(tuple(outcomes), None)


def _is_idle(connection: duckdb.DuckDBPyConnection, node: NodeStatements) -> bool:
    # Its own relation first: a table answers at once.
    return bool(node.idle_while_empty) and not any(
        connection.execute(f"select 1 from {relation} limit 1").fetchone() for relation in node.idle_while_empty
    )


def answered(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Put today's answers in the place of those of the run that has written the SQL."""

    def literal(match: re.Match[str]) -> str:
        row = connection.execute(match["question"]).fetchone()
        answer = row[0] if row else None
        if isinstance(answer, datetime):
            return f"timestamp '{answer}'"
        if isinstance(answer, int):
            return str(answer)
        raise TypeError(f"{match['question']} has the answer {answer!r}, which is neither a number nor a timestamp")

    return _ASKED.sub(literal, sql)


def _outcome(node: NodeStatements, status: str, seconds: float, message: str) -> Outcome:
    resource_type, _, name = node.unique_id.split(".", 2)
    return Outcome(node.unique_id, name, resource_type, status, seconds, message, None)
