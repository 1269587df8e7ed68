"""`make show`: the rows of a query over the published version."""

import sys

import duckdb

from orchestration.redaction.printable import printable
from orchestration.settings import Settings
from orchestration.warehouse.home import Home

_MOST_ROWS = 40


def show_rows(settings: Settings, sql: str) -> int:
    """Print the first rows of a query over schema `marts`, of the demo where nothing else is published.

    Returns 0, 1 when the query fails, 2 when there is nothing to query.
    """
    homes = (Home(settings.home), Home(settings.home / "demo"))
    home = next((one for one in homes if (one.published / "colloquy.duckdb").exists()), None)
    if home is None:
        print(f"nothing is published in {settings.home}: make demo, or make run LANDING=dir")
        return 2
    database = home.published / "colloquy.duckdb"
    print(f"{database}, schema marts", file=sys.stderr)
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            # A query reads the marts: no other file, no network, and nothing is written anywhere.
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            # DuckDB draws the table and leaves out the middle of a long one.
            print(printable(table_of(connection, sql)))
    except (duckdb.Error, ValueError) as error:
        print(printable(str(error)))
        return 1
    return 0


def table_of(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the first rows of a query as a table; raises duckdb.Error, ValueError for what is no query."""
    statements = connection.extract_statements(sql)
    if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
        raise ValueError("this is no query: write one statement, such as select * from marts.metrics_daily")
    found = connection.sql(sql)
    return str(found.limit(_MOST_ROWS))
