"""`make check-files`: what would be accepted, what rejected, and why."""

import sys
from datetime import datetime
from pathlib import Path

from orchestration.landing import check_files
from orchestration.settings import PROJECT_DIR, Settings


def print_check(folder: Path, settings: Settings, *, now: datetime) -> int:
    """Print the report of a dry run over a landing folder; exit code 0 when there was a folder to read."""
    if not folder.is_dir():
        print(f"{folder} is not a folder; name one that holds <source>/ folders: make check-files DIR=...")
        return 2
    summary = check_files(
        folder.absolute(),
        seeds=PROJECT_DIR / "seeds",
        # Nothing of a dry run stays, so no key has to.
        hash_key=b"dry run",
        settle=settings.settle,
        now=now,
        on_progress=lambda message: print(message, file=sys.stderr),
    )
    print(summary.as_text())
    return 0
