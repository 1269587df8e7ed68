"""The build database as the models see it."""

import duckdb

from orchestration.warehouse.home import Home
from orchestration.warehouse.quoting import text_literal


def open_build(home: Home, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open the build with raw and what was published before under their names, in UTC; as profiles.yml does."""
    connection = duckdb.connect(str(home.build_database), read_only=read_only)
    connection.execute("set TimeZone = 'UTC'")
    for name, path in (("raw", home.raw_database), ("published_before", home.published_before)):
        connection.execute(f"attach {text_literal(path)} as {name} (read_only)")
    return connection
