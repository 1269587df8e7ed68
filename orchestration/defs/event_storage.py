"""Dagster's store of events with its connections kept open.

The one that Dagster ships opens SQLite for every event and waits for the disk each time, at half the cost of a
small run.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as db
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData

# Of the index and of the runs looked at last; the UI walks through many.
_KEPT_ENGINES = 4
_WAIT_SECONDS = 20


class KeptOpenEventLogStorage(SqliteEventLogStorage):
    """The same files and tables: `event_log_storage` of dagster.yaml names this class."""

    @classmethod
    def from_config_value(
        cls,
        inst_data: "ConfigurableClassData | None",
        config_value: Mapping[str, Any],
    ) -> "KeptOpenEventLogStorage":
        """Make the storage from its configuration in dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table."""
        # Asked while a connection is in use as well: this is another one.
        with self._engine(INDEX_SHARD_NAME).connect() as connection:
            return bool(connection.dialect.has_table(connection, table_name))

    def dispose(self) -> None:
        """Close what was kept open."""
        super().dispose()
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    @property
    def _engines(self) -> "OrderedDict[str, Engine]":
        # The shipped constructor connects before a subclass could set anything.
        if not hasattr(self, "_kept"):
            self._kept: OrderedDict[str, Engine] = OrderedDict()
        return self._kept

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            self._engines[shard] = db.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={"timeout": _WAIT_SECONDS, "check_same_thread": False},
            )
            db.event.listen(self._engines[shard], "connect", _wait_for_no_disk)
        self._engines.move_to_end(shard)
        while len(self._engines) > _KEPT_ENGINES:
            _, oldest = self._engines.popitem(last=False)
            oldest.dispose()
        return self._engines[shard]


def _wait_for_no_disk(connection: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3 through SQLAlchemy's hands
    """Let a commit return before the disk has it: a power cut may cost the last events of a history, never the file."""
    connection.execute("pragma synchronous = normal")
