"""The dbt manifest that Dagster reads its assets from, parsed again only when the project has changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.building.invocation import read_manifest
from orchestration.building.project import (
    LABELLED_MODEL,
    assemble_project,
    dbt_flags,
    deciding_variables,
    project_files,
)
from orchestration.settings import Settings
from orchestration.warehouse.home import Home

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_STAMP = "manifest.sha256"
# What a model asks while it is compiled: its SQL may be another in the next run, though the project is the same.
_ASKING_MACROS = frozenset(
    {
        "built_through_load_id",
        "counted_through_load_id",
        "earliest_start",
        "published_before",
        "relation_before",
        "was_interrupted",
    }
)


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
    stamp = home.dbt_target / _STAMP
    wanted = project_digest(settings)
    if manifest.exists() and stamp.exists() and stamp.read_text() == wanted:
        return manifest
    paths = ["--project-dir", str(home.dbt_project), "--target-path", str(home.dbt_target)]
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - most runs do without it

    result = dbtRunner().invoke(["--quiet", "parse", *dbt_flags(settings), *paths])
    if not result.success:
        raise ManifestError(f"dbt cannot parse {home.dbt_project}: {result.exception}")
    stamp.write_text(wanted)
    return manifest


def parsed_manifest(settings: Settings) -> "Manifest":
    """Return what dbt parsed when the manifest was prepared, read once a process; raises OSError before that."""
    target = Home(settings.home).dbt_target
    return read_manifest(target / "partial_parse.msgpack", (target / _STAMP).read_text())


def recordings_folder(home: Home) -> Path:
    """Return the folder for what dbt sends while the prepared project stands; raises OSError before that."""
    return home.dbt_target / "statements" / (home.dbt_target / _STAMP).read_text()


def standing_nodes(content: Mapping[str, Any]) -> set[str]:
    """Return the ids of seeds and views that every run of the same project would make again as they are.

    `content` is manifest.json. A view that asks the database while it is compiled, or reads the run's flags, is none.
    """
    asking = asking_nodes(content)
    return {
        key
        for key, node in content["nodes"].items()
        if node["resource_type"] == "seed"
        or (node["resource_type"] == "model" and node["config"]["materialized"] == "view" and key not in asking)
    }


def asking_nodes(content: Mapping[str, Any]) -> set[str]:
    """Return the ids of models that ask the database while they are compiled, or read the run's flags."""
    macros: Mapping[str, Any] = content["macros"]
    return {
        key
        for key, node in content["nodes"].items()
        if node["resource_type"] == "model"
        and ("flags." in node["raw_code"] or _asks(node["depends_on"]["macros"], macros))
    }


def _asks(names: Iterable[str], macros: Mapping[str, Any]) -> bool:
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in macros:
            continue
        seen.add(name)
        is_ours = macros[name]["package_name"] == "colloquy"
        if is_ours and (macros[name]["name"] in _ASKING_MACROS or "flags." in macros[name]["macro_sql"]):
            return True
        waiting += macros[name]["depends_on"]["macros"]
    return False


def split_at_labels(content: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the ids of models and seeds built before the labels, which labelling reads, and of those built after.

    `content` is manifest.json.
    """
    parents: Mapping[str, Sequence[str]] = content["parent_map"]
    before: set[str] = set()
    waiting = [name for name in parents if name.rpartition(".")[2] == LABELLED_MODEL]
    while waiting:
        name = waiting.pop()
        if name not in before:
            before.add(name)
            waiting += parents[name]
    made = [key for key, node in content["nodes"].items() if node["resource_type"] in {"model", "seed"}]
    return [key for key in made if key in before], [key for key in made if key not in before]


def published_models(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the models under models/marts and the names of their tables: what readers get, and nothing else.

    `content` is manifest.json.
    """
    nodes = content["nodes"].values()
    return {
        node["name"]: node["alias"]
        for node in sorted(nodes, key=lambda node: str(node["name"]))
        if node["resource_type"] == "model" and node["path"].startswith("marts/")
    }


def project_digest(settings: Settings) -> str:
    """Return the sha256 (hex) of everything that dbt's reading of a warehouse's project follows from.

    Neither the rows of seeds nor where the warehouse lies change what dbt makes of it.
    """
    project, digest = Home(settings.home).dbt_project, hashlib.sha256()
    versions = {name: version(name) for name in ("dbt-core", "dbt-duckdb")}
    digest.update(json.dumps([deciding_variables(settings), versions], sort_keys=True).encode())
    for path in project_files(project):
        name = path.relative_to(project).as_posix()
        content = b"" if path.suffix == ".csv" else path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
