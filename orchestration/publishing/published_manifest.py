"""`manifest.json`: which version is published, from which run, with which rows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.publishing.errors import ManifestError

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class TableRecord:
    """Content of one published table; `months` maps YYYY-MM or `unknown` to fingerprints, None if it has no dates."""

    rows: int
    fingerprint: str
    months: Mapping[str, str] | None = None

    def parquet_files(self, table: str) -> dict[str, str]:
        """Return the table's Parquet files: path inside the version's folder -> fingerprint of its rows."""
        if self.months is None:
            return {f"{table}.parquet": self.fingerprint}
        if not self.months:
            return {f"{table}/empty.parquet": self.fingerprint}
        return {f"{table}/{month}.parquet": fingerprint for month, fingerprint in self.months.items()}


@dataclass(frozen=True)
class Manifest:
    """One published version.

    `run_id` and `published_at` are those of the run that published the version. A later run that finds nothing changed
    refreshes only `data_until`, `checks`, `last_checked_at`, `last_checked_run_id`, `versions` and `built_from`: the
    definitions and the data behind the numbers, empty for versions of early releases. Times are UTC.
    """

    version: str
    run_id: str
    published_at: datetime
    data_until: datetime | None
    tables: Mapping[str, TableRecord]
    checks: Mapping[str, object]
    versions: tuple[str, ...]
    last_checked_at: datetime
    last_checked_run_id: str
    built_from: Mapping[str, str | int] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the file's text; raises TypeError or ValueError when `checks` is no plain JSON."""
        fields = asdict(self)
        for name in ("published_at", "data_until", "last_checked_at"):
            fields[name] = None if fields[name] is None else as_utc(fields[name]).isoformat()
        for record in fields["tables"].values():
            if record["months"] is None:
                del record["months"]
        return json.dumps(fields, indent=2, allow_nan=False) + "\n"


def read_manifest(published: Path) -> Manifest | None:
    """Return the manifest in the folder `published` (or of one version's folder), None when there is none.

    Raises ManifestError naming the file when it is not a manifest.
    """
    path = published / MANIFEST_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _from_fields(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(
            f"{path} is no manifest: {type(error).__name__}: {error}; the next run that publishes writes it again"
        ) from error


def as_utc(moment: datetime) -> datetime:
    """Return an aware time in UTC; raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; pass an aware time such as datetime.now(UTC)")
    return moment.astimezone(UTC)


def _from_fields(fields: dict[str, Any]) -> Manifest:
    """Read a manifest of this or an earlier release: what came later may be missing, unknown fields do not count."""
    version = str(int(fields["version"])).zfill(len(fields["version"]))
    published_at = as_utc(datetime.fromisoformat(fields["published_at"]))
    data_until, last_checked_at = fields.get("data_until"), fields.get("last_checked_at")
    return Manifest(
        version=version,
        run_id=fields["run_id"],
        published_at=published_at,
        data_until=None if data_until is None else as_utc(datetime.fromisoformat(data_until)),
        tables={
            name: TableRecord(int(record["rows"]), str(record["fingerprint"]), record.get("months"))
            for name, record in fields["tables"].items()
        },
        checks=dict(fields.get("checks", {})),
        versions=tuple(fields.get("versions", (version,))),
        last_checked_at=published_at if last_checked_at is None else as_utc(datetime.fromisoformat(last_checked_at)),
        last_checked_run_id=fields.get("last_checked_run_id", fields["run_id"]),
        built_from=dict(fields.get("built_from", {})),
    )
