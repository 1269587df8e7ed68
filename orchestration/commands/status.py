"""`make status`: what is published, until when, which checks fail, and what waits."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.privacy.pending import FINISH_ERASURE, describe_pending
from orchestration.publishing import Manifest, ManifestError, read_manifest
from orchestration.redaction.printable import one_line, printable
from orchestration.reporting.remedies import with_remedy
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import lock_holder


def print_status(settings: Settings) -> int:
    """Print the state of the warehouse; 0 also when nothing is published yet, 1 when the manifest is broken."""
    home = Home(settings.home)
    try:
        manifest = read_manifest(home.published)
    except ManifestError as error:
        print(printable(str(error)))
        return 1
    print(f"warehouse   {home.root}" + ("   (simulated)" if home.simulation_marker.exists() else ""))
    holder = lock_holder(home.lock)
    print(f"running     {holder.describe() if holder else 'nothing'}")
    if manifest is None:
        print(
            "published   nothing yet; make demo shows it with simulated conversations, make run LANDING=dir with yours"
        )
    else:
        print(printable(_describe(manifest)))
    print(f"time zone   {_time_zone(home.published, settings.timezone)}")
    unfinished = describe_pending(home)
    if unfinished is not None:
        print(f"erasure     {printable(unfinished)}; {FINISH_ERASURE}")
    print(_waiting(home, _published_through(manifest), is_busy=holder is not None))
    return 0


def _describe(manifest: Manifest) -> str:
    failing = [f"{name}: {result}" for name, result in manifest.checks.items() if result != "passed"]
    until = f"{manifest.data_until:%Y-%m-%d %H:%M} UTC" if manifest.data_until else "no event yet"
    lines = [
        f"published   version {manifest.version}, {manifest.published_at:%Y-%m-%d %H:%M} UTC, run {manifest.run_id}",
        f"data until  {until}",
        f"checks      {len(manifest.checks)} at the last publish, "
        + (f"{len(failing)} not passed" if failing else "all passed"),
        *(f"            {line}" for line in failing),
        "rows",
        *(f"  marts.{name:<28}{record.rows:>12,}" for name, record in manifest.tables.items()),
    ]
    return "\n".join(lines)


def _time_zone(published: Path, configured: str) -> str:
    """Name the zone whose days and hours the published metrics hold, and the configured one where it differs."""
    database = published / "colloquy.duckdb"
    if not database.exists():
        return f"{configured}, for days and hours of the marts"
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("select timezone from marts.metrics_daily limit 1").fetchone()
    if row is None or row[0] == configured:
        return f"{configured}, for days and hours of the marts"
    return f"{row[0]}, for days and hours of the marts; COLLOQUY_TIMEZONE is {configured}, used from the next run on"


def _published_through(manifest: Manifest | None) -> int | None:
    """Return the newest load that is published, 0 before the first, None for a version that does not state it."""
    if manifest is None:
        return 0
    through = manifest.built_from.get("through_load_id")
    return None if through is None else int(through)


def _waiting(home: Home, published_through: int | None, *, is_busy: bool) -> str:
    raw_database = home.raw_database
    if not raw_database.exists():
        return "files       none loaded"
    if is_busy:
        return "files       known when the running load has finished"
    try:
        with duckdb.connect(str(raw_database), read_only=True) as connection:
            return "\n".join([_files(connection), *_unpublished(connection, published_through)])
    except duckdb.CatalogException:
        # A run was killed between making the file and making its tables.
        return "files       none loaded"
    except duckdb.Error as error:
        return f"files       {one_line(with_remedy(str(error), home, raw_database))}"


def _files(connection: duckdb.DuckDBPyConnection) -> str:
    files, lines, rejected = connection.execute(
        "select count(distinct file), sum(lines), sum(rejected) from raw.raw.loaded_files"
    ).fetchall()[0]
    excluded = _excluded(connection)
    pending = connection.execute(
        "select file, pending_since, cause from raw.raw.pending_files order by file"
    ).fetchall()
    parts = [f"files       {files or 0:,} loaded, {lines or 0:,} lines, {rejected or 0:,} of them rejected"]
    parts.extend(f"excluded    {one_line(file)} at {at:%Y-%m-%d %H:%M} UTC" for file, at in excluded)
    for file, since, cause in pending:
        moment = since.replace(tzinfo=UTC) if isinstance(since, datetime) else since
        parts.append(f"pending     {one_line(file)} since {moment:%Y-%m-%d %H:%M} UTC: {one_line(cause)}")
    return "\n".join(parts)


def _unpublished(connection: duckdb.DuckDBPyConnection, published_through: int | None) -> list[str]:
    """Return a line when events have landed that no version holds: the run that took them has not come to its end."""
    if published_through is None:
        return []
    events, since = connection.execute(
        "select sum(accepted), min(loaded_at) from raw.raw.loaded_files where load_id > ? and accepted > 0",
        [published_through],
    ).fetchall()[0]
    if not events:
        return []
    return [
        f"unpublished {events:,} events, the first landed {since:%Y-%m-%d %H:%M} UTC: no run since has published; "
        "make run shows why"
    ]


def _excluded(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, datetime]]:
    """Return the files that are kept out, and since when; none before the first run of this release."""
    has_operations = connection.execute("select 1 from duckdb_tables() where table_name = 'operations'").fetchall()
    if not has_operations:
        return []
    return connection.execute(
        """select files.file, max(files.loaded_at) from raw.raw.loaded_files as files
        where exists (
            select 1 from raw.raw.operations as operations
            where operations.operation = 'exclude' and operations.load_id = files.load_id)
            and not exists (
                select 1 from raw.raw.loaded_files as later
                where later.file = files.file and later.load_id > files.load_id)
            and files.lines = 0
        group by files.file order by files.file"""
    ).fetchall()
