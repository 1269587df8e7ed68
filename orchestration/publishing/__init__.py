"""Publishing: nothing else touches `published/`.

Readers open `colloquy.duckdb` (schema `marts`) or the Parquet under `current/`, and never wait for a run.
"""

from orchestration.publishing.errors import (
    BuildDatabaseError,
    ManifestError,
    MissingTableError,
    NotEnoughSpaceError,
    PublishError,
)
from orchestration.publishing.publication import PublishSummary, publish
from orchestration.publishing.publication_history import HISTORY_TABLES, keep_history
from orchestration.publishing.published_manifest import Manifest, TableRecord, read_manifest
from orchestration.publishing.versions import is_whole, published_files, version_of_readers

__all__ = [
    "HISTORY_TABLES",
    "BuildDatabaseError",
    "Manifest",
    "ManifestError",
    "MissingTableError",
    "NotEnoughSpaceError",
    "PublishError",
    "PublishSummary",
    "TableRecord",
    "is_whole",
    "keep_history",
    "publish",
    "published_files",
    "read_manifest",
    "version_of_readers",
]
