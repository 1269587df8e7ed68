"""What has been built so far, kept beside it: `state.builds` in the build database."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import duckdb

from orchestration.building.project import dbt_variables, project_files
from orchestration.home import Home
from orchestration.settings import Settings

# Tests and descriptions decide no number.
_CONFIGURING = ("dbt_project.yml", "models/*.sql", "macros/*.sql", "seeds/*.csv", "seeds/*.yml")
# Paths say where the warehouse lies, not what is in it: moving a warehouse must not rebuild it.
_PATH_VARIABLES = ("build_database", "raw_database")


@dataclass(frozen=True)
class Build:
    """One build of the warehouse: everything landed up to and including a load."""

    build_id: int
    configuration_hash: str
    through_load_id: int
    is_full_refresh: bool


def configuration_hash(settings: Settings, project: Path) -> str:
    """Return the sha256 (hex) of everything beside the raw data that decides a number in the marts."""
    digest = hashlib.sha256()
    for path in project_files(project):
        name = path.relative_to(project).as_posix()
        if any(fnmatch(name, pattern) for pattern in _CONFIGURING):
            _add(digest, name, path.read_bytes())
    for name, value in sorted(dbt_variables(settings).items()):
        if name not in _PATH_VARIABLES:
            _add(digest, name, str(value).encode())
    return digest.hexdigest()


def begin_build(home: Home, current_hash: str) -> Build:
    """Record that a build starts and say what it covers.

    It is a full refresh when no complete build exists or the configuration has changed since the last complete one:
    incremental models would keep rows made by the old definitions.
    """
    through_load_id = _newest_load_id(home.raw_database)
    with duckdb.connect(home.build_database) as connection:
        connection.execute("create schema if not exists state")
        connection.execute(
            "create table if not exists state.builds "
            "(build_id bigint, configuration_hash varchar, through_load_id bigint, is_complete boolean)"
        )
        # Builds that broke off count too: a table of theirs may hold rows of another configuration.
        since_complete = connection.execute(
            "select distinct configuration_hash from state.builds "
            "where build_id >= (select max(build_id) from state.builds where is_complete)"
        ).fetchall()
        newest = connection.execute("select coalesce(max(build_id), 0) from state.builds").fetchone()
        build_id = (newest[0] if newest else 0) + 1
        connection.execute(
            "insert into state.builds values (?, ?, ?, false)", [build_id, current_hash, through_load_id]
        )
    is_full_refresh = since_complete != [(current_hash,)]
    return Build(build_id, current_hash, through_load_id, is_full_refresh)


def complete_build(home: Home, build: Build) -> None:
    """Record that the build succeeded: the next one starts from here."""
    with duckdb.connect(home.build_database) as connection:
        connection.execute("update state.builds set is_complete = true where build_id = ?", [build.build_id])


def data_until(build_database: Path) -> datetime | None:
    """Return the moment (UTC) up to which the data of every source is taken as complete; None without events."""
    with duckdb.connect(build_database, read_only=True) as connection:
        row = connection.execute("select min(watermark_at) from intermediate.int_watermarks_measured").fetchone()
    return row[0].replace(tzinfo=UTC) if row and row[0] else None


def _newest_load_id(raw_database: Path) -> int:
    with duckdb.connect(raw_database, read_only=True) as connection:
        row = connection.execute("select coalesce(max(load_id), 0) from raw.raw.loaded_files").fetchone()
    return int(row[0]) if row else 0


def _add(digest: "hashlib._Hash", name: str, content: bytes) -> None:
    digest.update(f"{name}\0{len(content)}\0".encode())
    digest.update(content)
