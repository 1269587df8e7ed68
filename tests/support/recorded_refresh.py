"""What dbt makes of a project, kept for all processes and later test runs, and its statements to be sent again.

It lies in target/statements under a digest of everything that it follows from.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

from orchestration.building.data_tests import compiled_tests
from orchestration.building.dbt_manifest import prepare_manifest, project_digest
from orchestration.building.project import assemble_project
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home

STATEMENTS = PROJECT_DIR / "target" / "statements"
# What leaves something behind; questions, descriptions and the borders of transactions do not.
_KEPT = ("create ", "alter ", "drop ", "insert ", "copy ", "comment ")
_PROJECT = "{folder of the project}"
# Left out: seeds are data, unit tests send no statements of a build; the folder of a warehouse is neither.
_FILES = (
    "dbt_project.yml",
    "profiles.yml",
    "models/*",
    "macros/*",
    "seeds/*.yml",
    "tests/generic/*",
    "tests/singular/*",
)
_WRITERS = (
    "requirements.lock",
    "orchestration/building/*.py",
    "tests/support/recorded_*.py",
    "tests/support/warehouse.py",
)
_PROJECTS_KEPT = 20


def folder_of_statements(settings: Settings) -> Path:
    """Return the folder for what dbt makes of a warehouse's project; the oldest of other projects go."""
    digest = hashlib.sha256(project_digest(settings).encode())
    for path in sorted(path for pattern in _WRITERS for path in PROJECT_DIR.glob(pattern)):
        digest.update(path.read_bytes())
    folder = STATEMENTS / digest.hexdigest()
    if not folder.exists():
        (folder / "builds").mkdir(parents=True, exist_ok=True)
        newest = sorted(STATEMENTS.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in newest[_PROJECTS_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def parsed_folder(home: Home) -> Path:
    """Return the folder of what dbt makes of the shipped project, which is that of `home`, with its data tests."""
    settings = Settings(home=home.root)
    parsed = folder_of_statements(settings) / "parsed"
    # Another process waits instead of parsing, too.
    with parsed.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not parsed.exists():
            with TemporaryDirectory(dir=parsed.parent) as draft:
                elsewhere = Settings(home=Path(draft))
                prepare_manifest(elsewhere)
                assert project_digest(elsewhere) == project_digest(settings), f"{home.dbt_project} is another project"
                for database in (Home(elsewhere.home).raw_database, Home(elsewhere.home).published_before):
                    duckdb.connect(str(database)).close()
                compiled_tests(elsewhere)
                Home(elsewhere.home).dbt_target.rename(parsed)
    return parsed


def parsed_before(home: Home) -> None:
    """Put what dbt makes of the shipped project into a new home, as if it had been parsed there before."""
    home.create()
    assemble_project(home.dbt_project, None)
    if not (home.dbt_target / "manifest.json").exists():
        shutil.copytree(parsed_folder(home), home.dbt_target, dirs_exist_ok=True)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collect what dbt sends to the database while it runs with one thread."""
    statements: list[str] = []
    execute = DuckDBCursorWrapper.execute

    def recording(cursor: DuckDBCursorWrapper, sql: str, bindings: object = None) -> object:
        if bindings is not None:
            raise ValueError(f"cannot send again what has bindings: {sql}")
        statements.append(sql)
        return execute(cursor, sql)  # type: ignore[no-untyped-call]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBCursorWrapper, "execute", recording)
        yield statements


def lasting(statements: Iterable[str]) -> list[str]:
    """Return those statements that leave something behind, without the comment that each begins with."""
    return [sql for sql in map(_without_comment, statements) if sql.lower().startswith(_KEPT)]


def portable(statements: Iterable[str], project: Path) -> list[str]:
    """Return statements with a mark where they name the project's folder."""
    return [sql.replace(str(project), _PROJECT) for sql in statements]


def at_home(statements: Iterable[str], project: Path) -> list[str]:
    """Return portable statements for a project's folder."""
    return [sql.replace(_PROJECT, str(project)) for sql in statements]


def replay(statements: Sequence[str], build: Path, raw: Path, *, is_new: bool = True) -> None:
    """Build an empty database from raw events, or go on with one; its file must be named as when they were recorded."""
    if is_new:
        build.unlink(missing_ok=True)
    with duckdb.connect(str(build), config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{raw}' as raw (read_only)")
        connection.begin()
        for sql in statements:
            connection.execute(sql)
        connection.commit()


def kept(file: Path) -> dict[str, Any] | None:
    """Return what an earlier process kept in a file; None when none did."""
    try:
        content: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    return content


def keep(file: Path, content: Mapping[str, Any]) -> None:
    """Keep what dbt made of a project for other processes; two may keep the same at once."""
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(content))
    draft.replace(file)


def _without_comment(sql: str) -> str:
    """Return a statement from its first word on; dbt begins each with a comment that names the node."""
    return sql.partition("*/")[2].lstrip() if sql.lstrip().startswith("/*") else sql.lstrip()
