"""Whether everything that readers can see under `published/` is whole."""

from pathlib import Path

import duckdb

from orchestration.publishing import read_manifest


def assert_versions_are_whole(published: Path) -> list[str]:
    """Return the versions readers can see; each holds in DuckDB and in Parquet the rows its manifest states."""
    files = sorted(published.glob("colloquy-*.duckdb"))
    versions = [path.stem.removeprefix("colloquy-") for path in files]
    for file, version in zip(files, versions, strict=True):
        folder = published / f"v{version}"
        manifest = read_manifest(folder)
        assert manifest is not None, folder
        assert manifest.version == version
        stated = {name: record.rows for name, record in manifest.tables.items()}
        with duckdb.connect(str(file), read_only=True) as connection:
            assert stated == {name: _rows(connection, f"marts.{name}") for name in stated}, file
        with duckdb.connect() as connection:
            for name, record in manifest.tables.items():
                paths = [str(folder / part) for part in record.parquet_files(name)]
                assert _rows(connection, f"read_parquet({paths!r})") == record.rows, paths
    link = published / "colloquy.duckdb"
    assert link.exists() == (read_manifest(published) is not None) or link.exists()
    assert not link.exists() or any(link.samefile(file) for file in files)
    current = published / "current"
    assert not current.is_symlink() or str(current.readlink()).removeprefix("v") in versions
    return versions


def _rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0
