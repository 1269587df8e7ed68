"""What the SQL of a dbt build costs, without dbt: each statement is timed where dbt hands it to DuckDB.

dbt must run with one thread: while a statement runs, the process then does nothing else, and all its CPU time, that of
DuckDB's threads included, belongs to the statement.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

# dbt begins each statement with a comment that names the node; what has none (begin, commit) belongs to the last one.
_NODE = re.compile(r'"node_id": "([^"]+)"')


@dataclass
class StatementCosts:
    """CPU and wall seconds by the dbt node that a statement belongs to."""

    cpu_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wall_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    node: str = ""

    def add(self, sql: str, cpu: float, wall: float) -> None:
        """Add one statement."""
        found = _NODE.search(sql)
        self.node = found[1] if found else self.node
        self.cpu_seconds[self.node] += cpu
        self.wall_seconds[self.node] += wall


@contextmanager
def accounted(memory_limit: str | None = None) -> Iterator[StatementCosts]:
    """Time every statement that dbt sends meanwhile; `memory_limit` (DuckDB's words) holds for all of them."""
    costs = StatementCosts()
    execute = DuckDBCursorWrapper.execute
    limited = memory_limit is None

    def timed(cursor: DuckDBCursorWrapper, sql: str, bindings: object = None) -> object:
        nonlocal limited
        if not limited:
            execute(cursor, f"set memory_limit = '{memory_limit}'")  # type: ignore[no-untyped-call]
            limited = True
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            return execute(cursor, sql, bindings)  # type: ignore[no-untyped-call]
        finally:
            costs.add(sql, time.process_time() - cpu, time.perf_counter() - wall)

    setattr(DuckDBCursorWrapper, "execute", timed)  # noqa: B010 - a method is replaced on purpose
    try:
        yield costs
    finally:
        setattr(DuckDBCursorWrapper, "execute", execute)  # noqa: B010
