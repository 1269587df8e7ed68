"""The build database as the models see it."""

import duckdb

from orchestration.home import Home


def open_build(home: Home, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open the build with raw and what was published before under their names, in UTC; as profiles.yml does."""
    connection = duckdb.connect(str(home.build_database), read_only=read_only)
    connection.execute("set TimeZone = 'UTC'")
    for name, path in (("raw", home.raw_database), ("published_before", home.published_before)):
        text = str(path).replace("'", "''")
        connection.execute(f"attach '{text}' as {name} (read_only)")
    return connection
