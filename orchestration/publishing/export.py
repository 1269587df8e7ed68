"""Writing one version: the database file with the published tables, and their Parquet files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.publishing.durable_files import hard_link, sync_to_disk
from orchestration.publishing.errors import BuildDatabaseError
from orchestration.publishing.published_manifest import Manifest, TableRecord
from orchestration.publishing.tables import SCHEMA, TableShape, month_condition
from orchestration.warehouse.quoting import quoted, text_literal

BUILD = "build"
PUBLICATION = "publication"


@dataclass(frozen=True)
class ParquetCount:
    """How many Parquet files were written and how many linked to those of the version before."""

    written: int = 0
    linked: int = 0

    def __add__(self, other: "ParquetCount") -> "ParquetCount":
        """Return the sum of both counts."""
        return ParquetCount(self.written + other.written, self.linked + other.linked)


@contextmanager
def open_build(build_database: Path, spill_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection of its own that sees the build database, read only, as the catalog `build`.

    Raises BuildDatabaseError when the file is missing, held by another process, or open for writing in this one.
    """
    # Spilled data must not land in the current directory, which is what DuckDB does without a file of its own.
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(spill_folder),
        "autoinstall_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        # Months are those of UTC, whatever the machine's zone.
        connection.execute("set TimeZone = 'UTC'")
        try:
            connection.execute(f"attach {text_literal(build_database)} as {BUILD} (read_only)")
        except duckdb.Error as error:
            raise BuildDatabaseError(
                f"cannot read {build_database}: {error}; build the models first, and close every connection to the "
                "file: one that is open for writing locks all others out"
            ) from error
        yield connection
    finally:
        connection.close()


def copy_tables(connection: duckdb.DuckDBPyConnection, file: Path, shapes: Sequence[TableShape]) -> None:
    """Copy the tables with their comments from `build` into a new database file; then let go of the build.

    The file stays attached as `publication`.
    """
    connection.execute(f"attach {text_literal(file)} as {PUBLICATION}")
    connection.execute(f"create schema {PUBLICATION}.{SCHEMA}")
    for shape in shapes:
        table = f"{SCHEMA}.{quoted(shape.name)}"
        connection.execute(f"create table {PUBLICATION}.{table} as select * from {BUILD}.{table}")
        if shape.comment is not None:
            connection.execute(f"comment on table {PUBLICATION}.{table} is {text_literal(shape.comment)}")
        for column in shape.columns:
            if column.comment is not None:
                named = f"{PUBLICATION}.{table}.{quoted(column.name)}"
                connection.execute(f"comment on column {named} is {text_literal(column.comment)}")
    connection.execute(f"detach {BUILD}")
    connection.execute(f"checkpoint {PUBLICATION}")


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    shape: TableShape,
    record: TableRecord,
    earlier: "EarlierExport | None",
) -> ParquetCount:
    """Write the table's files from `publication` into `folder`; link those whose rows the earlier version holds."""
    wanted = record.parquet_files(shape.name)
    known = {} if earlier is None else earlier.fingerprints(shape.name)
    linked = 0
    for name, fingerprint in wanted.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if earlier is not None and known.get(name) == fingerprint and earlier.link(name, path):
            linked += 1
        else:
            _write_file(connection, path, shape, record)
    for parent in sorted({(folder / name).parent for name in wanted} - {folder}):
        sync_to_disk(parent)
    return ParquetCount(len(wanted) - linked, linked)


@dataclass(frozen=True)
class EarlierExport:
    """The Parquet of the version before: its folder and what it holds."""

    folder: Path
    tables: Mapping[str, TableRecord]

    @classmethod
    def of(cls, manifest: Manifest, folder: Path) -> "EarlierExport":
        """Return the export that `manifest` describes."""
        return cls(folder, manifest.tables)

    def fingerprints(self, table: str) -> dict[str, str]:
        """Return file name -> fingerprint of the table's files, empty for a table that was not there."""
        return self.tables[table].parquet_files(table) if table in self.tables else {}

    def link(self, name: str, path: Path) -> bool:
        """Link the file to `path`; False when it was removed, so that it must be written again."""
        try:
            hard_link(path, self.folder / name)
        except FileNotFoundError:
            return False
        return True


def _write_file(connection: duckdb.DuckDBPyConnection, path: Path, shape: TableShape, record: TableRecord) -> None:
    source = f"select * from {PUBLICATION}.{SCHEMA}.{quoted(shape.name)}"
    if record.months:
        source += f" where {month_condition(shape, path.stem)}"
    connection.execute(f"copy ({source}) to {text_literal(path)} (format parquet, compression zstd)")
    sync_to_disk(path)
