"""Temporary folders: they may hold what people wrote, so a process that is interrupted removes those it has open."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_open: set[Path] = set()
# A thread that still works may add a file while its folder is removed.
_ATTEMPTS = 5


@contextmanager
def scratch_folder(within: Path | None = None) -> Iterator[Path]:
    """Yield a new folder, closed to other accounts, that is gone after the block."""
    with tempfile.TemporaryDirectory(dir=within) as name:
        folder = Path(name)
        _open.add(folder)
        try:
            yield folder
        finally:
            _open.discard(folder)


def remove_scratch() -> None:
    """Remove every folder that is open; the process ends after it."""
    for folder in tuple(_open):
        for _ in range(_ATTEMPTS):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
