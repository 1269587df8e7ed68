"""The dbt manifest that Dagster reads its assets from, parsed again only when the project has changed."""

import hashlib
import json
from pathlib import Path

from dbt.cli.main import dbtRunner

from orchestration.building.project import LABELLED_MODELS, assemble_project, dbt_flags, project_files
from orchestration.home import Home
from orchestration.settings import Settings


class ManifestError(RuntimeError):
    """dbt could not parse the project; the message is dbt's."""


def prepare_manifest(settings: Settings) -> Path:
    """Return the path of an up-to-date manifest.json under COLLOQUY_HOME, parsing the project if needed.

    Raises ManifestError with dbt's words when the project does not parse.
    """
    home = Home(settings.home)
    home.create()
    assemble_project(home.dbt_project, settings.seeds)
    manifest = home.dbt_target / "manifest.json"
    stamp = home.dbt_target / "manifest.sha256"
    wanted = _project_hash(home.dbt_project, dbt_flags(settings))
    if manifest.exists() and stamp.exists() and stamp.read_text() == wanted:
        return manifest
    paths = ["--project-dir", str(home.dbt_project), "--target-path", str(home.dbt_target)]
    result = dbtRunner().invoke(["--quiet", "parse", *dbt_flags(settings), *paths])
    if not result.success:
        raise ManifestError(f"dbt cannot parse {home.dbt_project}: {result.exception}")
    stamp.write_text(wanted)
    return manifest


def behind_labels(manifest: Path) -> str:
    """Return the dbt selection of everything that labelling does not read: what is built behind the labels.

    By name: what a selection excludes takes along every test that looks at it and at something else. A folder none of
    whose nodes is read before is named as one: dbt searches the graph once for every name.
    """
    nodes = _nodes(manifest)
    behind = _behind(manifest)
    split = {fqn[:length] for name, fqn in nodes.items() if name not in behind for length in range(1, len(fqn))}
    return " ".join(sorted({"fqn:" + ".".join(_widest(nodes[name], split)) for name in behind}))


def nodes_behind_labels(manifest: Path) -> set[str]:
    """Return the names of the models and seeds that labelling does not read."""
    return {unique_id.rpartition(".")[2] for unique_id in _behind(manifest)}


def _behind(manifest: Path) -> set[str]:
    """Return the models and seeds that labelling does not read, by unique id: a source may have the name of a model."""
    parents: dict[str, list[str]] = json.loads(manifest.read_text())["parent_map"]
    before: set[str] = set()
    waiting = [name for name in parents if name.rpartition(".")[2] in LABELLED_MODELS]
    while waiting:
        name = waiting.pop()
        if name not in before:
            before.add(name)
            waiting += parents[name]
    return set(_nodes(manifest)) - before


def _nodes(manifest: Path) -> dict[str, tuple[str, ...]]:
    """Return the folders and name of each model and seed, by unique id."""
    nodes = json.loads(manifest.read_text())["nodes"]
    return {key: tuple(node["fqn"]) for key, node in nodes.items() if node["resource_type"] in {"model", "seed"}}


def _widest(fqn: tuple[str, ...], split: set[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the widest folder around a node that is not in `split`, the node itself when all are."""
    return next((fqn[:length] for length in range(1, len(fqn)) if fqn[:length] not in split), fqn)


def published_models(manifest: Path) -> dict[str, str]:
    """Return the models under models/marts and the names of their tables: what readers get, and nothing else."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    return {
        node["name"]: node["alias"]
        for node in sorted(nodes, key=lambda node: str(node["name"]))
        if node["resource_type"] == "model" and node["path"].startswith("marts/")
    }


def _project_hash(project: Path, flags: list[str]) -> str:
    digest = hashlib.sha256(" ".join(flags).encode())
    for path in project_files(project):
        digest.update(path.relative_to(project).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
