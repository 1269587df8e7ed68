"""Publish: the last step of write-audit-publish, run only when every blocking check has passed."""

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.publishing.durable_files import open_to_readers, put_text, sync_to_disk
from orchestration.publishing.errors import NotEnoughSpaceError, PublishError
from orchestration.publishing.export import (
    BUILD,
    PUBLICATION,
    EarlierExport,
    ParquetCount,
    copy_tables,
    open_build,
    write_parquet,
)
from orchestration.publishing.published_manifest import MANIFEST_NAME, Manifest, TableRecord, as_utc
from orchestration.publishing.tables import TableShape, fingerprint_table, read_shapes
from orchestration.publishing.versions import (
    complete_versions,
    discard_working_folder,
    next_version,
    remove_old,
    repair,
    switch_to,
    version_file,
    version_folder,
    working_folder,
)

# Table names become file names and SQL identifiers of other people's queries.
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class PublishSummary:
    """What a publish did; `unchanged` means that the version named was published before."""

    version: str
    unchanged: bool
    rows: Mapping[str, int]
    file_bytes: int
    parquet_written: int
    parquet_linked: int
    removed_versions: tuple[str, ...]


@dataclass(frozen=True)
class _Request:
    """The arguments of `publish` that its steps share."""

    build_database: Path
    published: Path
    tables: tuple[str, ...]
    run_id: str
    data_until: datetime | None
    checks: Mapping[str, object]
    keep: int
    now: datetime
    on_progress: Callable[[str], None]
    built_from: Mapping[str, str | int]


def publish(
    build_database: Path,
    published: Path,
    *,
    tables: Sequence[str],
    run_id: str,
    data_until: datetime | None,
    checks: Mapping[str, object],
    keep: int,
    now: datetime,
    on_progress: Callable[[str], None],
    built_from: Mapping[str, str | int] | None = None,
) -> PublishSummary:
    """Write `marts.<table>` of the build as the next version and switch readers to it; the caller holds the run lock.

    Nothing is published when rows, columns and comments equal the published version's; the manifest then only records
    that they were checked again (`data_until` and `checks` are refreshed, `run_id` and `published_at` stay). The
    newest `keep` versions stay. Whatever an interrupted publish left is repaired first.

    Raises MissingTableError, NotEnoughSpaceError, BuildDatabaseError or PublishError with the last version in place,
    ValueError or TypeError for arguments that are no table names, aware times, plain JSON or a positive `keep`.
    """
    request = _Request(
        build_database=build_database.absolute(),
        published=published.absolute(),
        tables=_valid_names(tables),
        run_id=run_id,
        data_until=None if data_until is None else as_utc(data_until),
        # Through JSON and back: what the manifest cannot hold fails before anything is written.
        checks=json.loads(json.dumps(dict(checks), allow_nan=False)),
        keep=_valid_keep(keep),
        now=as_utc(now),
        on_progress=on_progress,
        built_from=dict(built_from or {}),
    )
    request.published.mkdir(parents=True, exist_ok=True)
    current = repair(request.published, keep, on_progress)
    working_folder(request.published).mkdir(exist_ok=True)
    try:
        return _publish(request, current)
    except duckdb.Error as error:
        raise PublishError(
            f"cannot write a version of {build_database} into {published}: {error}; the last version stays published"
        ) from error
    finally:
        discard_working_folder(request.published)


def _publish(request: _Request, current: Manifest | None) -> PublishSummary:
    spill_folder = working_folder(request.published) / "spill"
    with open_build(request.build_database, spill_folder) as connection:
        shapes = read_shapes(connection, BUILD, request.tables)
        request.on_progress(f"comparing {len(shapes)} tables with the published version")
        records = {shape.name: fingerprint_table(connection, BUILD, shape) for shape in shapes}
        if current is not None and current.tables == records:
            connection.close()
            return _confirm(request, current)
        _require_space(request)
        version = next_version(request.published)
        tables = [(shape, records[shape.name]) for shape in shapes]
        count = _write(request, connection, version, tables, current)
    manifest = _manifest(request, version, records)
    _put_in_place(request, manifest)
    return _summary(request, manifest, unchanged=False, count=count)


