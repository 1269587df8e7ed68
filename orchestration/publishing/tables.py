"""The shape and the fingerprint of a table: what makes two versions of it the same."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.publishing.errors import MissingTableError
from orchestration.publishing.published_manifest import TableRecord
from orchestration.warehouse.quoting import quoted

SCHEMA = "marts"
UNKNOWN_MONTH = "unknown"
_DATE_COLUMNS = ("conversation_date", "date", "start_date")
_SIGNATURE_LENGTH = 16


@dataclass(frozen=True)
class Column:
    """One column as DuckDB reports it."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class TableShape:
    """A table's columns in order, and its comments."""

    name: str
    columns: tuple[Column, ...]
    comment: str | None

    @property
    def date_column(self) -> str | None:
        """The column whose months split the Parquet export; None when the table has no such column."""
        types = {column.name: column.type for column in self.columns}
        return next((name for name in _DATE_COLUMNS if types.get(name, "").startswith(("DATE", "TIMESTAMP"))), None)

    @property
    def signature(self) -> str:
        """Digest of names, types and comments: a renamed column changes no row hash, but is another table."""
        described = [self.comment, [[column.name, column.type, column.comment] for column in self.columns]]
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:_SIGNATURE_LENGTH]


def read_shapes(connection: duckdb.DuckDBPyConnection, catalog: str, names: Sequence[str]) -> list[TableShape]:
    """Return the shapes of `marts.<name>`; raises MissingTableError naming all that the catalog lacks."""
    where = "where database_name = ? and schema_name = ?"
    comments = dict(
        connection.execute(f"select table_name, comment from duckdb_tables() {where}", [catalog, SCHEMA]).fetchall()
    )
    missing = [f"{SCHEMA}.{name}" for name in names if name not in comments]
    if missing:
        raise MissingTableError(
            f"the build has no table {', '.join(missing)}; build the models (a view counts as missing: "
            "published models are materialized as tables) or take the name off the published list"
        )
    columns: dict[str, list[Column]] = {name: [] for name in names}
    found = connection.execute(
        f"select table_name, column_name, data_type, comment from duckdb_columns() {where} order by column_index",
        [catalog, SCHEMA],
    ).fetchall()
    for table, name, type_, comment in found:
        if table in columns:
            columns[table].append(Column(name, type_, comment))
    return [TableShape(name, tuple(columns[name]), comments[name]) for name in names]


def fingerprint_table(connection: duckdb.DuckDBPyConnection, catalog: str, shape: TableShape) -> TableRecord:
    """Return row count and fingerprints of a table, whatever the order of its rows.

    A fingerprint is `<rows>:<sum of the row hashes>:<signature>`. It may change with DuckDB's version: then everything
    is published once more.
    """
    counted = connection.execute(
        f"""
        select strftime(month_start, '%Y-%m'), row_count, hash_sum
        from (
            select {_month_start(shape)} as month_start, count(*) as row_count, sum({_row_hash(shape)}) as hash_sum
            from {quoted(catalog)}.{quoted(SCHEMA)}.{quoted(shape.name)}
            group by 1
        )
        order by 1 nulls last
        """
    ).fetchall()
    rows = sum(row_count for _, row_count, _ in counted)
    total = f"{rows}:{sum(hash_sum for _, _, hash_sum in counted)}:{shape.signature}"
    if shape.date_column is None:
        return TableRecord(rows, total)
    months = {
        month or UNKNOWN_MONTH: f"{row_count}:{hash_sum}:{shape.signature}" for month, row_count, hash_sum in counted
    }
    return TableRecord(rows, total, months)


def month_condition(shape: TableShape, month: str) -> str:
    """Return the SQL condition that picks the rows of one month, as `fingerprint_table` grouped them."""
    if shape.date_column is None:
        raise ValueError(f"{shape.name} has no date column and therefore no months")
    if month == UNKNOWN_MONTH:
        return f"({_has_month(shape.date_column)}) is not true"
    first = f"date '{month}-01'"
    column = quoted(shape.date_column)
    return f"{_has_month(shape.date_column)} and {column} >= {first} and {column} < {first} + interval 1 month"


def _month_start(shape: TableShape) -> str:
    if shape.date_column is None:
        return "null::timestamp"
    return f"case when {_has_month(shape.date_column)} then date_trunc('month', {quoted(shape.date_column)}) end"


def _has_month(date_column: str) -> str:
    # Infinite dates and years that YYYY cannot hold go the way of null dates.
    return f"{quoted(date_column)} between date '0001-01-01' and date '9999-12-31'"


def _row_hash(shape: TableShape) -> str:
    # The outer hash mixes the columns' hashes, which DuckDB only combines by xor: sums of those could cancel out.
    return f"hash(hash({', '.join(_hashable(column) for column in shape.columns)}))"


def _hashable(column: Column) -> str:
    name = quoted(column.name)
    # DuckDB gives null, [] and [null] one hash, and [[1], [2]] that of [[1, 2]]; their texts differ.
    nested = column.type.endswith("]") or column.type.startswith(("STRUCT", "MAP", "UNION"))
    return f"{name}::varchar" if nested else name
