"""Reports in which rows two builds differ: every table, every column, doubles up to a relative tolerance."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import duckdb

Row = tuple[Any, ...]

# Sums of doubles depend on the order of their parts, which no engine promises.
RELATIVE_TOLERANCE = 1e-9
_SHOWN = 5


def differences(
    left: Path, right: Path, *, schema: str = "marts", only: Collection[str] = (), without: Collection[str] = ()
) -> list[str]:
    """Return a line for every table of the schema that differs between two build databases; empty when equal.

    `only` restricts the comparison to some tables, `without` leaves some out. A table missing on one side differs.
    """
    with duckdb.connect(":memory:") as connection:
        for name, path in (("left_build", left), ("right_build", right)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        tables = {side: _tables(connection, side, schema) for side in ("left_build", "right_build")}
        wanted = {name for names in tables.values() for name in names if not only or name in only} - set(without)
        found = []
        for name in sorted(wanted):
            if name not in tables["left_build"] or name not in tables["right_build"]:
                found.append(f"{schema}.{name}: only on one side")
                continue
            found += _table_differences(connection, f'{schema}."{name}"')
        return found


def rows_equal(left: Row, right: Row) -> bool:
    """Tell whether two rows agree in every column, doubles up to the tolerance."""
    return len(left) == len(right) and all(
        math.isclose(a, b, rel_tol=RELATIVE_TOLERANCE) if isinstance(a, float) and isinstance(b, float) else a == b
        for a, b in zip(left, right, strict=True)
    )


def _tables(connection: duckdb.DuckDBPyConnection, side: str, schema: str) -> set[str]:
    query = "select table_name from duckdb_tables() where database_name = ? and schema_name = ?"
    return {row[0] for row in connection.execute(query, [side, schema]).fetchall()}


def _table_differences(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    columns = [
        [row[0] for row in connection.execute(f"describe {side}.{table}").fetchall()]
        for side in ("left_build", "right_build")
    ]
    if columns[0] != columns[1]:
        return [f"{table}: columns {columns[0]} against {columns[1]}"]
    names = ", ".join(f'"{name}"' for name in columns[0])
    only_left, only_right = (
        connection.execute(
            f"select {names} from {one}.{table} except all select {names} from {other}.{table}"
        ).fetchall()
        for one, other in (("left_build", "right_build"), ("right_build", "left_build"))
    )
    if len(only_left) == len(only_right):
        pairs = zip(sorted(only_left, key=_sort_key), sorted(only_right, key=_sort_key), strict=True)
        if all(rows_equal(*pair) for pair in pairs):
            return []
    return [_described(table, columns[0], only_left, only_right)]


def _sort_key(row: Row) -> tuple[str, str]:
    """Order rows by everything exact first, so that two doubles that differ in the last digit still meet."""
    exact = [value for value in row if not isinstance(value, float)]
    doubles = [f"{value:.6e}" for value in row if isinstance(value, float)]
    return repr(exact), repr(doubles)


def _described(table: str, columns: Sequence[str], only_left: Sequence[Row], only_right: Sequence[Row]) -> str:
    lines = [f"{table}: {len(only_left)} rows only left, {len(only_right)} only right"]
    for side, rows in (("left", only_left), ("right", only_right)):
        for row in sorted(rows, key=_sort_key)[:_SHOWN]:
            shown = ", ".join(f"{name}={value}" for name, value in zip(columns, row, strict=True) if value is not None)
            lines.append(f"  {side}: {shown}")
    return "\n".join(lines)
