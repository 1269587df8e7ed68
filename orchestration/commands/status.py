"""`make status`: what is published, until when, which checks fail, and what waits."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.home import Home
from orchestration.locking import lock_holder
from orchestration.publishing import Manifest, ManifestError, read_manifest
from orchestration.settings import Settings


def print_status(settings: Settings) -> int:
    """Print the state of the warehouse; 0 when something is published, 1 when nothing is or the manifest is broken."""
    home = Home(settings.home)
    try:
        manifest = read_manifest(home.published)
    except ManifestError as error:
        print(error)
        return 1
    print(f"warehouse   {home.root}" + ("   (simulated)" if home.simulation_marker.exists() else ""))
    holder = lock_holder(home.lock)
    print(f"running     {holder.describe() if holder else 'nothing'}")
    if manifest is None:
        print(
            "published   nothing yet; make demo shows it with simulated conversations, make run LANDING=dir with yours"
        )
    else:
        print(_describe(manifest))
    print(_waiting(home.raw_database, is_busy=holder is not None))
    return 0 if manifest else 1


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


def _waiting(raw_database: Path, *, is_busy: bool) -> str:
    if not raw_database.exists():
        return "files       none loaded"
    if is_busy:
        return "files       known when the running load has finished"
    with duckdb.connect(str(raw_database), read_only=True) as connection:
        files, lines, rejected = connection.execute(
            "select count(distinct file), sum(lines), sum(rejected) from raw.raw.loaded_files"
        ).fetchall()[0]
        pending = connection.execute(
            "select file, pending_since, cause from raw.raw.pending_files order by file"
        ).fetchall()
    parts = [f"files       {files or 0:,} loaded, {lines or 0:,} lines, {rejected or 0:,} of them rejected"]
    for file, since, cause in pending:
        moment = since.replace(tzinfo=UTC) if isinstance(since, datetime) else since
        parts.append(f"pending     {file} since {moment:%Y-%m-%d %H:%M} UTC: {cause}")
    return "\n".join(parts)
