"""Landed texts into what may be published of them."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.policy import WAREHOUSE_POOL, retry_disk_errors
from orchestration.defs.resources import Warehouse
from orchestration.privacy.redacting import redact_new_messages

_TABLES = {
    "message_redactions": "One row per message whose published text differs from what was said.",
    "redaction_progress": "One row: the newest load whose messages have been through the redactor.",
}


@dg.multi_asset(
    specs=[
        dg.AssetSpec(["raw", table], deps=[["raw", "message_texts"]], description=description, kinds={"python"})
        for table, description in _TABLES.items()
    ],
    pool=WAREHOUSE_POOL,
)
def redacted_messages(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[dg.MaterializeResult[None]]:
    """Take addresses, numbers and keys out of the messages that have newly landed; count them, show none."""
    with retry_disk_errors(context):
        summary = redact_new_messages(warehouse.home.raw_database)
    metadata = {"messages": summary.messages, "changed": summary.changed, **summary.counts}
    for table in _TABLES:
        yield dg.MaterializeResult(asset_key=["raw", table], metadata=metadata)
