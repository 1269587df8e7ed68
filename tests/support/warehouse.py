"""A small warehouse for tests: the shipped loader and the shipped models, built by a warm dbt in this process."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from orchestration.building.configuration_hash import configuration_hash
from orchestration.building.data_tests import DataTest, compile_tests, failed_tests
from orchestration.building.invocation import invoke, read_manifest
from orchestration.building.models import build_increment
from orchestration.building.node_outcomes import Invocation
from orchestration.building.project import assemble_project, build_command, dbt_flags
from orchestration.building.restatements import compare_with_published
from orchestration.classification.messages.labeller import MessageLabeller, message_labeller
from orchestration.landing import LandingSummary, load_landing
from orchestration.ledger.labellers import Labeller
from orchestration.ledger.labelling import LabelSummary, label_pending
from orchestration.ledger.llm_labelling import LlmStep, label_unsure
from orchestration.ledger.llm_report import LlmReport
from orchestration.ledger.message_labelling import MessageSummary, label_messages
from orchestration.privacy.redacting import redact_new_messages
from orchestration.publishing import PublishSummary, keep_history, publish
from orchestration.settings import Settings
from orchestration.warehouse.build_records import (
    begin_build,
    built_from,
    complete_build,
    continue_build,
    data_until,
    finish_events,
)
from orchestration.warehouse.home import Home
from tests.support.labellers import BrokeOffError
from tests.support.recorded_nodes import ParsedProject, full_refresh
from tests.support.recorded_refresh import keep, kept, parsed_folder

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HASH_KEY = b"a key for tests"
LOADED_AT = datetime(2026, 1, 1, tzinfo=UTC)
LOAD_INTERVAL = timedelta(minutes=1)
# The result holds the message of a failed node; writing half of dbt's log costs as much as the SQL of a small build.
_SILENT = ("--quiet", "--log-level", "none", "--log-level-file", "none")
# A third of all models, which read the exposures and which nothing else reads.
EXPERIMENT_MODELS = (
    "int_ab_test* ab_test_results ab_test_segments ab_test_health ab_test_registrations ab_test_verdict_changes"
)
# Another third, counted by the day from the facts.
MODELS_BY_DATE = "int_dates_recomputed+"


_RELATIONS = "select table_schema, table_name from information_schema.tables"


def _require(command: Sequence[str], done: Invocation) -> None:
    if not done.is_success:
        failed = [f"{one.name}: {one.message}" for one in done.outcomes if not one.is_success]
        raise AssertionError(f"dbt {command[0]} failed: {done.error or ''} {failed}")


class _Shipped:
    """The shipped project as dbt has parsed it, read once a process."""

    manifest: Manifest | None = None
    manifest_json: bytes = b""


_SHIPPED = _Shipped()


@dataclass
class WarehouseUnderTest:
    """One warehouse in a folder of its own; `overrides` holds seed files that take the place of the shipped ones."""

    folder: Path
    overrides: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    loads: int = 0
    # The parsed project: seeds and the time zone may differ between warehouses that share one; models may not.
    manifest: Manifest | None = field(default_factory=lambda: _SHIPPED.manifest)
    publish_raw_text: bool = False
    # What became of experiments is built where a test asks for it.
    experiments: bool = False
    # False for a test that looks at facts alone.
    metrics: bool = True
    # Without one, nothing is labelled: the marts rest on events alone.
    labeller: Labeller | None = None
    labelled_at_once: int = 7
    # Without one, that of the taxonomy in use.
    message_labeller: MessageLabeller | None = None
    # False makes dbt write every statement again.
    is_replayed: bool = True
    # Without one, no LLM is asked.
    llm: LlmStep | None = None
    asked: LlmReport = field(default_factory=LlmReport)

    def __post_init__(self) -> None:
        seeds = self.folder / "my-seeds"
        seeds.mkdir(parents=True, exist_ok=True)
        for name, text in self.overrides.items():
            (seeds / name).write_text(text)
        self.settings = Settings(
            home=self.folder / "home",
            landing=self.folder / "landing",
            seeds=seeds,
            timezone=self.timezone,
            publish_raw_text=self.publish_raw_text,
        )
        self.home = Home(self.settings.home)
        self.home.create()
        assemble_project(self.home.dbt_project, seeds)
        if self.manifest is not None:
            self.home.dbt_target.mkdir(parents=True, exist_ok=True)
            (self.home.dbt_target / "manifest.json").write_bytes(_SHIPPED.manifest_json)

    def copy(self, folder: Path) -> "WarehouseUnderTest":
        """Return a warehouse in another folder that stands where this one does; what is published stays here."""
        one = replace(self, folder=folder, asked=LlmReport())
        if self.settings.landing.exists():
            shutil.copytree(self.settings.landing, one.settings.landing)
        else:
            one.settings.landing.mkdir()
        for file in (self.home.raw_database, self.home.build_database):
            shutil.copyfile(file, one.home.root / file.relative_to(self.home.root))
        return one

    def write_events(
        self, events: Iterable[Mapping[str, Any]], source: str = "events", name: str | None = None
    ) -> Path:
        """Write events as one landed file and return its path."""
        folder = self.settings.landing / source
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (name or f"file-{len(list(folder.iterdir())):06}.jsonl")
        lines = "".join(json.dumps(event) + "\n" for event in events)
        path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())
        return path

    def link_real_set(self, name: str) -> None:
        """Land one of the real sets."""
        folder = self.settings.landing / "events"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jsonl.gz").write_bytes((SHARED_DATA / name / "events.jsonl.gz").read_bytes())

    def land(self, now: datetime | None = None) -> LandingSummary:
        """Load what lies in the landing folder and redact it; each load is LOAD_INTERVAL after the one before."""
        self.loads += 1
        summary = load_landing(
            self.home.raw_database,
            self.settings.landing,
            seeds=self.home.seeds,
            hash_key=HASH_KEY,
            stable_after=timedelta(0),
            now=now or LOADED_AT + self.loads * LOAD_INTERVAL,
            on_progress=lambda _: None,
        )
        redact_new_messages(self.home.raw_database)
        return summary

    def build(
        self,
        *,
        full_refresh: bool = False,
        tests: bool = False,
        relabel_from: datetime | None = None,
        marts: bool = True,
    ) -> None:
        """Build every model as a run would; `full_refresh` forces what a changed configuration would cause.

        Without `marts` it stops where a run would that is killed behind the labels.
        """
        run_id = f"load {self.loads}"
        current_hash = configuration_hash(self.settings, self.home.dbt_project)
        build = begin_build(self.home, current_hash, run_id)
        now = LOADED_AT + timedelta(minutes=self.loads)
        compare_with_published(self.home, build, now)
        is_full_refresh = full_refresh or build.is_full_refresh
        left_out = [*([] if self.experiments else [EXPERIMENT_MODELS]), *([] if self.metrics else [MODELS_BY_DATE])]
        if not is_full_refresh:
            # As a run does.
            left_out += self.project().graph()["standing"]
        excluded = ["--exclude", " ".join(left_out)] if left_out else []
        if self.labeller is None:
            self._build_models(excluded, is_full_refresh)
            complete_build(self.home, build)
            if tests:
                self.check_data()
            return
        self._build_models([*excluded, "--select", *self.project().graph()["canonical"]], is_full_refresh)
        finish_events(self.home, build)
        # An error of a classifier never skips the marts.
        with suppress(BrokeOffError):
            self.label(relabel_from)
        if self.llm is not None:
            self.asked = self.ask(self.llm, relabel_from)
        with suppress(BrokeOffError):
            self.label_messages(relabel_from)
        if not marts:
            return
        continued = continue_build(self.home, current_hash, run_id)
        assert continued is not None
        compare_with_published(self.home, continued, now)
        self._build_models([*excluded, "--select", *self.project().graph()["behind"]], is_full_refresh)
        complete_build(self.home, continued)
        if tests:
            self.check_data()

    def _build_models(self, selection: Sequence[str], is_full_refresh: bool) -> None:
        """Build what is selected: an increment as a run does, a full refresh by what dbt sent for another warehouse."""
        command = build_command(self.settings, is_full_refresh=is_full_refresh)
        if not self.is_replayed:
            self.dbt([*command, *selection])
            return
        project = self.project()
        if is_full_refresh:
            _require(command, full_refresh(project, selection))
        else:
            recordings = project.folder / "builds" / "statements"
            _require(command, build_increment(self.home, self.parsed, command, selection, recordings))

    def label(self, relabel_from: datetime | None = None) -> LabelSummary:
        """Label what is pending, as the step between canonical events and marts does."""
        assert self.labeller is not None
        return label_pending(
            self.home.raw_database,
            self.home.build_database,
            self.labeller,
            run_id=f"load {self.loads}",
            now=LOADED_AT + self.loads * LOAD_INTERVAL,
            relabel_from=relabel_from,
            commit_every=self.labelled_at_once,
        )

    def label_messages(self, relabel_from: datetime | None = None) -> MessageSummary:
        """Label the customers' messages that are pending, as the step behind the stages does."""
        return label_messages(
            self.home.raw_database,
            self.home.build_database,
            self.message_labeller or message_labeller(self.home.taxonomy),
            run_id=f"load {self.loads}",
            now=LOADED_AT + self.loads * LOAD_INTERVAL,
            relabel_from=relabel_from,
            commit_every=self.labelled_at_once,
        )

    def ask(self, llm: LlmStep, relabel_from: datetime | None = None) -> LlmReport:
        """Ask an LLM about what the labeller was not sure of."""
        return label_unsure(
            self.home.raw_database,
            self.home.build_database,
            llm,
            run_id=f"load {self.loads}",
            now=llm.dependencies.clock.now(),
            relabel_from=relabel_from,
        )

    def publish(
        self, now: datetime | None = None, keep: int = 3, on_progress: Callable[[str], None] = lambda _: None
    ) -> PublishSummary:
        """Publish every mart as a run would."""
        tables = [name for (name,) in self.rows("select table_name from duckdb_tables() where schema_name = 'marts'")]
        summary = publish(
            self.home.build_database,
            self.home.published,
            tables=sorted(tables),
            run_id=f"load {self.loads}",
            data_until=data_until(self.home.build_database),
            checks={},
            keep=keep,
            now=now or LOADED_AT + timedelta(minutes=self.loads),
            on_progress=on_progress,
            built_from=built_from(self.home.build_database),
        )
        keep_history(self.home.raw_database, self.home.published)
        return summary

    def dbt(self, command: Sequence[str]) -> None:
        """Run one dbt command in this process; a failure raises with dbt's message of each failed node."""
        _require(command, invoke(self.parsed(), self.home.dbt_project, self.home.dbt_target, command))

    def parsed(self) -> Manifest:
        """Return what dbt makes of the shipped project; one process parses it for all."""
        if self.manifest is None:
            if _SHIPPED.manifest is None:
                parsed = parsed_folder(self.home)
                _SHIPPED.manifest = read_manifest(parsed / "partial_parse.msgpack", "")
                _SHIPPED.manifest_json = (parsed / "manifest.json").read_bytes()
            self.home.dbt_target.mkdir(parents=True, exist_ok=True)
            (self.home.dbt_target / "manifest.json").write_bytes(_SHIPPED.manifest_json)
            self.manifest = _SHIPPED.manifest
        return self.manifest

    def parse(self) -> Manifest:
        """Have dbt parse what lies in the folder of the project, which may be more than the shipped one."""
        paths = ["--project-dir", str(self.home.dbt_project), "--target-path", str(self.home.dbt_target)]
        parsed = dbtRunner().invoke([*_SILENT, "parse", *dbt_flags(self.settings), *paths]).result
        assert isinstance(parsed, Manifest)
        self.manifest = parsed
        return parsed

    def check_data(self) -> None:
        """Run the data tests of everything that has been built; what fails raises with its name."""
        failed = failed_tests(self.home, self.data_tests())
        found = [f"{one.test.name}: {one.row_count} rows" for one in failed if not one.test.is_warning]
        assert not found, found

    def data_tests(self) -> list[DataTest]:
        """Return the data tests of everything that has been built."""
        built = {f"{schema}.{name}" for schema, name in self.rows(_RELATIONS)}
        file = self.project().folder / "data_tests.json"
        known = kept(file) or self._data_tests()
        if not file.exists():
            keep(file, known)
        tests = [
            DataTest(**{**one["test"], "file": Path(one["test"]["file"])})
            for one in known["tests"]
            if built.issuperset(one["looks_at"])
        ]
        assert len(tests) > 100
        return tests

    def _data_tests(self) -> dict[str, Any]:
        """Return the compiled data tests of the project, and the relations each looks at."""
        manifest = self.parsed()
        tests = compile_tests(manifest, self.settings)
        nodes = self._content()["nodes"]
        return {
            "tests": [
                {
                    "test": {**asdict(one), "file": str(one.file)},
                    "looks_at": [
                        f"{nodes[key]['schema']}.{nodes[key]['alias']}"
                        for key in nodes[one.unique_id]["depends_on"]["nodes"]
                        if key in nodes
                    ],
                }
                for one in tests
            ]
        }

    def project(self) -> ParsedProject:
        """Return the project of this warehouse, for what dbt makes of it."""
        return ParsedProject(self.home, self.settings, self.parsed)

    def _content(self) -> dict[str, Any]:
        self.parsed()
        content: dict[str, Any] = json.loads((self.home.dbt_target / "manifest.json").read_bytes())
        return content

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query over the build database; the raw one is attached as `raw`."""
        with duckdb.connect(str(self.home.build_database), read_only=True) as connection:
            connection.execute(f"attach '{self.home.raw_database}' as raw (read_only)")
            return connection.execute(query).fetchall()

    def rows_of_raw(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query over the raw database alone."""
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.home.raw_database}' as store (read_only)")
            connection.execute("use store")
            return connection.execute(query).fetchall()

    def tables(self, schemas: Sequence[str] = ("marts",)) -> dict[str, list[tuple[Any, ...]]]:
        """Return every table of the schemas, rows sorted by their text, for comparing two builds."""
        wanted = ", ".join(f"'{schema}'" for schema in schemas)
        names = self.rows(
            "select table_schema, table_name from information_schema.tables "
            f"where table_schema in ({wanted}) order by table_schema, table_name"
        )
        return {
            f"{schema}.{name}": sorted(self.rows(f'select * from {schema}."{name}"'), key=repr)
            for schema, name in names
        }
