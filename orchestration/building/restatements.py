"""The published version that a build is compared with, and the reason why its final values may differ."""

from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.publishing import ManifestError, keep_history, read_manifest
from orchestration.warehouse.build_records import Build
from orchestration.warehouse.home import Home
from orchestration.warehouse.utc import stored

# An erasure takes precedence over the repair of a file: the reason for a later restatement must name the erasure.
_REASONS = {"erase": "erasure", "reload": "reload", "exclude": "reload", "relabel": "definition"}


def compare_with_published(home: Home, build: Build, now: datetime, *, is_erasing: bool = False) -> None:
    """Prepare what metric_restatements reads: the published version under its fixed name, and `state.comparison`.

    `now` must carry an offset. During an erasure nothing is compared: an erasure changes no number, and
    the published version still holds the person, whose segments would be kept as old values. Raises duckdb.Error when
    a database cannot be used.
    """
    if not is_erasing:
        keep_history(home.raw_database, home.published)
    show_published(home, is_erasing=is_erasing)
    reason = _reason(home, build)
    with duckdb.connect(home.build_database) as connection:
        connection.execute(
            "create or replace table state.comparison as "
            "select $restated_at::timestamp as restated_at, $load_id::bigint as load_id, $reason::varchar as reason",
            {
                "restated_at": stored(now),
                "load_id": build.through_load_id,
                "reason": reason,
            },
        )


def show_published(home: Home, *, is_erasing: bool = False) -> None:
    """Point the fixed name at what readers see now: dbt attaches one path, whatever the name of the version."""
    shown, published = home.published_before, home.published / "colloquy.duckdb"
    shown.parent.mkdir(parents=True, exist_ok=True)
    shown.unlink(missing_ok=True)
    if published.exists() and not is_erasing:
        # Relative, so that a warehouse can be moved.
        shown.symlink_to(Path("..") / published.relative_to(home.root))
    else:
        duckdb.connect(shown).close()


def _reason(home: Home, build: Build) -> str:
    try:
        manifest = read_manifest(home.published)
    except ManifestError:
        # Publishing repairs the manifest and reports it; the record of what the numbers were built from is lost.
        manifest = None
    if manifest is None:
        return "late_data"
    if manifest.built_from.get("configuration_hash") != build.configuration_hash:
        return "definition"
    found = _operations_since(home.raw_database, int(manifest.built_from["through_load_id"]))
    return next((reason for operation, reason in _REASONS.items() if operation in found), "late_data")


def _operations_since(raw_database: Path, load_id: int) -> set[str]:
    with duckdb.connect(raw_database, read_only=True) as connection:
        rows = connection.execute("select operation from raw.raw.operations where load_id > ?", [load_id]).fetchall()
    return {str(operation) for (operation,) in rows}
