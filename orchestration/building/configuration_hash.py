"""Everything except the raw data that decides a number: when it changes, everything is rebuilt."""

import hashlib
from fnmatch import fnmatch
from pathlib import Path

from orchestration.building.project import deciding_variables, project_files
from orchestration.settings import Settings

# Tests and descriptions decide no number.
_CONFIGURING = ("dbt_project.yml", "models/*.sql", "macros/*.sql", "seeds/*.csv", "seeds/*.yml")


def configuration_hash(settings: Settings, project: Path) -> str:
    """Return the sha256 (hex) of everything except the raw data that decides a number in the marts."""
    digest = hashlib.sha256()
    for path in project_files(project):
        name = path.relative_to(project).as_posix()
        if any(fnmatch(name, pattern) for pattern in _CONFIGURING):
            _add(digest, name, path.read_bytes())
    for name, value in sorted(deciding_variables(settings).items()):
        _add(digest, name, str(value).encode())
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", name: str, content: bytes) -> None:
    digest.update(f"{name}\0{len(content)}\0".encode())
    digest.update(content)
