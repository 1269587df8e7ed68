"""The dbt models as Dagster assets, and their tests as asset checks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    dbt_assets,
)
from dagster_dbt.core.dbt_event_iterator import DbtDagsterEventType as DbtEvent

from orchestration.building.manifest import behind_labels, prepare_manifest
from orchestration.building.project import CANONICAL_MODELS, build_command
from orchestration.building.restatements import compare_with_published, show_published
from orchestration.building.state import (
    Build,
    BuildDatabaseError,
    begin_build,
    complete_build,
    configuration_hash,
    continue_build,
    discard_build,
    finish_events,
)
from orchestration.defs.policy import REBUILD_TAG, WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.expectations.dbt_findings import DbtFinding, read_dbt_findings
from orchestration.expectations.frames import count_rows
from orchestration.home import Home
from orchestration.labelling.ledger.llm_labelling import llm_step
from orchestration.landing.migrations import RawVersionError
from orchestration.landing.operations import record_rebuild
from orchestration.privacy.erasure import pending_erasure
from orchestration.settings import Settings

MANIFEST = prepare_manifest(Settings())
# Refused with the rest of the configuration, before a run starts: what an LLM costs must be known.
llm_step(Settings(), Home(Settings().home), datetime.now(UTC))
_NODES: Mapping[str, Mapping[str, object]] = json.loads(MANIFEST.read_text())["nodes"]
_PROGRESS_EVERY = 20
# Labels and the calls they cost are tables of one step.
_TRANSLATOR = DagsterDbtTranslator(settings=DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))


@dbt_assets(manifest=MANIFEST, select=CANONICAL_MODELS, dagster_dbt_translator=_TRANSLATOR, pool=WAREHOUSE_POOL)
def canonical_events(context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: Warehouse) -> Iterator[object]:
    """Bring the events of all sources into one vocabulary: what labelling reads."""
    home = warehouse.home
    build = _begin(context, warehouse)
    show_published(home, is_erasing=pending_erasure(home) is not None)
    extent = "full refresh" if build.is_full_refresh else "what has newly landed"
    context.log.info(f"build {build.build_id}: {extent} ({build.reason})")
    yield from _build_models(context, dbt, warehouse, build)
    # A part of the graph, chosen in the UI, leaves the rest where it was.
    if not context.is_subset:
        finish_events(home, build)


@dbt_assets(manifest=MANIFEST, select=behind_labels(MANIFEST), dagster_dbt_translator=_TRANSLATOR, pool=WAREHOUSE_POOL)
def warehouse_models(context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: Warehouse) -> Iterator[object]:
    """Build every other model and seed of the dbt project on the labels there are, and test them."""
    settings, home = warehouse.settings, warehouse.home
    current_hash = configuration_hash(settings, home.dbt_project)
    continued = continue_build(home, current_hash, context.run.run_id)
    # Launched alone, it has not seen what landed: it may build and never says that it is complete.
    build = continued or begin_build(home, current_hash, context.run.run_id)
    compare_with_published(home, build, warehouse.now(), is_erasing=pending_erasure(home) is not None)
    yield from _build_models(context, dbt, warehouse, build)
    if continued is not None and not context.is_subset:
        complete_build(home, continued)


def _build_models(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: Warehouse, build: Build
) -> Iterator[object]:
    """Build and test the models of this step; raise what failed."""
    settings, home = warehouse.settings, warehouse.home
    # A folder of its own, the same for every run: parsing stays warm, and nothing piles up.
    target = home.dbt_target / "run"
    (target / "run_results.json").unlink(missing_ok=True)
    command = build_command(settings, is_full_refresh=build.is_full_refresh)
    invocation = dbt.cli(command, context=context, target_path=target, raise_on_error=False)
    events = _exhaust(context, invocation)
    rows = count_rows(home.build_database, [_table(event) for event in events if isinstance(event, dg.Output)])
    for event in events:
        yield _described(event, rows) if isinstance(event, dg.Output) else event
    findings = read_dbt_findings(target, home.build_database, home.raw_database)
    for finding in findings:
        (context.log.error if finding.severity == "error" else context.log.warning)(finding.as_text())
    if not invocation.is_successful():
        raise dg.Failure(_failure_text(invocation, findings))


def _begin(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Build:
    """Begin the build, from nothing when the run asks for it; a part of the graph cannot be rebuilt by itself."""
    home = warehouse.home
    is_rebuild = REBUILD_TAG in context.run.tags and not context.is_subset
    if is_rebuild:
        record_rebuild(home.raw_database, warehouse.now())
        # Not dropped table by table: a damaged file would refuse that. Readers have copies of their own.
        discard_build(home)
    try:
        build = begin_build(home, configuration_hash(warehouse.settings, home.dbt_project), context.run.run_id)
    except (RawVersionError, BuildDatabaseError) as error:
        raise dg.Failure(str(error)) from error
    return replace(build, reason="a rebuild was asked for") if is_rebuild else build


def _exhaust(context: dg.AssetExecutionContext, invocation: DbtCliInvocation) -> list[DbtEvent]:
    """Wait for dbt and return its events: while it writes, nobody else can open the database to count rows."""
    events: list[DbtEvent] = []
    built_count = 0
    # dbt's own report, a line a test, stands in its log file; the terminal gets ours.
    with redirect_stdout(StringIO()):
        for event in invocation.stream():
            events.append(event)
            if isinstance(event, dg.Output):
                built_count += 1
                if built_count % _PROGRESS_EVERY == 0:
                    context.log.info(f"{built_count} tables and views built")
    return events


def _table(output: dg.Output[None]) -> tuple[str, str]:
    """Return schema and name of the table an output stands for."""
    node = _NODES[str(output.metadata["unique_id"].value)]
    return str(node["schema"]), str(node["alias"])


def _described(output: dg.Output[None], rows: Mapping[tuple[str, str], int]) -> dg.Output[None]:
    metadata = dict(output.metadata)
    if "Execution Duration" in metadata:
        metadata["seconds"] = metadata.pop("Execution Duration")
    table = _table(output)
    if table in rows:
        metadata["dagster/row_count"] = dg.MetadataValue.int(rows[table])
    return output.with_metadata(metadata)


def _failure_text(invocation: DbtCliInvocation, findings: Sequence[DbtFinding]) -> str:
    """Return what failed, the first line for those who read no further; dbt's own words where it ran nothing."""
    failed = [finding.summary() for finding in findings if finding.severity == "error"]
    return "; ".join(failed) if failed else f"dbt could not start: {invocation.get_error()}"
