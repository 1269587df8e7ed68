"""A full refresh without dbt's fixed price: what dbt sent for each node of the project, sent again.

On a full refresh a node's statements follow from the project, from the kind of its own relation if that exists, for a
seed from the shape of its file (its rows are read by the statements themselves), and for a model that asks the database
while it is compiled from the answers. What was sent is kept a file a node, so that a test that builds a part of the
project, or one seed of its own, uses what others have had dbt write.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from orchestration.building.connection import open_build
from orchestration.building.dbt_manifest import asking_nodes, split_at_labels, standing_nodes
from orchestration.building.invocation import invoke
from orchestration.building.node_outcomes import Invocation
from orchestration.building.project import build_command, dbt_flags
from orchestration.building.replay import NodeStatements, replay
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from tests.support.recorded_refresh import at_home, folder_of_statements, keep, kept, lasting, portable, recorded

_PUBLISHED = re.compile(r"published_before\('(\w+)'\)")
_NODE = re.compile(r'\s*/\* .*"node_id": "(?P<key>[^"]*)".* \*/')
_LISTED = ["--resource-type", "model", "--resource-type", "seed", "--output", "json", "--output-keys", "unique_id"]
_SCHEMAS = "model.colloquy.schemas"


@dataclass(frozen=True)
class ParsedProject:
    """A project of a warehouse: where it lies, and what dbt makes of it."""

    home: Home
    settings: Settings
    parsed: Callable[[], Manifest]

    @property
    def folder(self) -> Path:
        """The folder for what dbt makes of this project, for all processes."""
        return folder_of_statements(self.settings)

    def graph(self) -> dict[str, Any]:
        """Return the nodes in build order with what decides their statements, and the names that a run selects by."""
        file = self.folder / "graph.json"
        known = kept(file)
        if known is None:
            self.parsed()
            manifest = self.home.dbt_target / "manifest.json"
            known = _graph(json.loads(manifest.read_bytes()))
            keep(file, known)
        return known

    def selected(self, selection: Sequence[str]) -> list[str]:
        """Return the ids of models and seeds that dbt selects, in build order."""
        nodes = self.graph()["nodes"]
        if not selection:
            return list(nodes)
        file = self.folder / f"selected-{hashlib.sha256(json.dumps(list(selection)).encode()).hexdigest()}.json"
        known = kept(file)
        if known is None:
            known = {"names": self._listed(selection)}
            keep(file, known)
        chosen = set(known["names"])
        return [key for key in nodes if key in chosen]

    def _listed(self, selection: Sequence[str]) -> list[str]:
        paths = ["--project-dir", str(self.home.dbt_project), "--target-path", str(self.home.dbt_target)]
        command = ["--quiet", "list", *dbt_flags(self.settings), *paths, *selection]
        command += [*_LISTED]
        with redirect_stdout(StringIO()):
            listed = dbtRunner(manifest=self.parsed()).invoke(command)
        assert isinstance(listed.result, list), listed.exception
        return [json.loads(line)["unique_id"] for line in listed.result]


def full_refresh(project: ParsedProject, selection: Sequence[str]) -> Invocation:
    """Rebuild the selection from what dbt sent for the same nodes before; dbt builds nodes without a record."""
    command = build_command(project.settings, is_full_refresh=True)
    nodes, wanted = project.graph()["nodes"], project.selected(selection)
    files = _files(project, wanted, _found(project.home))
    known = {key: found["statements"] for key, file in files.items() if (found := kept(file)) is not None}
    missing = [key for key in wanted if key not in known]
    if any(not nodes[key]["is_seed"] for key in missing):
        return _recorded(project, [*command, *selection], files)
    if missing:
        seeds = _recorded(project, [*command, "--select", " ".join(nodes[key]["name"] for key in missing)], files)
        if not seeds.is_success:
            return seeds
    here = [NodeStatements(key, tuple(at_home(known[key], project.home.dbt_project))) for key in wanted if key in known]
    return replay(project.home, [NodeStatements(_SCHEMAS, tuple(_schemas(project))), *here], lambda _: None)


def _recorded(project: ParsedProject, command: Sequence[str], files: Mapping[str, Path]) -> Invocation:
    """Have dbt build and keep what it sends."""
    home, sent = project.home, dict[str, list[str]]()
    with recorded() as statements:
        # With more threads, the statements of several nodes would mingle.
        arguments = [*command, "--threads", "1"]
        done = invoke(project.parsed(), home.dbt_project, home.dbt_target / "run", arguments)
    node = ""
    for sql in statements:
        # dbt begins a statement with a comment that names the node, but for the rows of a seed.
        named = _NODE.match(sql)
        node = named["key"] if named else node
        sent.setdefault(node, []).append(sql)
    if done.is_success:
        for key in sent.keys() & files.keys():
            keep(files[key], {"statements": portable(lasting(sent[key]), home.dbt_project)})
    return done


def statements_of_a_first_build(project: ParsedProject, left_out: Collection[str]) -> list[str] | None:
    """Return what dbt sends for an empty database, but for some models by name; None before it ever has."""
    graph = project.graph()
    wanted = [key for key, node in graph["nodes"].items() if node["name"] not in left_out]
    statements = _schemas(project)
    for file in _files(project, wanted, _Found()).values():
        known = kept(file)
        if known is None:
            return None
        statements += at_home(known["statements"], project.home.dbt_project)
    return statements


@dataclass(frozen=True)
class _Found:
    """What a build finds: the kinds of the relations by schema and name, marts as published, how the last one ended."""

    kinds: Mapping[tuple[str, str], str] = field(default_factory=dict)
    published: Collection[str] = ()
    is_interrupted: bool = False


def _found(home: Home) -> _Found:
    with open_build(home) as connection:
        relations = connection.execute(
            """
            select database_name = current_database(), schema_name, table_name, 'table' from duckdb_tables()
            union all
            select database_name = current_database(), schema_name, view_name, 'view' from duckdb_views()
            where not internal
            """
        ).fetchall()
        newest = "select is_complete from state.builds order by build_id desc limit 2"
        is_complete = connection.execute(newest).fetchall()
        published = "select table_name from duckdb_tables() where database_name = 'published_before'"
        return _Found(
            kinds={(schema, name): kind for is_here, schema, name, kind in relations if is_here},
            published={name for (name,) in connection.execute(published).fetchall()},
            is_interrupted=is_complete[1:] == [(False,)],
        )


def _files(project: ParsedProject, wanted: Iterable[str], found: _Found) -> dict[str, Path]:
    """Return the file for what each node sends when a build finds this."""
    graph = project.graph()
    answers = [sorted(set(graph["published"]) & set(found.published)), found.is_interrupted]
    folder = project.folder / "nodes"
    folder.mkdir(exist_ok=True)
    files = {}
    for key in wanted:
        node = graph["nodes"][key]
        follows_from = [
            key,
            found.kinds.get((node["schema"], node["alias"])),
            _shape(project.home.seeds / f"{node['name']}.csv") if node["is_seed"] else None,
            answers if node["is_asking"] else None,
        ]
        files[key] = folder / f"{hashlib.sha256(json.dumps(follows_from).encode()).hexdigest()}.json"
    return files


def _schemas(project: ParsedProject) -> list[str]:
    return [f"create schema if not exists {name}" for name in project.graph()["schemas"]]


def _shape(seed: Path) -> list[object]:
    """Return what dbt's statements follow from in the file of a seed: the columns, and whether there are rows."""
    lines = seed.read_text().splitlines()
    return [lines[:1], len(lines) > 1]


def _graph(content: Mapping[str, Any]) -> dict[str, Any]:
    kinds = ("model", "seed")
    nodes = {key: node for key, node in content["nodes"].items() if node["resource_type"] in kinds}
    parents = {key: set(content["parent_map"][key]) & nodes.keys() for key in nodes}
    order: list[str] = []
    while len(order) < len(nodes):
        order += sorted(key for key in nodes if key not in order and parents[key] <= set(order))
    asking = asking_nodes(content)
    canonical, behind = split_at_labels(content)
    return {
        "nodes": {
            key: {
                "name": nodes[key]["name"],
                "schema": nodes[key]["schema"],
                "alias": nodes[key]["alias"],
                "is_seed": nodes[key]["resource_type"] == "seed",
                "is_asking": key in asking,
            }
            for key in order
        },
        "canonical": sorted(nodes[key]["name"] for key in canonical),
        "behind": sorted(nodes[key]["name"] for key in behind),
        "schemas": sorted({node["schema"] for node in nodes.values()}),
        "published": sorted({name for node in nodes.values() for name in _PUBLISHED.findall(node["raw_code"])}),
        "standing": sorted(content["nodes"][key]["name"] for key in standing_nodes(content)),
    }
