"""Takes the people of an unfinished erasure out of the published version when no new one could be published."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import duckdb

from orchestration.privacy.erasure import erased_people_search, shown_cause
from orchestration.privacy.intent import pending_erasure, write_intent
from orchestration.privacy.scanning import Search, text_columns
from orchestration.publishing import publish, read_manifest
from orchestration.publishing.versions import repair, version_file
from orchestration.warehouse.home import Home
from orchestration.warehouse.quoting import quoted

# Removed by whatever removes what crashed runs have left.
_WORKING_NAME = "withholding.tmp"


def withhold_published(home: Home, hash_key: bytes, *, now: datetime, on_progress: Callable[[str], None]) -> None:
    """Publish the last version without every row that names a person of the erasure; older versions go.

    Does nothing without an erasure, before raw is rewritten, and where it has been done. Other tables still count the
    rows until a run publishes: the note of the erasure says so. What fails is noted, and tried again by the next run.
    The caller holds the lock.
    """
    intent = pending_erasure(home)
    if intent is None or not intent.is_rewritten or intent.is_withheld:
        return
    removed, problem = 0, intent.problem
    try:
        if home.published.is_dir() and repair(home.published, 1, on_progress) is not None:
            removed = _publish_without(home, erased_people_search(home, hash_key), now=now, on_progress=on_progress)
    except Exception as error:  # noqa: BLE001 - whatever it is, others do not wait for it, and it is shown
        problem = f"the person could not be taken out of the published version ({shown_cause(error)})"
        on_progress(problem)
        write_intent(home, replace(intent, problem=problem))
        return
    if removed:
        problem = (
            f"no version without the person could be published; {removed:,} rows that name them were taken out of the "
            "published one, whose sums still count them"
        )
        on_progress(problem)
    write_intent(home, replace(intent, is_withheld=True, problem=problem))


def _publish_without(home: Home, search: Search, *, now: datetime, on_progress: Callable[[str], None]) -> int:
    manifest = read_manifest(home.published)
    if manifest is None:
        return 0
    working = home.root / _WORKING_NAME
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(mode=0o700)
    try:
        copy = working / "last_version.duckdb"
        shutil.copyfile(version_file(home.published, manifest.version), copy)
        with duckdb.connect(str(copy), config={"temp_directory": str(working / "spill")}) as connection:
            removed = _remove_rows(connection, search)
        publish(
            copy,
            home.published,
            tables=tuple(manifest.tables),
            run_id=manifest.run_id,
            data_until=manifest.data_until,
            checks=manifest.checks,
            keep=1,
            now=now,
            on_progress=on_progress,
            built_from=manifest.built_from,
        )
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return removed


def _remove_rows(connection: duckdb.DuckDBPyConnection, search: Search) -> int:
    removed = 0
    for schema, name, column in text_columns(connection):
        table = f"{quoted(schema)}.{quoted(name)}"
        values = list(search.values_in_column(connection, table, column))
        if values:
            deleted = connection.execute(
                f"delete from {table} where {quoted(column)}::varchar in (select unnest($values::varchar[]))",
                {"values": values},
            ).fetchall()
            removed += int(deleted[0][0])
    return removed
