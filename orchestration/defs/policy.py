"""What holds for every asset alike: groups, owners, the pool of the one writer, and what is tried again."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb

from orchestration.publishing import MissingTableError, NotEnoughSpaceError, PublishError
from orchestration.reporting.remedies import passes

# Nothing but this project writes the warehouse: one run at a time has the pool, the next one waits in the queue.
WAREHOUSE_POOL = "warehouse"
# A run with this tag rebuilds everything derived from raw.
REBUILD_TAG = "colloquy/rebuild"
# A run with this tag labels again what began at its moment (ISO-8601 with an offset) or later.
RELABEL_TAG = "colloquy/relabel"
# What started a run; the nightly one applies retention as well.
TRIGGER_TAG = "colloquy/trigger"
NIGHTLY = "nightly"
OWNERS = ["team:conversation-analytics"]
_GROUPS = {
    "raw": "landing",
    "seeds": "configuration",
    "staging": "staging",
    "intermediate": "intermediate",
    "ledger": "labelling",
    "marts": "marts",
    "published": "publishing",
    "outbox": "alerting",
    "history": "publishing",
    "state": "publishing",
}

_RETRIES = 2
_FIRST_WAIT_SECONDS = 10


def with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the asset with its group, taken from the first part of its key, and its owners."""
    return spec.replace_attributes(group_name=_GROUPS[spec.key.path[0]], owners=OWNERS)


@contextmanager
def retry_disk_errors(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Try the step again, twice, after 10 and 20 seconds, when a disk or share gave an error or a file was held.

    Safe for landing, which commits a file with its manifest row in one transaction and skips what it knows, and for
    publishing, which repairs what an interrupted one left; the run keeps its lock meanwhile, so no run comes between.
    Nothing else is tried again: a full disk stays full, the same rows fail the same way, a build would cost twice.
    """
    try:
        yield
    except (OSError, duckdb.IOException, PublishError) as error:
        is_lasting = isinstance(error, FileNotFoundError | MissingTableError | NotEnoughSpaceError)
        if is_lasting or not passes(str(error)) or context.retry_number == _RETRIES:
            raise
        wait_seconds = _FIRST_WAIT_SECONDS * 2**context.retry_number
        context.log.warning(f"{error}; trying again in {wait_seconds} seconds")
        raise dg.RetryRequested(_RETRIES, wait_seconds) from error
