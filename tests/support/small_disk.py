"""A disk of its own for a test, small or read-only, without being root: a mount that only the forked processes see.

Needs `unshare` and a kernel that lets users have namespaces of their own; `is_possible` shows whether both are there.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from orchestration.publishing import PublishError
from tests.support.published_samples import publish_sample, query
from tests.support.published_versions import assert_versions_are_whole

NAMESPACE = ("unshare", "--map-root-user", "--mount")
BALLAST = "ballast"


def is_possible() -> bool:
    """Tell whether this machine lets this user mount something for its own processes."""
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(
            [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        ).returncode
        == 0
    )


def mount(folder: str, megabytes: int) -> None:
    """Mount an empty disk; a forked process calls this."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder], check=True)


def make_read_only(folder: str) -> None:
    """Make a folder read-only, for root too; a forked process calls this."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)


def make_writable(folder: str) -> None:
    """Take back what make_read_only did; a forked process calls this."""
    subprocess.run(["umount", folder], check=True)


def fill(folder: str, free_kilobytes: int) -> None:
    """Leave so much space on the disk of a folder, whatever an earlier call left; a forked process calls this."""
    ballast = Path(folder) / BALLAST
    ballast.unlink(missing_ok=True)
    free_bytes = shutil.disk_usage(folder).free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free_bytes - free_kilobytes * 1024)


def make_room(folder: str) -> None:
    """Take the ballast away; a forked process calls this."""
    (Path(folder) / BALLAST).unlink()


def print_published(published: str) -> None:
    """Print what readers see as JSON: the versions, all whole, and the conversations in the newest; for forks."""
    versions = assert_versions_are_whole(Path(published))
    rows = query(Path(published) / "colloquy.duckdb", "select count(*) from marts.fct_conversations")
    names = sorted(path.name for path in Path(published).iterdir())
    print(json.dumps({"versions": versions, "conversations": rows[0][0], "names": names}))


def publish(folder: str, build: str, published: str, full_at: str | None = None) -> int:
    """Publish the sample tables; the disk of `folder` is full from the first message on that begins with `full_at`.

    A forked process calls this; it prints the error and returns 1 when there was one.
    """

    def report(message: str) -> None:
        if full_at is not None and message.startswith(full_at):
            fill(folder, 0)

    try:
        publish_sample(Path(build), Path(published), on_progress=report)
    except (OSError, PublishError) as error:
        print(error)
        return 1
    return 0
