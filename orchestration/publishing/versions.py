"""The folder `published/`: names of the versions in it, the switch, repair after a crash, removal of old ones.

    colloquy-000042.duckdb   v000042/   a version: its file, and its Parquet with a manifest of its own
    colloquy.duckdb          current    the published version: hard link to its file, symbolic link to its folder
    manifest.json                       written last
    .publishing/                        work in progress; never read

A version is complete when its file is there: the folder is put in place first, and a removal takes the file first.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from orchestration.publishing.durable_files import put_hard_link, put_symlink, put_text, sync_to_disk
from orchestration.publishing.errors import ManifestError
from orchestration.publishing.published_manifest import MANIFEST_NAME, Manifest, read_manifest

LINK_NAME = "colloquy.duckdb"
FOLDER_LINK_NAME = "current"
_WORKING_NAME = ".publishing"
_VERSION_WIDTH = 6
_VERSION_NAME = re.compile(r"(?:colloquy-(\d+)\.duckdb|v(\d+))")


def version_file(published: Path, version: str) -> Path:
    """Return the path of a version's database."""
    return published / f"colloquy-{version}.duckdb"


def version_folder(published: Path, version: str) -> Path:
    """Return the path of a version's Parquet folder."""
    return published / f"v{version}"


def published_files(published: Path, manifest: Manifest) -> Iterator[Path]:
    """Yield the database and the Parquet files of the manifest's version, as the manifest lists them."""
    yield version_file(published, manifest.version)
    folder = version_folder(published, manifest.version)
    for table, record in manifest.tables.items():
        yield from (folder / name for name in record.parquet_files(table))


def working_folder(published: Path) -> Path:
    """Return the folder for work in progress, on the file system of `published` so that a rename is atomic."""
    return published / _WORKING_NAME


def next_version(published: Path) -> str:
    """Return one more than the newest number in the manifest or in any file name."""
    manifest = _manifest_or_none(published, lambda _: None)
    numbers = [int(version) for version in _present_versions(published)]
    if manifest is not None:
        numbers.append(int(manifest.version))
    return str(max(numbers, default=0) + 1).zfill(_VERSION_WIDTH)


def complete_versions(published: Path) -> list[str]:
    """Return the versions whose file and folder are there, oldest first."""
    return [
        version
        for version in _present_versions(published)
        if version_file(published, version).is_file() and (version_folder(published, version) / MANIFEST_NAME).is_file()
    ]


def switch_to(published: Path, manifest: Manifest) -> None:
    """Show readers the manifest's version; every step can be repeated, and the manifest comes last."""
    working = working_folder(published)
    working.mkdir(exist_ok=True)
    # DuckDB would try to replay a log that some reader's writable connection left onto the new file.
    _log_of(published / LINK_NAME).unlink(missing_ok=True)
    put_hard_link(published / LINK_NAME, version_file(published, manifest.version), working)
    put_symlink(published / FOLDER_LINK_NAME, version_folder(published, manifest.version).name, working)
    put_text(published / MANIFEST_NAME, manifest.to_json(), working)


def repair(published: Path, keep: int, on_progress: Callable[[str], None]) -> Manifest | None:
    """Bring the folder into a whole state and return the manifest of the published version, None before the first.

    Leftovers of a crashed publish are removed. A version that was complete but not, or half, switched to is switched
    to: its checks had passed, and readers may already have seen it.
    """
    _discard_unfinished(published, on_progress)
    complete = complete_versions(published)
    if not complete:
        return None
    newest = complete[-1]
    manifest = _manifest_or_none(published, on_progress)
    if manifest is None or manifest.version != newest:
        on_progress(f"{published}: version {newest} is complete but was not switched to; switching now")
        own = _manifest_or_none(version_folder(published, newest), on_progress)
        if own is None:
            return None
        manifest = replace(own, versions=tuple(complete[-keep:]))
        switch_to(published, manifest)
    elif not _is_linked(published, newest):
        on_progress(f"{published}: {LINK_NAME} or {FOLDER_LINK_NAME} did not lead to version {newest}; mended")
        switch_to(published, manifest)
    return manifest


def version_of_readers(published: Path) -> str | None:
    """Return the version whose file readers open now, None before the first; that of the manifest may lag behind."""
    link = published / LINK_NAME
    if not link.exists():
        return None
    versions = reversed(complete_versions(published))
    return next((version for version in versions if link.samefile(version_file(published, version))), None)


def is_whole(published: Path, manifest: Manifest) -> bool:
    """Whether readers find the manifest's version, the newest complete one, and nothing is left to repair."""
    return (
        complete_versions(published)[-1:] == [manifest.version]
        and _is_linked(published, manifest.version)
        and not working_folder(published).exists()
        and not any(published.glob("colloquy*.duckdb.wal"))
    )


def remove_old(published: Path, kept: tuple[str, ...], on_progress: Callable[[str], None]) -> list[str]:
    """Remove every version that is not in `kept`, halves of crashed publishes included; return their names."""
    removed = [version for version in _present_versions(published) if version not in kept]
    for version in removed:
        on_progress(f"{published}: removing version {version}")
        file, folder = version_file(published, version), version_folder(published, version)
        _log_of(file).unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        if folder.is_dir():
            shutil.rmtree(folder)
    if removed:
        sync_to_disk(published)
    return removed


def discard_working_folder(published: Path) -> None:
    """Remove the work in progress, if any."""
    working = working_folder(published)
    if working.exists():
        shutil.rmtree(working)


def _discard_unfinished(published: Path, on_progress: Callable[[str], None]) -> None:
    if working_folder(published).exists():
        on_progress(f"{working_folder(published)}: removing what a publish that did not finish left behind")
        discard_working_folder(published)
    for log in sorted(published.glob("colloquy*.duckdb.wal")):
        on_progress(f"{log}: removing the log of a connection that opened a published file for writing")
        log.unlink()


def _present_versions(published: Path) -> list[str]:
    matches = (_VERSION_NAME.fullmatch(path.name) for path in published.iterdir())
    return sorted({match[1] or match[2] for match in matches if match}, key=int)


def _is_linked(published: Path, version: str) -> bool:
    link, folder = published / LINK_NAME, published / FOLDER_LINK_NAME
    return (
        link.exists()
        and link.samefile(version_file(published, version))
        and folder.is_symlink()
        and str(folder.readlink()) == version_folder(published, version).name
    )


def _manifest_or_none(folder: Path, on_progress: Callable[[str], None]) -> Manifest | None:
    """Read a manifest for repair: a broken one is reported and counts as absent."""
    try:
        return read_manifest(folder)
    except ManifestError as error:
        on_progress(str(error))
        return None


def _log_of(database: Path) -> Path:
    return database.with_name(database.name + ".wal")
