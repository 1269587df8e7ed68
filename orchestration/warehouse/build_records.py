"""What has been built so far, kept next to it: `state.builds` in the build database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.warehouse.home import Home
from orchestration.warehouse.migrations import require_newest_layout

_BUILD_COLUMNS = {
    "build_id": "bigint",
    "configuration_hash": "varchar",
    "through_load_id": "bigint",
    "is_full_refresh": "boolean",
    "run_id": "varchar",
    "has_events": "boolean",
    "is_complete": "boolean",
}


@dataclass(frozen=True)
class Build:
    """One build of the warehouse: everything landed, and labelled, up to and including a load."""

    build_id: int
    configuration_hash: str
    through_load_id: int
    is_full_refresh: bool
    reason: str


@dataclass(frozen=True)
class EventsBuilt:
    """How far the canonical events reach: what labelling may read, and from which load on the marts lack it."""

    through_load_id: int
    complete_through_load_id: int
    is_full_refresh: bool


class BuildDatabaseError(RuntimeError):
    """The build database cannot be opened; everything in it can be made again, and the message gives the command."""


def discard_build(home: Home) -> None:
    """Remove everything derived, so that the next build makes it again from raw; what is published stays."""
    for path in (home.build_database, home.build_database.with_name(home.build_database.name + ".wal")):
        path.unlink(missing_ok=True)


def begin_build(home: Home, current_hash: str, run_id: str = "") -> Build:
    """Record that a build starts and return what it covers; `run_id` names the run that may continue it.

    It is a full refresh when no complete build exists or the configuration has changed since the last complete one:
    incremental models would keep rows made by the old definitions. Raises RawVersionError when raw has the layout of
    another release, BuildDatabaseError when the build database is damaged or of another version of DuckDB.
    """
    through_load_id = _newest_load_id(home.raw_database)
    with _open_build(home.build_database) as connection:
        _create_builds(connection)
        earlier = connection.execute(
            "select configuration_hash, is_complete from state.builds order by build_id"
        ).fetchall()
        newest = connection.execute("select coalesce(max(build_id), 0) from state.builds").fetchone()
        build_id = (newest[0] if newest else 0) + 1
        why_full = _why_full(earlier, current_hash)
        connection.execute(
            "insert into state.builds (build_id, configuration_hash, through_load_id, is_full_refresh, run_id, "
            "has_events, is_complete) values (?, ?, ?, ?, ?, false, false)",
            [build_id, current_hash, through_load_id, why_full is not None, run_id],
        )
    reason = why_full or "the configuration is that of the last complete build"
    return Build(build_id, current_hash, through_load_id, why_full is not None, reason)


def finish_events(home: Home, build: Build) -> None:
    """Record that the canonical events of a build are all there: it may be continued behind the labels."""
    with duckdb.connect(home.build_database) as connection:
        connection.execute("update state.builds set has_events = true where build_id = ?", [build.build_id])


def events_built(build_database: Path) -> EventsBuilt | None:
    """Return how far the newest build's canonical events reach; None when they are not all there."""
    with duckdb.connect(build_database, read_only=True) as connection:
        rows = connection.execute(
            """select through_load_id,
                coalesce((select max(through_load_id) from state.builds where is_complete), 0),
                is_full_refresh and not is_complete
            from state.builds where has_events and build_id = (select max(build_id) from state.builds)"""
        ).fetchall()
    return EventsBuilt(*rows[0]) if rows else None


def completed_through(build_database: Path) -> int:
    """Return the last load that a complete build covers, 0 without one that can be read; raises duckdb.Error."""
    if not build_database.exists():
        return 0
    try:
        opened = duckdb.connect(build_database, read_only=True)
    except duckdb.IOException as error:
        if not _is_useless(error):
            raise
        return 0
    with opened as connection:
        has_record = connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'state' and table_name = 'builds'"
        ).fetchall()
        if not has_record:
            return 0
        rows = connection.execute(
            "select coalesce(max(through_load_id), 0) from state.builds where is_complete"
        ).fetchall()
    return int(rows[0][0])


