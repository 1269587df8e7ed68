"""Finds the files of the landing folder, reports which are not read and why, and opens the others.

Others write into that folder, so a name in it may lead anywhere by the time it is opened: no link is followed there.
"""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestration.warehouse.source_contracts import SOURCES

ENDINGS = (".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True)
class LandedFile:
    """A file to load: `name` is its path relative to the landing folder, with forward slashes.

    `identity` is its inode and the time of its last change, which no program can set, unlike that of its writing.
    `path` lies under `root`, the real landing folder, and no part between the two was a link when it was found.
    """

    path: Path
    name: str
    source: str
    size_bytes: int
    modified_ns: int
    identity: str
    root: Path


@dataclass(frozen=True)
class UnreadFile:
    """Something in the landing folder that is not loaded, and the cause."""

    name: str
    source: str
    cause: str


def find_files(landing: Path) -> list[LandedFile | UnreadFile]:
    """Everything under the landing folder, sorted by name.

    Raises FileNotFoundError when the folder does not exist: an empty result would hide a mistyped path.
    """
    if not landing.is_dir():
        raise FileNotFoundError(f"landing folder {landing} does not exist: create it or set COLLOQUY_LANDING")
    root = landing.resolve()
    found: list[LandedFile | UnreadFile] = []

    def unreadable(error: OSError) -> None:
        name = _name(Path(error.filename), landing)
        found.append(UnreadFile(name, _source(name), f"folder cannot be read: {error.strerror}"))

    for folder, folders, files in os.walk(landing, onerror=unreadable):
        here = Path(folder)
        for name in folders:
            path = here / name
            relative = _name(path, landing)
            if path.is_symlink():
                found.append(UnreadFile(relative, _source(relative), "a linked folder is not followed"))
            elif name.endswith(ENDINGS):
                found.append(UnreadFile(relative, _source(relative), "a folder, not a file"))
        found.extend(_look(here / name, landing, root) for name in files)
    return sorted(found, key=lambda entry: entry.name)


def open_file(file: LandedFile) -> BinaryIO:
    """Open a file for reading, unbuffered, part by part from the landing folder down.

    Raises OSError: also when a link, a folder or a device has come in its place, or a link in that of a folder above.
    """
    *folders, last = file.path.relative_to(file.root).parts
    flags = os.O_RDONLY | os.O_CLOEXEC
    descriptor = os.open(file.root, flags | os.O_DIRECTORY)
    try:
        for name in folders:
            descriptor = _step(descriptor, name, flags | os.O_DIRECTORY)
        # A named pipe without a writer would hold an opening without O_NONBLOCK for ever.
        descriptor = _step(descriptor, last, flags | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file any more")
        return os.fdopen(os.dup(descriptor), "rb", buffering=0)
    finally:
        os.close(descriptor)


def _step(folder: int, name: str, flags: int) -> int:
    """Open a name inside an open folder, which is closed when that succeeds."""
    try:
        descriptor = os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise OSError(
                error.errno, "a link has come in its place since it was found; links are not followed"
            ) from error
        raise
    os.close(folder)
    return descriptor


def _look(path: Path, landing: Path, root: Path) -> LandedFile | UnreadFile:
    name = _name(path, landing)
    source = _source(name)
    cause = _cause(path, name, source)
    if cause is None:
        try:
            real = root / name
            status = real.lstat()
        except OSError as error:
            cause = f"cannot be read: {error.strerror}"
        else:
            if stat.S_ISREG(status.st_mode):
                identity = f"{status.st_ino}:{status.st_ctime_ns}"
                return LandedFile(real, name, source, status.st_size, status.st_mtime_ns, identity, root)
            cause = "not a regular file"
    return UnreadFile(name, source, cause)


def _cause(path: Path, name: str, source: str) -> str | None:
    if not name.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in name):
        return "its name is not UTF-8: rename it"
    if not source:
        return f"not in the folder of a source ({', '.join(SOURCES)})"
    if not name.endswith(ENDINGS):
        return f"ends in none of {', '.join(ENDINGS)}"
    if path.is_symlink():
        return "a link, and links are not followed: put the file itself there"
    return None


def _name(path: Path, landing: Path) -> str:
    return path.relative_to(landing).as_posix()


def _source(name: str) -> str:
    first, slash, _ = name.partition("/")
    return first if slash and first in SOURCES else ""
