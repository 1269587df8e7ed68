"""The dbt models as Dagster assets, and their data tests as one asset check a model."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration.building.configuration_hash import configuration_hash
from orchestration.building.data_tests import compiled_tests, failed_tests, node_of_test
from orchestration.building.dbt_manifest import (
    parsed_manifest,
    prepare_manifest,
    published_models,
    recordings_folder,
    split_at_labels,
    standing_nodes,
)
from orchestration.building.invocation import invoke
from orchestration.building.models import build_increment
from orchestration.building.node_outcomes import Outcome
from orchestration.building.project import build_command
from orchestration.building.restatements import compare_with_published, show_published
from orchestration.defs import publish
from orchestration.defs.model_assets import asset_specs
from orchestration.defs.policy import NIGHTLY, REBUILD_TAG, TRIGGER_TAG, WAREHOUSE_POOL
from orchestration.defs.resources import Warehouse
from orchestration.expectations.dbt_findings import DbtFinding, failed_nodes, rows_found
from orchestration.expectations.frames import count_rows
from orchestration.ledger.llm_labelling import llm_step
from orchestration.privacy.intent import pending_erasure
from orchestration.settings import Settings
from orchestration.warehouse.build_records import (
    Build,
    BuildDatabaseError,
    begin_build,
    complete_build,
    continue_build,
    discard_build,
    finish_events,
)
from orchestration.warehouse.home import Home
from orchestration.warehouse.migrations import RawVersionError
from orchestration.warehouse.operations import record_rebuild

_PROGRESS_EVERY = 20


class _Step:
    """A part of the dbt graph that is built and tested together: its assets, and a check for each that has tests."""

    def __init__(self, manifest: Mapping[str, Any], unique_ids: Sequence[str]) -> None:
        self._nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
        self._standing = standing_nodes(manifest)
        # Dagster takes the results of a step in the order of the graph.
        self._order = tuple(TopologicalSorter(manifest["parent_map"]).static_order())
        self.specs = asset_specs(manifest, unique_ids)
        self.node_of = {spec.key: node for spec, node in zip(self.specs, unique_ids, strict=True)}
        self._key_of = {node: key for key, node in self.node_of.items()}
        severities: dict[str, set[str]] = {}
        for test in self._nodes.values():
            if test["resource_type"] == "test":
                severity = str(test["config"]["severity"]).lower()
                severities.setdefault(node_of_test(test, self._nodes), set()).add(severity)
        self.check_specs = [
            dg.AssetCheckSpec(
                f"tests_of_{self._nodes[node]['name']}",
                asset=self._key_of[node],
                blocking="error" in found,
                description="Every data test that the model's yml declares.",
            )
            for node, found in severities.items()
            if node in self._key_of
        ]

    def run(
        self, context: dg.AssetExecutionContext, warehouse: Warehouse, build: Build
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Build the models and test what came out; raise what failed."""
        selected = {self.node_of[key] for key in context.selected_asset_keys}
        is_incremental = not (build.is_full_refresh or context.is_subset)
        is_nightly = context.run.tags.get(TRIGGER_TAG) == NIGHTLY
        # Views and seeds stand as the last full refresh has made them.
        due = selected - self._standing if is_incremental else selected
        names = sorted(str(self._nodes[node]["name"]) for node in due)
        settings, home = warehouse.settings, warehouse.home
        command = build_command(settings, is_full_refresh=build.is_full_refresh)
        selection = ["--select", *names]
        on_node = partial(_log_progress, context, len(names))
        if not is_incremental:
            target = home.dbt_target / "run"
            manifest = parsed_manifest(settings)
            done = invoke(manifest, home.dbt_project, target, [*command, *selection], on_node=on_node)
        else:
            done = build_increment(
                home,
                lambda: parsed_manifest(settings),
                command,
                selection,
                recordings_folder(home),
                on_node=on_node,
                is_dbt_asked=is_nightly,
            )
        yield from self._materializations(home, selected, done.outcomes)
        findings = failed_nodes(done.outcomes)
        if not findings and done.error is None:
            findings = yield from self._tested(
                context, warehouse, selected, is_incremental=is_incremental and not is_nightly
            )
        for finding in findings:
            (context.log.error if finding.severity == "error" else context.log.warning)(finding.as_text())
        failed = [finding.summary() for finding in findings if finding.severity == "error"]
        if failed or done.error is not None:
            raise dg.Failure("; ".join(failed) or f"dbt could not start: {done.error}")

    def _materializations(
        self, home: Home, selected: set[str], outcomes: tuple[Outcome, ...]
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Yield what was built, and what stands: a step that reads an asset waits for its event."""
        seconds = {one.unique_id: one.seconds for one in outcomes if one.is_success}
        unmade = {one.unique_id for one in outcomes if not one.is_success}
        made = [node for node in self._order if node in selected - unmade]
        rows = count_rows(home.build_database, [self._table(node) for node in made]) if outcomes else {}
        for node in made:
            metadata: dict[str, float | int] = {"seconds": seconds.get(node, 0.0)}
            if self._table(node) in rows:
                metadata["dagster/row_count"] = rows[self._table(node)]
            yield dg.MaterializeResult(asset_key=self._key_of[node], metadata=metadata)

    def _tested(
        self, context: dg.AssetExecutionContext, warehouse: Warehouse, selected: set[str], *, is_incremental: bool
    ) -> Generator[dg.AssetCheckResult, None, tuple[DbtFinding, ...]]:
        """Run the tests of what was selected, yield a result a model and return what they found."""
        tests = [test for test in compiled_tests(warehouse.settings) if test.node_id in selected]
        failed = list(failed_tests(warehouse.home, tests, is_incremental=is_incremental))
        wanted = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        for spec in self.check_specs:
            if (spec.asset_key, spec.name) in wanted:
                found = [one for one in failed if one.test.node_id == self.node_of[spec.asset_key]]
                is_error = any(not one.test.is_warning for one in found)
                yield dg.AssetCheckResult(
                    asset_key=spec.asset_key,
                    check_name=spec.name,
                    passed=not found,
                    severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
                    description="; ".join(f"{one.test.name}: {one.row_count:,} rows" for one in found),
                )
        return rows_found(warehouse.home, failed)

    def _table(self, node: str) -> tuple[str, str]:
        """Return schema and name of the table of a node."""
        return str(self._nodes[node]["schema"]), str(self._nodes[node]["alias"])


@dg.definitions
def models() -> dg.Definitions:
    """Return the models before and behind the labels, and the published version made of them."""
    settings = Settings()
    manifest = json.loads(prepare_manifest(settings).read_text())
    # Refused with the rest of the configuration, before a run starts: what an LLM costs must be known.
    llm_step(settings, Home(settings.home), datetime.now(UTC))
    canonical, behind_labels = (_Step(manifest, nodes) for nodes in split_at_labels(manifest))
    published = publish.published_version(
        published_models(manifest), [*canonical.check_specs, *behind_labels.check_specs]
    )
    return dg.Definitions(assets=[_canonical_events(canonical), _warehouse_models(behind_labels), published])


def _canonical_events(step: _Step) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=step.specs, check_specs=step.check_specs, can_subset=True, pool=WAREHOUSE_POOL)
    def canonical_events(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
        """Bring the events of all sources into one vocabulary: what labelling reads."""
        home = warehouse.home
        build = _begin(context, warehouse)
        show_published(home, is_erasing=pending_erasure(home) is not None)
        extent = "full refresh" if build.is_full_refresh else "what has newly landed"
        context.log.info(f"build {build.build_id}: {extent} ({build.reason})")
        yield from step.run(context, warehouse, build)
        # A part of the graph, chosen in the UI, leaves the rest where it was.
        if not context.is_subset:
            finish_events(home, build)

    return canonical_events


def _warehouse_models(step: _Step) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=step.specs, check_specs=step.check_specs, can_subset=True, pool=WAREHOUSE_POOL)
    def warehouse_models(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[object]:
        """Build every other model and seed of the dbt project on the labels there are, and test them."""
        settings, home = warehouse.settings, warehouse.home
        current_hash = configuration_hash(settings, home.dbt_project)
        continued = continue_build(home, current_hash, context.run.run_id)
        # Launched alone, it has not seen what landed: it may build but never marks the build as complete.
        build = continued or begin_build(home, current_hash, context.run.run_id)
        compare_with_published(home, build, warehouse.now(), is_erasing=pending_erasure(home) is not None)
        yield from step.run(context, warehouse, build)
        if continued is not None and not context.is_subset:
            complete_build(home, continued)

    return warehouse_models


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


def _log_progress(context: dg.AssetExecutionContext, total: int, ended: int) -> None:
    if ended % _PROGRESS_EVERY == 0:
        context.log.info(f"{ended} of {total} tables and views built")
