"""`make check-files`: what would be accepted, what rejected, and why."""

import sys
from datetime import datetime
from pathlib import Path

from orchestration.building.project import assemble_project
from orchestration.configuration.problems import ConfigurationError
from orchestration.landing import check_files, throttled
from orchestration.redaction.printable import printable
from orchestration.settings import Settings
from orchestration.warehouse.scratch import scratch_folder


def print_check(folder: Path, settings: Settings, *, now: datetime) -> int:
    """Print the report of a dry run over a folder; 0 when it could be read, 2 when it or the seeds could not."""
    if not folder.is_dir():
        print(f"{folder} is not a folder; name one that holds <source>/ folders: make check-files DIR=...")
        return 2
    with scratch_folder() as project:
        try:
            notes = assemble_project(project, settings.seeds)
        except ConfigurationError as error:
            print(printable(str(error)))
            return 2
        for note in notes:
            print(note)
        summary = check_files(
            folder.absolute(),
            seeds=project / "seeds",
            # Nothing of a dry run stays, so no key has to.
            hash_key=b"dry run",
            stable_after=settings.stable_after,
            now=now,
            on_progress=throttled(lambda message: print(printable(message), file=sys.stderr)),
        )
    print(printable(summary.as_text()))
    return 0
