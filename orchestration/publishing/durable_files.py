"""Changes on disk that survive a power cut and are seen whole or not at all."""

import os
import stat
from pathlib import Path

from orchestration.publishing.errors import PublishError

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755


def open_to_readers(path: Path) -> None:
    """Let every account read a file, or a folder with all in it: the mode of COLLOQUY_HOME decides on access."""
    for one in (path, *path.rglob("*")):
        mode = _FOLDER_MODE if one.is_dir() else _FILE_MODE
        # Files linked from the version before are right already, and may be another account's.
        if stat.S_IMODE(one.stat().st_mode) != mode:
            one.chmod(mode)


def sync_to_disk(path: Path) -> None:
    """Flush a file's content, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_text(path: Path, text: str, working: Path) -> None:
    """Write `text` inside the folder `working`, then rename it to `path`: readers see the old or the new file."""
    temporary = working / path.name
    temporary.write_text(text, encoding="utf-8")
    open_to_readers(temporary)
    sync_to_disk(temporary)
    temporary.replace(path)
    sync_to_disk(path.parent)


def put_hard_link(path: Path, target: Path, working: Path) -> None:
    """Make `path` a hard link to `target` by rename; does nothing when it is one already."""
    # rename(2) of two names of one file succeeds without removing the first: it would leave the temporary name.
    if path.exists() and path.samefile(target):
        return
    temporary = working / path.name
    hard_link(temporary, target)
    temporary.replace(path)
    sync_to_disk(path.parent)


def put_symlink(path: Path, target: str, working: Path) -> None:
    """Make `path` a symbolic link with the text `target` (relative to path's folder) by rename."""
    if path.is_symlink() and str(path.readlink()) == target:
        return
    temporary = working / path.name
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_to_disk(path.parent)


def hard_link(path: Path, target: Path) -> None:
    """Make `path` a hard link to `target`.

    Raises FileNotFoundError when `target` is gone, PublishError where the file system has no hard links.
    """
    try:
        path.hardlink_to(target)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PublishError(
            f"cannot make {path} a hard link to {target}: {error.strerror}; "
            "put COLLOQUY_HOME on a local file system that has hard links (ext4, xfs, btrfs, zfs, apfs)"
        ) from error
