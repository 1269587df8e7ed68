"""Erasing in a small warehouse without a build, and looking into its raw tables."""

from typing import Any

from orchestration.landing.suppression import Scope
from orchestration.privacy.erasure import ErasureReport, begin_erasure, conclude_erasure, request_erasure
from orchestration.warehouse.raw_tables import open_raw
from tests.support.planted_person import STRINGS, USER
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest


def erase(
    warehouse: WarehouseUnderTest, scope: Scope = "user", clear_id: str = USER, namespace: str | None = None
) -> ErasureReport | None:
    request_erasure(warehouse.home, [(scope, namespace, clear_id)], HASH_KEY)
    begin_erasure(warehouse.home, HASH_KEY)
    return conclude(warehouse)


def conclude(warehouse: WarehouseUnderTest) -> ErasureReport | None:
    return conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT)


def raw(warehouse: WarehouseUnderTest, query: str) -> list[tuple[Any, ...]]:
    with open_raw(warehouse.home.raw_database) as connection:
        return connection.execute(query).fetchall()


def found_in_raw(warehouse: WarehouseUnderTest) -> set[str]:
    """Search every cell of raw and every byte of the home for the planted strings, by means of their own."""
    found = set()
    with open_raw(warehouse.home.raw_database) as connection:
        tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"select * from {table}").fetchall():
                found |= {one for one in STRINGS if one in repr(row)}
    for path in warehouse.home.root.rglob("*"):
        if path.is_file():
            found |= {one for one in STRINGS if one.encode() in path.read_bytes()}
    return found


def message(event_id: str, conversation: str, user: str, **properties: Any) -> dict[str, Any]:
    """Return an event of a user; without properties its text names the event."""
    return {
        "event_id": event_id,
        "conversation_id": conversation,
        "user_id": user,
        "event_type": "user_message",
        "timestamp": "2025-06-01T10:00:00Z",
        "properties": properties or {"content": f"good day {event_id}"},
    }
