"""A full refresh without dbt's fixed price: the statements that dbt itself sent for one, sent again.

On a full refresh no model asks the database how to compile, so that the statements depend on the project and its
variables alone; seeds are read from their files by the statements themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

# What leaves something behind; questions, descriptions and the borders of transactions do not.
_KEPT = ("create ", "alter ", "drop ", "insert ", "copy ")


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collect what dbt sends to the database while it runs with one thread."""
    statements: list[str] = []
    execute = DuckDBCursorWrapper.execute

    def recording(cursor: DuckDBCursorWrapper, sql: str, bindings: object = None) -> object:
        if bindings is not None:
            raise ValueError(f"cannot send again what has bindings: {sql}")
        statements.append(sql)
        return execute(cursor, sql)  # type: ignore[no-untyped-call]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBCursorWrapper, "execute", recording)
        yield statements


def replay(statements: list[str], build: Path, raw: Path, *, is_new: bool = True) -> None:
    """Build an empty database from raw events, or go on with one; its file must be named as when they were recorded."""
    if is_new:
        build.unlink(missing_ok=True)
    with duckdb.connect(str(build), config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{raw}' as raw (read_only)")
        connection.begin()
        for sql in statements:
            if _without_comment(sql).startswith(_KEPT):
                connection.execute(sql)
        connection.commit()


def _without_comment(sql: str) -> str:
    """Return a statement from its first word on; dbt begins each with a comment that names the node."""
    return sql.partition("*/")[2].lstrip().lower() if sql.lstrip().startswith("/*") else sql.lstrip().lower()