def continue_build(home: Home, current_hash: str, run_id: str) -> Build | None:
    """Take up the build whose events this run has finished, now covering what was labelled since; None without one."""
    through_load_id = _newest_load_id(home.raw_database)
    with _open_build(home.build_database) as connection:
        _create_builds(connection)
        rows = connection.execute(
            """update state.builds set through_load_id = $through
            where build_id = (select max(build_id) from state.builds)
                and run_id = $run_id and configuration_hash = $hash and has_events and not is_complete
            returning build_id, is_full_refresh""",
            {"through": through_load_id, "run_id": run_id, "hash": current_hash},
        ).fetchall()
    if not rows:
        return None
    build_id, is_full_refresh = rows[0]
    return Build(build_id, current_hash, through_load_id, is_full_refresh, "continued behind the labels")


def complete_build(home: Home, build: Build) -> None:
    """Record that the build succeeded: the next one starts from here."""
    with duckdb.connect(home.build_database) as connection:
        connection.execute("update state.builds set is_complete = true where build_id = ?", [build.build_id])


def is_built(home: Home, current_hash: str, through_load_id: int) -> bool:
    """Whether the newest build is complete, of this configuration, and covers all that landed: load `through_load_id`.

    Raises RawVersionError when raw has the layout of another release.
    """
    with duckdb.connect(home.build_database, read_only=True) as connection:
        rows = connection.execute(
            "select configuration_hash, through_load_id, is_complete from state.builds order by build_id desc limit 1"
        ).fetchall()
    is_newest = _newest_load_id(home.raw_database) == through_load_id
    return is_newest and rows == [(current_hash, through_load_id, True)]


def built_from(build_database: Path) -> dict[str, str | int]:
    """Return the definitions and the data behind the tables, as a manifest states them; empty before a build."""
    with duckdb.connect(build_database, read_only=True) as connection:
        rows = connection.execute(
            "select configuration_hash, through_load_id from state.builds order by build_id desc limit 1"
        ).fetchall()
    return {
        key: value for row in rows for key, value in zip(("configuration_hash", "through_load_id"), row, strict=True)
    }


def data_until(build_database: Path) -> datetime | None:
    """Return the moment (UTC) up to which the data of every source is taken as complete; None without events."""
    with duckdb.connect(build_database, read_only=True) as connection:
        row = connection.execute("select min(watermark_at) from intermediate.int_watermarks_measured").fetchone()
    return row[0].replace(tzinfo=UTC) if row and row[0] else None


def _why_full(earlier: Sequence[tuple[str, bool]], current_hash: str) -> str | None:
    """Return why all has to be rebuilt, None when it need not; `earlier` are (hash, is complete), oldest first."""
    if not earlier:
        return "the first build"
    complete = [place for place, (_, is_complete) in enumerate(earlier) if is_complete]
    if not complete:
        return "no earlier build was completed"
    last_complete, *broken_off = earlier[complete[-1] :]
    if last_complete[0] != current_hash:
        return "the configuration has changed since the last complete build"
    # A table of theirs may hold rows of another configuration.
    if any(one_hash != current_hash for one_hash, _ in broken_off):
        return "an earlier build broke off under another configuration"
    return None


def _open_build(build_database: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(build_database)
    except duckdb.IOException as error:
        if not _is_useless(error):
            raise
        raise BuildDatabaseError(
            f"{build_database} cannot be read: {str(error).splitlines()[0]} Everything in it is derived: make rebuild"
        ) from error


def _is_useless(error: duckdb.IOException) -> bool:
    """Whether a file can never be read: a lock or a full disk goes away by itself, these do not."""
    return any(sign in str(error) for sign in ("version number", "Corrupt database", "not a valid DuckDB"))


def _create_builds(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the record of builds; this release cannot read one of another shape, so that everything is rebuilt."""
    connection.execute("create schema if not exists state")
    there = connection.execute(
        "select column_name, lower(data_type) from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'state' and table_name = 'builds'"
    ).fetchall()
    if there and dict(there) != _BUILD_COLUMNS:
        connection.execute("drop table state.builds")
    body = ", ".join(f"{name} {kind}" for name, kind in _BUILD_COLUMNS.items())
    connection.execute(f"create table if not exists state.builds ({body})")


def _newest_load_id(raw_database: Path) -> int:
    with duckdb.connect(raw_database, read_only=True) as connection:
        require_newest_layout(connection, raw_database)
        row = connection.execute(
            """select coalesce(max(load_id), 0) from (
                select load_id from raw.raw.loaded_files
                union all select load_id from raw.raw.operations
                union all select _load_id from raw.ledger.stage_labels
                union all select _load_id from raw.ledger.message_labels
                union all select _load_id from raw.ledger.human_labels)"""
        ).fetchone()
    return int(row[0]) if row else 0