def _write(
    request: _Request,
    connection: duckdb.DuckDBPyConnection,
    version: str,
    tables: Sequence[tuple[TableShape, TableRecord]],
    current: Manifest | None,
) -> ParquetCount:
    """Write database and Parquet of a version into the working folder; the build is free after the first half."""
    working = working_folder(request.published)
    file, folder = version_file(working, version), version_folder(working, version)
    request.on_progress(f"copying {sum(record.rows for _, record in tables)} rows into version {version}")
    copy_tables(connection, file, [shape for shape, _ in tables])
    request.on_progress(f"exporting version {version} as Parquet")
    folder.mkdir()
    earlier = None if current is None else EarlierExport.of(current, version_folder(request.published, current.version))
    count = ParquetCount()
    for shape, record in tables:
        count += write_parquet(connection, folder, shape, record, earlier)
    connection.execute(f"detach {PUBLICATION}")
    if file.with_name(file.name + ".wal").exists():
        raise PublishError(f"{file}: DuckDB left a write-ahead log next to a closed file; nothing was published")
    sync_to_disk(file)
    sync_to_disk(folder)
    return count


def _put_in_place(request: _Request, manifest: Manifest) -> None:
    """Give the written version its names, then switch to it; `repair` completes it after a crash between the steps."""
    published, version = request.published, manifest.version
    working = working_folder(published)
    request.on_progress(f"switching to version {version}")
    folder = version_folder(working, version)
    put_text(folder / MANIFEST_NAME, manifest.to_json(), working)
    open_to_readers(folder)
    open_to_readers(version_file(working, version))
    folder.replace(version_folder(published, version))
    sync_to_disk(published)
    # The file comes after its folder: with it the version counts as complete.
    version_file(working, version).replace(version_file(published, version))
    sync_to_disk(published)
    request.on_progress(f"version {version} is complete")
    switch_to(published, manifest)
    request.on_progress(f"version {version} is published")


def _confirm(request: _Request, current: Manifest) -> PublishSummary:
    manifest = replace(
        current,
        data_until=request.data_until,
        checks=request.checks,
        versions=tuple(complete_versions(request.published)[-request.keep :]),
        last_checked_at=request.now,
        last_checked_run_id=request.run_id,
        built_from=request.built_from,
    )
    switch_to(request.published, manifest)
    request.on_progress(f"nothing changed since version {current.version}: nothing published")
    return _summary(request, manifest, unchanged=True, count=ParquetCount())


def _manifest(request: _Request, version: str, records: Mapping[str, TableRecord]) -> Manifest:
    return Manifest(
        version=version,
        run_id=request.run_id,
        published_at=request.now,
        data_until=request.data_until,
        tables=records,
        checks=request.checks,
        versions=(*complete_versions(request.published), version)[-request.keep :],
        last_checked_at=request.now,
        last_checked_run_id=request.run_id,
        built_from=request.built_from,
    )


def _summary(request: _Request, manifest: Manifest, *, unchanged: bool, count: ParquetCount) -> PublishSummary:
    """Remove what the manifest no longer lists, and report what was done."""
    removed = remove_old(request.published, manifest.versions, request.on_progress)
    return PublishSummary(
        version=manifest.version,
        unchanged=unchanged,
        rows={name: record.rows for name, record in manifest.tables.items()},
        file_bytes=version_file(request.published, manifest.version).stat().st_size,
        parquet_written=count.written,
        parquet_linked=count.linked,
        removed_versions=tuple(removed),
    )


def _require_space(request: _Request) -> None:
    """Raise NotEnoughSpaceError unless the disk could take the whole build once more.

    Database and Parquet of the marts are about equally large; the build holds the intermediate tables in addition
    to the marts, so that its size stands for both.
    """
    log = request.build_database.with_name(request.build_database.name + ".wal")
    needed_bytes = sum(path.stat().st_size for path in (request.build_database, log) if path.exists())
    free_bytes = shutil.disk_usage(request.published).free
    if free_bytes < needed_bytes:
        raise NotEnoughSpaceError(
            f"{request.published}: a new version may need {needed_bytes} bytes, {free_bytes} are free; the last "
            "version stays published. Free disk space, keep fewer versions (COLLOQUY_PUBLISHED_VERSIONS), or move "
            "COLLOQUY_HOME to a larger disk"
        )


def _valid_names(tables: Sequence[str]) -> tuple[str, ...]:
    wrong = [name for name in tables if not _TABLE_NAME.fullmatch(name)]
    if wrong or not tables or len(set(tables)) != len(tables):
        raise ValueError(f"tables must be distinct names like fct_messages, at least one; got {list(tables)!r}")
    return tuple(tables)


def _valid_keep(keep: int) -> int:
    if keep < 1:
        raise ValueError(f"keep must be at least 1, the version being published; got {keep}")
    return keep
