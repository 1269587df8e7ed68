"""Flags running conversations whose problem is not identified after three exchanges: a check with their ids."""

import hmac
import json
from collections.abc import Iterable

import dagster as dg
import duckdb

from orchestration.classification.open_conversations import Unidentified, find_unidentified
from orchestration.defs.resources import Warehouse
from orchestration.ledger.labellers import embedded_labeller
from orchestration.publishing import read_manifest
from orchestration.settings import Settings
from orchestration.warehouse.home import Home

CHECK = "open_conversations_are_identified"
_VERSION = dg.AssetKey(["published", "version"])
CHECK_KEY = dg.AssetCheckKey(_VERSION, CHECK)
_LOOK_EVERY_SECONDS = 60
_SHOWN = 100


# Alone in its job: when the warehouse is refreshed, it would come after the publish that it reads.
@dg.asset_check(
    asset=_VERSION,
    name=CHECK,
    description="No open conversation has had three exchanges without its problem identified. Lists ids, never texts.",
)
def open_conversations_are_identified() -> dg.AssetCheckResult:
    """Look at the open conversations of the published version."""
    found = _find()
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"open conversations not identified after three exchanges: {len(found):,}",
        metadata={
            "conversations": dg.MetadataValue.json(
                [{"conversation_key": one.conversation_key, "signal": one.signal} for one in found[:_SHOWN]]
            )
        },
    )


flag_unidentified = dg.define_asset_job(
    "flag_unidentified",
    selection=dg.AssetSelection.checks(CHECK_KEY),
    executor_def=dg.in_process_executor,
)


@dg.sensor(
    job=flag_unidentified,
    minimum_interval_seconds=_LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def unidentified_conversations_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Look at each published version once and ask for a run when a conversation in it was not flagged before."""
    manifest = read_manifest(Home(Settings().home).published)
    if manifest is None:
        return dg.SkipReason("nothing is published yet")
    before = json.loads(context.cursor) if context.cursor else {"version": None, "flagged": []}
    if before["version"] == manifest.version:
        return dg.SkipReason(f"version {manifest.version} has been looked at")
    try:
        flagged = _hashes(_find())
    except duckdb.Error as error:
        # Switched while it was opened; the next look finds the next version.
        return dg.SkipReason(f"version {manifest.version} could not be read: {error}")
    cursor = json.dumps({"version": manifest.version, "flagged": flagged})
    if not set(flagged) - set(before["flagged"]):
        return dg.SensorResult(skip_reason="no conversation is newly unidentified", cursor=cursor)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=manifest.version)], cursor=cursor)


def _find() -> list[Unidentified]:
    home = Home(Settings().home)
    return find_unidentified(home.published, embedded_labeller(home.model).classify)


def _hashes(found: Iterable[Unidentified]) -> list[str]:
    """Return keyed hashes that identify them: an erasure does not reach the cursor, so it may hold no id."""
    key = Warehouse().hash_key()
    return sorted(
        hmac.digest(key, one.conversation_key.encode("utf-8", "surrogatepass"), "sha256").hex() for one in found
    )
