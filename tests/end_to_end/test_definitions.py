"""Dagster's view of the warehouse: the graph, what starts it, and three runs of one job in this process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickStatus

from orchestration.building.data_tests import node_of_test
from orchestration.building.dbt_manifest import standing_nodes
from orchestration.commands.dev import dev_command, run_dev
from orchestration.commands.instance import open_instance
from orchestration.definitions import definitions
from orchestration.defs import labels, message_labels
from orchestration.defs.batching import Seen, decide, folder_state
from orchestration.defs.open_conversation_check import CHECK_KEY
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG
from orchestration.defs.run_history import prune_runs
from orchestration.landing.landed_files import LandedFile
from orchestration.publishing import HISTORY_TABLES
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.source_contracts import SOURCES

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUIET = timedelta(minutes=5)
MESSAGE_TEST, MESSAGE_CHECK = "assert_message_counts_equal_the_messages_held", "tests_of_fct_messages"
RAW_TABLES = (
    *(*SOURCES, "message_texts", "rejected_events", "loaded_files", "repaired_conversations"),
    *("message_redactions", "redaction_progress"),
)
SECRET = "my neighbour must not read this"
HASH_KEY = "canary of the key"


def write_conversations(landing: Path) -> None:
    steps = ("conversation_started", "user_message", "agent_message", "conversation_completed")
    lines = [
        {
            "event_id": f"c{number}-{place}",
            "conversation_id": f"c{number}",
            "user_id": f"u{number}",
            "event_type": step,
            "timestamp": f"2026-02-{1 + number % 3:02}T10:0{place}:00Z",
            "channel": "web",
            "properties": {"content": SECRET} if step == "user_message" else {},
        }
        for number in range(6)
        for place, step in enumerate(steps)
    ]
    (landing / "events").mkdir(parents=True)
    (landing / "events" / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@dataclass
class Dagster:
    """The definitions of one small warehouse, with an instance to run them in."""

    settings: Settings
    home: Home
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    def run(
        self, assets: list[list[str]] | None = None, tags: dict[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_job_def("refresh_warehouse").execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            tags=tags,
            asset_selection=[dg.AssetKey(key) for key in assets] if assets else None,
        )

    def messages(self, run: dg.ExecuteInProcessResult) -> str:
        return "\n".join(entry.user_message for entry in self.instance.all_logs(run.run_id))


@dataclass
class Runs:
    first: dg.ExecuteInProcessResult
    second: dg.ExecuteInProcessResult
    manifest_after_first: dict[str, Any]
    manifest_after_second: dict[str, Any]


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    folder = tmp_path_factory.mktemp("dagster")
    write_conversations(folder / "landing")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLLOQUY_SEEDS", raising=False)
        patch.setenv("COLLOQUY_HASH_KEY", HASH_KEY)
        patch.setenv("COLLOQUY_HOME", str(folder / "home"))
        patch.setenv("COLLOQUY_LANDING", str(folder / "landing"))
        patch.setenv("COLLOQUY_TIMEZONE", "Europe/Berlin")
        patch.setenv("DAGSTER_HOME", str(folder / "home" / "dagster"))
        settings = Settings()
        home = Home(settings.home)
        home.create()
        with open_instance(home, now=datetime.now(UTC)) as instance:
            yield Dagster(settings, home, instance, definitions())


@pytest.fixture(scope="module")
def runs(dagster: Dagster) -> Runs:
    manifest = dagster.home.published / "manifest.json"
    first = dagster.run()
    assert first.success, dagster.messages(first)
    after_first = json.loads(manifest.read_text())
    second = dagster.run()
    assert second.success, dagster.messages(second)
    return Runs(first, second, after_first, json.loads(manifest.read_text()))


def dbt_nodes(dagster: Dagster) -> list[dict[str, Any]]:
    return list(json.loads((dagster.home.dbt_target / "manifest.json").read_text())["nodes"].values())


def is_table(node: dict[str, Any]) -> bool:
    """Tell whether a node leaves something behind that can be looked at."""
    return node["resource_type"] in {"model", "seed"} and node["config"]["materialized"] != "ephemeral"


def test_every_table_is_an_asset_with_group_owner_and_kind(dagster: Dagster) -> None:
    graph = dagster.definitions.resolve_asset_graph()
    wanted = {("raw", table) for table in RAW_TABLES}
    wanted |= {(n["schema"], n["name"]) for n in dbt_nodes(dagster) if is_table(n)}
    wanted |= {("published", "version"), ("outbox", "alert_deliveries"), ("state", "comparison")} | {
        ("history", name) for name in HISTORY_TABLES
    }
    wanted |= {("ledger", name) for name in ("stage_labels", "llm_labels", "message_labels", "human_labels")}
    assert {tuple(key.path) for key in graph.get_all_asset_keys()} == wanted
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name != "default"
        assert node.owners
        assert node.kinds
        assert node.description


def test_lineage_is_connected_from_raw_to_the_published_version(dagster: Dagster) -> None:
    graph = dagster.definitions.resolve_asset_graph()
    upstream = {tuple(key.path) for key in graph.get_ancestor_asset_keys(dg.AssetKey(["published", "version"]))}
    marts: set[tuple[str, ...]] = {
        ("marts", str(n["name"])) for n in dbt_nodes(dagster) if n["path"].startswith("marts/")
    }
    assert marts - upstream == set()
    sources: set[tuple[str, ...]] = {("raw", source) for source in SOURCES}
    assert sources - upstream == set()
    assert ("staging", "stg_events__events") in upstream


def test_every_dbt_data_test_belongs_to_a_check_and_errors_block(dagster: Dagster) -> None:
    graph = dagster.definitions.resolve_asset_graph()
    checks = {key.name: graph.get_check_spec(key) for key in graph.asset_check_keys}
    nodes = {node["unique_id"]: node for node in dbt_nodes(dagster)}
    tests = [node for node in nodes.values() if node["resource_type"] == "test"]
    assert len(tests) > 200
    severities: dict[str, set[str]] = {}
    for test in tests:
        model = nodes[node_of_test(test, nodes)]["name"]
        severities.setdefault(f"tests_of_{model}", set()).add(test["config"]["severity"].lower())
    for name, found in severities.items():
        assert checks[name].blocking == ("error" in found), name


def test_seeds_and_views_that_never_differ_are_no_part_of_an_increment(dagster: Dagster) -> None:
    content = json.loads((dagster.home.dbt_target / "manifest.json").read_text())
    standing = {content["nodes"][key]["name"] for key in standing_nodes(content)}
    # Seeds and plain views stand; a view that asks where the run begins, directly or through a macro, does not.
    assert {"sources", "stg_events__events", "int_metrics_defined"} <= standing
    assert standing.isdisjoint({"int_events", "fct_conversations", "int_events_affected", "int_dates_recomputed"})


@pytest.mark.full
def test_an_increment_sends_what_dbt_sent_for_the_one_before(dagster: Dagster, runs: Runs) -> None:
    """The second run recorded it. A nightly run asks dbt again, as does the first after a rebuild."""
    assert runs.second.success
    with pytest.MonkeyPatch.context() as patch, a_message_lost(dagster.home):
        patch.setattr("orchestration.building.models.invoke", _no_dbt)
        hourly = dagster.run()
        nightly = dagster.run(tags={TRIGGER_TAG: NIGHTLY})
    # The increment did not make this message: the nightly run looks at whole tables.
    assert hourly.success, dagster.messages(hourly)
    (failed,) = [event for event in nightly.all_events if event.is_step_failure]
    assert "dbt was asked" in str(failed.step_failure_data.error)
    assert dagster.run().success


@contextmanager
def a_message_lost(home: Home) -> Iterator[None]:
    """Take a message out of its mart, of a conversation for which nothing new has landed, and put it back."""
    with duckdb.connect(str(home.build_database)) as connection:
        rows = connection.execute(
            "delete from marts.fct_messages where conversation_key = 'events:c1' and sender_role = 'agent' returning *"
        ).fetchall()
    try:
        yield
    finally:
        with duckdb.connect(str(home.build_database)) as connection:
            for row in rows:
                connection.execute(f"insert into marts.fct_messages values ({', '.join('?' * len(row))})", row)


def _no_dbt(*_arguments: object, **_options: object) -> None:
    raise AssertionError("dbt was asked")


def test_schedules_run_the_job_in_the_reporting_time_zone(dagster: Dagster) -> None:
    repository = dagster.definitions.get_repository_def()
    found = {one.name: (one.cron_schedule, one.execution_timezone, one.job_name) for one in repository.schedule_defs}
    assert found == {
        "nightly_refresh": ("0 2 * * *", "Europe/Berlin", "refresh_warehouse"),
        "hourly_refresh": ("0 0-1,3-23 * * *", "Europe/Berlin", "refresh_warehouse"),
    }


def test_sensor_asks_once_for_the_same_files(dagster: Dagster) -> None:
    sensor = dagster.definitions.get_repository_def().get_sensor_def("landed_files_sensor")
    with dg.DagsterInstance.ephemeral() as instance:
        first = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        assert first.run_requests is not None
        assert len(first.run_requests) == 1
        again = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=first.cursor))
    assert not again.run_requests
    assert again.skip_message == "nothing has landed since the last run"


def landed(name: str = "a", size_bytes: int = 10, modified_ns: int = 1) -> LandedFile:
    return LandedFile(Path(name), f"events/{name}.jsonl", "events", size_bytes, modified_ns, "1:1", Path())


@pytest.mark.parametrize(
    ("files", "is_run_waiting", "minutes", "reason"),
    [
        ([], False, 60, "no files have landed"),
        ([landed()], False, 60, "nothing has landed since the last run"),
        ([landed(size_bytes=11)], False, 5, "files have landed"),
        ([landed(modified_ns=2)], False, 5, "files have landed"),
        ([landed(), landed("b")], False, 60, "files have landed"),
        ([landed(), landed("b")], False, 4, "batching files until 2026-03-01 12:05:00 UTC"),
        # The clock went back: the last request seems to lie in the future.
        ([landed(), landed("b")], False, -60, "files have landed"),
        ([landed(), landed("b")], True, 60, "a run is queued or in progress; what has landed goes into the next one"),
    ],
)
def test_sensor_decides(files: list[LandedFile], is_run_waiting: bool, minutes: int, reason: str) -> None:
    before = Seen(folder_state([landed()]), NOON.isoformat())
    now = NOON + timedelta(minutes=minutes)
    decision = decide(before, files, is_run_waiting=is_run_waiting, now=now, quiet_time=QUIET)
    assert decision.reason == reason
    assert (decision.seen is not None) == (reason == "files have landed")


def test_sensor_asks_at_once_the_first_time_and_its_cursor_reads_back() -> None:
    decision = decide(None, [landed()], is_run_waiting=False, now=NOON, quiet_time=QUIET)
    assert decision.seen is not None
    assert Seen.from_cursor(decision.seen.to_cursor()) == decision.seen
    assert Seen.from_cursor(None) is None


def test_instance_sends_no_telemetry_and_queues_the_second_run(dagster: Dagster) -> None:
    configuration = yaml.safe_load((dagster.home.dagster / "dagster.yaml").read_text())
    assert configuration["telemetry"] == {"enabled": False}
    assert not dagster.instance.telemetry_enabled
    assert type(dagster.instance.run_coordinator).__name__ == "QueuedRunCoordinator"
    concurrency = dagster.instance.get_concurrency_config()
    assert concurrency.run_queue_config is not None
    assert concurrency.run_queue_config.max_concurrent_runs == 1
    assert concurrency.pool_config.default_pool_limit == 1
    assert dagster.instance.get_tick_retention_settings(InstigatorType.SENSOR)[TickStatus.SKIPPED] == 7
    assert dagster.instance.get_tick_retention_settings(InstigatorType.SENSOR)[TickStatus.SUCCESS] == 90
    assert dagster.instance.get_tick_retention_settings(InstigatorType.SCHEDULE)[TickStatus.SUCCESS] == 90


def test_run_of_a_killed_process_is_not_waited_for(dagster: Dagster) -> None:
    job = dagster.definitions.resolve_job_def("refresh_warehouse")
    run = dagster.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    with open_instance(dagster.home, now=datetime.now(UTC)) as instance:
        ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE


def test_the_newest_runs_are_kept_with_what_they_left_and_unfinished_ones_too(tmp_path: Path) -> None:
    @dg.op
    def say(context: dg.OpExecutionContext) -> None:
        context.log.info("said")

    @dg.job
    def talk() -> None:
        say()

    home = Home(tmp_path)
    with open_instance(home, now=datetime.now(UTC)) as instance:
        waiting = instance.create_run_for_job(talk, status=dg.DagsterRunStatus.NOT_STARTED).run_id
        runs = [talk.execute_in_process(instance=instance).run_id for _ in range(4)]
        assert prune_runs(instance, keep=5) == []
        assert prune_runs(instance, keep=2) == runs[:2]
        assert prune_runs(instance, keep=2) == []
        assert {run.run_id for run in instance.get_runs()} == {waiting, *runs[2:]}
        assert all(instance.all_logs(run) for run in runs[2:])
    left = {run for run in runs if any(run in str(path) for path in home.dagster.rglob("*"))}
    assert left == set(runs[2:])


def test_ui_listens_on_loopback_only_and_refuses_to_mix_simulated_with_real(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = dev_command(tmp_path / "workspace.yaml", 3999)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    (tmp_path / "simulated.json").write_text("{}")
    assert run_dev(Settings(home=tmp_path, landing=tmp_path / "elsewhere")) == 2
    assert f"COLLOQUY_LANDING={tmp_path / 'landing'}" in capsys.readouterr().out


def test_dg_check_defs_passes(dagster: Dagster) -> None:
    command = [str(Path(sys.executable).parent / "dg"), "check", "defs"]
    # The instance keeps its events by a class of ours; a console script does not look into the folder it runs in.
    env = os.environ | {"PYTHONPATH": str(PROJECT_DIR)}
    result = subprocess.run(command, cwd=PROJECT_DIR, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.usefixtures("runs")
def test_no_file_of_a_warehouse_holds_the_key(dagster: Dagster) -> None:
    """Neither the history of runs nor dbt's logs and artefacts, though every process of a run has it."""
    files = [path for path in dagster.home.root.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert [path for path in files if HASH_KEY.encode() in path.read_bytes()] == []


def test_second_run_publishes_no_new_version(runs: Runs) -> None:
    assert runs.manifest_after_first["version"] == runs.manifest_after_second["version"] == "000001"
    assert runs.manifest_after_second["run_id"] == runs.first.run_id
    assert runs.manifest_after_second["last_checked_run_id"] == runs.second.run_id


def test_manifest_lists_what_each_check_found(dagster: Dagster, runs: Runs) -> None:
    checks = runs.manifest_after_first["checks"]
    assert checks[MESSAGE_CHECK] == "passed"
    assert checks["rates_lie_in_0_to_1"] == "passed"
    assert checks["golden_set_holds"] == "passed"
    assert checks["every_line_is_accounted_for"] == "passed"
    behind_the_publish = {CHECK_KEY.name, "alerts_delivered"}
    assert {key.name for key in dagster.definitions.resolve_asset_graph().asset_check_keys} - set(checks) == (
        behind_the_publish
    )


def test_tables_say_how_many_rows_and_seconds(runs: Runs) -> None:
    metadata = {
        tuple(one.materialization.asset_key.path): one.materialization.metadata
        for event in runs.first.get_asset_materialization_events()
        for one in [event.step_materialization_data]
    }
    # Six conversations of four events, one message each way.
    expected = {
        ("raw", "events"): 24,
        ("raw", "chat_events"): 0,
        ("raw", "loaded_files"): 1,
        ("marts", "fct_conversations"): 6,
        ("marts", "fct_messages"): 12,
    }
    assert metadata["ledger", "stage_labels"]["labelled"].value == 6
    assert metadata["ledger", "message_labels"]["labelled"].value == 6
    assert metadata["ledger", "message_labels"]["unknown_intent"].value == 1.0
    for key, rows in expected.items():
        assert metadata[key]["dagster/row_count"].value == rows
        assert isinstance(metadata[key]["seconds"].value, float)
    assert "dagster/row_count" not in metadata["staging", "stg_events__events"]


def test_failing_test_keeps_the_published_version_and_names_test_and_rows(dagster: Dagster, runs: Runs) -> None:
    home = dagster.home
    before = {path: path.read_bytes() for path in home.published.rglob("*") if path.is_file()}
    with a_message_lost(home):
        failed = dagster.run(tags={TRIGGER_TAG: NIGHTLY})
    assert not failed.success
    assert {path: path.read_bytes() for path in home.published.rglob("*") if path.is_file()} == before
    failure = next(event for event in failed.all_events if event.is_step_failure)
    assert failure.step_key == "warehouse_models"
    first_line = failure.step_failure_data.error_display_string.splitlines()[0]
    assert f"test {MESSAGE_TEST} failed: 1 rows" in first_line
    told = dagster.messages(failed)
    assert "conversation_key=events:c1, user_messages_stated=1, user_messages_held=1, agent_messages_stated=1" in told
    assert SECRET not in told
    path = told.split("all rows: run ")[1].splitlines()[0]
    assert Path(path).is_file()
    evaluations = {one.check_name: one.passed for one in failed.get_asset_check_evaluations()}
    assert evaluations[MESSAGE_CHECK] is False


@pytest.mark.full
def test_a_classifier_that_breaks_costs_no_mart_and_is_told(
    dagster: Dagster, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> None:
        raise RuntimeError("no model today")

    monkeypatch.setattr(labels, "default_labeller", broken)
    monkeypatch.setattr(message_labels, "message_labeller", broken)
    run = dagster.run()
    assert run.success, dagster.messages(run)
    told = "broke off, the marts build on the labels there are: RuntimeError: no model today"
    checks = {one.check_name: (one.passed, one.severity) for one in run.get_asset_check_evaluations()}
    for what, check in (("labelling", "labelling_finished"), ("labelling messages", "message_labelling_finished")):
        assert f"{what} {told}" in dagster.messages(run)
        assert checks[check] == (False, dg.AssetCheckSeverity.WARN)
    manifest = json.loads((dagster.home.published / "manifest.json").read_text())
    assert manifest["last_checked_run_id"] == run.run_id


def test_publishing_alone_is_refused_because_nothing_was_checked(dagster: Dagster, runs: Runs) -> None:
    before = (dagster.home.published / "manifest.json").read_bytes()
    alone = dagster.run([["published", "version"]])
    assert not alone.success
    (failure,) = [event for event in alone.all_events if event.is_step_failure]
    assert "blocking checks have not passed in this run" in failure.step_failure_data.error_display_string
    assert (dagster.home.published / "manifest.json").read_bytes() == before


def test_broken_account_of_a_file_blocks_after_landing(dagster: Dagster, runs: Runs) -> None:
    with duckdb.connect(str(dagster.home.raw_database)) as connection:
        connection.execute("update raw.raw.loaded_files set accepted = accepted - 1")
    try:
        failed = dagster.run([["raw", table] for table in RAW_TABLES])
    finally:
        with duckdb.connect(str(dagster.home.raw_database)) as connection:
            connection.execute("update raw.raw.loaded_files set accepted = accepted + 1")
    assert [event.step_key for event in failed.all_events if event.is_step_failure] == ["landed_checks"]
    told = dagster.messages(failed)
    assert "every_line_is_accounted_for: 1 of 1 loads of files fail (100.0%)" in told
    assert "file=events/a.jsonl" in told
    # A file that left more rows than it was accepted with was loaded twice.
    assert "no_more_rows_than_accepted: 1 of 1 sources fail (100.0%)" in told
