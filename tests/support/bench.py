"""A warehouse that can be emptied as often as needed, and full refreshes of the same raw events for comparison."""

import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from dbt.contracts.graph.nodes import ModelNode

from orchestration.building.configuration_hash import configuration_hash
from orchestration.building.project import build_command
from orchestration.classification.messages.labeller import MessageLabeller, message_labeller
from orchestration.ledger.labellers import Labeller
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.build_records import begin_build, continue_build, finish_events
from tests.support.comparison import differences
from tests.support.random_conversations import Line
from tests.support.random_histories import TIME_ZONE, in_files, seeds_after
from tests.support.recorded_nodes import statements_of_a_first_build
from tests.support.recorded_refresh import replay
from tests.support.warehouse import LOAD_INTERVAL, LOADED_AT, WarehouseUnderTest

# A build of a few hundred events spends as long on the disk as on its SQL.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of a random name is made in it
# What was published when: no outcome of the raw events.
PUBLICATION_RECORDS = ("metric_restatements", "ab_test_registrations", "ab_test_verdict_changes")


class Bench:
    """A warehouse that can be emptied as often as needed; dbt parses its project once."""

    def __init__(self, folder: Path, labeller: Labeller | None = None) -> None:
        self.folder = folder
        self.labeller = labeller
        # One for all: the taxonomy is that of the release.
        self.message_labeller = message_labeller(PROJECT_DIR / "seeds" / "taxonomy.csv")
        self.configure(frozenset())

    def configure(
        self,
        changed: frozenset[str],
        loads: int = 0,
        labeller: Labeller | None = None,
        of_messages: MessageLabeller | None = None,
    ) -> None:
        """Change what a user may change, and the labellers; everything landed and built stays."""
        shutil.rmtree(self.folder / "warehouse" / "my-seeds", ignore_errors=True)
        timezone = "America/New_York" if TIME_ZONE in changed else "UTC"
        self.warehouse = WarehouseUnderTest(
            self.folder / "warehouse",
            seeds_after(changed),
            timezone,
            loads,
            experiments=True,
            labeller=labeller or self.labeller,
            message_labeller=of_messages or self.message_labeller,
        )
        self.warehouse.settings.landing.mkdir(exist_ok=True)

    def clear(self) -> None:
        """Drop everything landed, built and published; the parsed project stays."""
        shutil.rmtree(self.warehouse.settings.landing)
        shutil.rmtree(self.warehouse.home.published)
        for database in (self.warehouse.home.raw_database, self.warehouse.home.build_database):
            database.unlink(missing_ok=True)
        self.configure(frozenset())

    def land(self, lines: Iterable[Line], chance: random.Random) -> None:
        """Land one batch: new files for each source."""
        for source, fields in in_files(lines, chance):
            self.warehouse.write_events(fields, source)
        self.warehouse.land()

    def build(self, relabel_from: datetime | None = None) -> None:
        """Build as a run would."""
        self.warehouse.build(relabel_from=relabel_from)

    def full_refresh(self, raw: Path | None = None) -> Path:
        """Build another, empty database from the same raw events (or others) and return its path."""
        folder = self.folder / "reference"
        folder.mkdir(exist_ok=True)
        reference = folder / self.warehouse.home.build_database.name
        statements = statements_of_a_first_build(self.warehouse.project(), PUBLICATION_RECORDS)
        if statements is None:
            self._build_nothing()
            statements = statements_of_a_first_build(self.warehouse.project(), PUBLICATION_RECORDS)
            assert statements is not None
        replay(statements, reference, raw or self.warehouse.home.raw_database)
        return reference

    def _build_nothing(self) -> None:
        """Build an empty warehouse with the same project, for what dbt sends."""
        shutil.rmtree(self.folder / "empty", ignore_errors=True)
        empty = replace(self.warehouse, folder=self.folder / "empty", labeller=None)
        empty.settings.landing.mkdir()
        empty.land()
        empty.build()

    def raw_of(self, lines: Sequence[Line], loads: int, chance: random.Random) -> Path:
        """Land and label lines at once, at the time of a load, in a raw database of its own and return its path."""
        other = self.folder / "other"
        shutil.rmtree(other, ignore_errors=True)
        labeller = self.warehouse.labeller
        warehouse = WarehouseUnderTest(
            other,
            self.warehouse.overrides,
            self.warehouse.timezone,
            experiments=True,
            labeller=labeller,
            message_labeller=self.warehouse.message_labeller,
        )
        for source, fields in in_files(lines, chance):
            warehouse.write_events(fields, source)
        warehouse.land(LOADED_AT + loads * LOAD_INTERVAL)
        if labeller is not None:
            warehouse.build(marts=False)
        return warehouse.home.raw_database

    def keep(self, name: str) -> Path:
        """Keep the build as it is now and return the copy; raw is kept with it."""
        for database in (self.warehouse.home.build_database, self.warehouse.home.raw_database):
            shutil.copyfile(database, self.folder / f"{name}-{database.name}")
        return self.folder / f"{name}-build.duckdb"

    def restore(self, name: str) -> None:
        """Go back to what `keep` kept."""
        for database in (self.warehouse.home.build_database, self.warehouse.home.raw_database):
            shutil.copyfile(self.folder / f"{name}-{database.name}", database)

    def interrupted_build(self, models: Sequence[str]) -> None:
        """Build some models as a run would that is killed after them: its completion is not recorded."""
        warehouse = self.warehouse
        current_hash = configuration_hash(warehouse.settings, warehouse.home.dbt_project)
        build = begin_build(warehouse.home, current_hash)
        command = build_command(warehouse.settings, is_full_refresh=build.is_full_refresh)
        command += ["--select"]
        canonical = self._canonical_models()
        warehouse.dbt([*command, *(name for name in models if name in canonical)])
        behind = [name for name in models if name not in canonical]
        if behind:
            finish_events(warehouse.home, build)
            if warehouse.labeller is not None:
                warehouse.label()
            assert continue_build(warehouse.home, current_hash, "") is not None
            warehouse.dbt([*command, *behind])

    def is_labelled_after(self, models: Sequence[str]) -> bool:
        """Tell whether a build that breaks off after these models has labelled."""
        return self.labeller is not None and not set(models) <= self._canonical_models()

    def models_in_build_order(self) -> list[str]:
        """Return the models of the project in an order in which a run may build them, seeds apart."""
        parents = {
            key: [parent for parent in node.depends_on.nodes if parent.startswith("model.")]
            for key, node in self.warehouse.parsed().nodes.items()
            if isinstance(node, ModelNode)
        }
        order: list[str] = []
        while len(order) < len(parents):
            order += sorted(key for key in parents if key not in order and set(parents[key]) <= set(order))
        canonical = self._canonical_models()
        return sorted((key.rpartition(".")[2] for key in order), key=lambda name: name not in canonical)

    def views(self) -> set[str]:
        """Return the models that hold no rows of their own."""
        return {
            node.name
            for node in self.warehouse.parsed().nodes.values()
            if isinstance(node, ModelNode) and node.config.materialized == "view"
        }

    def _canonical_models(self) -> set[str]:
        """Return the models and seeds built before the labels."""
        return set(self.warehouse.project().graph()["canonical"])

    def kept_intermediate(self) -> list[str]:
        """Return the intermediate models that keep what earlier runs found; the others hold one run's conversations."""
        return [
            node.name
            for node in self.warehouse.parsed().nodes.values()
            if isinstance(node, ModelNode)
            and (node.schema, node.config.materialized) == ("intermediate", "incremental")
        ]

    def differences(self, left: Path, right: Path, without: Sequence[str] = ()) -> list[str]:
        """Compare all marts and the intermediate tables that outlive a run."""
        found = differences(left, right, without=[*without, *PUBLICATION_RECORDS])
        return found + differences(left, right, schema="intermediate", only=self.kept_intermediate())


@contextmanager
def bench_in_memory(labeller: Labeller | None = None) -> Iterator[Bench]:
    """Make a bench in memory where the machine offers that, else on disk, and remove it at the end."""
    where = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=where) as folder:
        yield Bench(Path(folder), labeller)


def assert_none(found: Sequence[str], when: str) -> None:
    """Fail with the differing rows."""
    assert not found, when + "\n" + "\n".join(found)
