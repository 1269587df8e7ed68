"""The whole job with an LLM: what it prints, what a cap leaves over, what is refused before it starts."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.commands.instance import open_instance
from orchestration.definitions import definitions
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from tests.support.commands import environment_of, start_command
from tests.support.llm_server import Action, Hang, LlmServer, Request
from tests.support.published_samples import query
from tests.support.recorded_refresh import parsed_before
from tests.support.unsure_events import USD_PER_ANSWER, number_of, right, unsure

# Its row in model_prices.csv has the price that USD_PER_ANSWER is made of.
MODEL = "gpt-4o-mini"
# The most that the first question and one more may cost; they cost less, which leaves room for others.
CAPPED_USD = "0.0014"
KINDS = """
    select evidence_kind, count(*) from marts.fct_conversation_stages
    where funnel = 'support' and stage = 'solution_proposed' group by 1 order by 1
"""


def land(landing: Path, count: int) -> None:
    (landing / "events").mkdir(parents=True)
    lines = [json.dumps(line) for number in range(count) for line in unsure(f"c{number}", number)]
    (landing / "events" / "a.jsonl").write_text("\n".join(lines) + "\n")


def variables(server: LlmServer, **changes: str) -> dict[str, str]:
    wanted = {
        "BASE_URL": server.base_url,
        "MODEL": MODEL,
        "CONCURRENCY": "1",
        "SHARE": "1",
        "REQUESTS_PER_MINUTE": "100000",
    } | changes
    return {f"COLLOQUY_LLM_{name}": value for name, value in wanted.items()}


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


@contextmanager
def job(folder: Path) -> Iterator[tuple[dg.Definitions, dg.DagsterInstance, Home]]:
    """Load the definitions for a warehouse in this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLLOQUY_HOME", str(folder / "home"))
        patch.setenv("COLLOQUY_LANDING", str(folder / "landing"))
        patch.setenv("DAGSTER_HOME", str(folder / "home" / "dagster"))
        home = Home(Settings().home)
        parsed_before(home)
        with open_instance(home, now=datetime.now(UTC)) as instance:
            yield definitions(), instance, home


@pytest.mark.full
def test_the_job_asks_within_its_caps_and_tells_what_is_left(tmp_path: Path) -> None:
    """Everything up to the labels; with the marts behind them it stands below, slower."""
    land(tmp_path / "landing", 6)
    with LlmServer(right) as server, job(tmp_path) as (definitions, instance, home):
        asset = dg.AssetKey(["ledger", "llm_labels"])
        # The seed that its step builds in addition to the input of labelling: without it the step would be incomplete.
        wanted = dg.AssetSelection.assets(asset, ["seeds", "funnels"]).upstream().required_multi_asset_neighbors()
        up_to_it = wanted.resolve(definitions.resolve_asset_graph())

        def run(tags: Mapping[str, str] | None = None, *, is_whole: bool = False) -> dg.ExecuteInProcessResult:
            result = definitions.resolve_job_def("refresh_warehouse").execute_in_process(
                instance=instance,
                raise_on_error=False,
                tags=dict(tags or {}),
                asset_selection=sorted(up_to_it) if is_whole else [asset],
            )
            assert result.success, told(result)
            return result

        def told(result: dg.ExecuteInProcessResult) -> str:
            return "\n".join(entry.user_message for entry in instance.all_logs(result.run_id))

        def found(result: dg.ExecuteInProcessResult) -> tuple[bool, str]:
            (one,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "llm_finished"]
            assert one.severity == dg.AssetCheckSeverity.WARN
            return one.passed, one.description or ""

        def counts(result: dg.ExecuteInProcessResult) -> dict[str, object]:
            (event,) = [
                event.step_materialization_data.materialization
                for event in result.get_asset_materialization_events()
                if event.asset_key == asset
            ]
            return {name: value.value for name, value in event.metadata.items()}

        with environment(variables(server, BUDGET_USD_PER_RUN=CAPPED_USD)):
            first = run(is_whole=True)
        labelled = len(server.labelling_requests)
        assert 0 < labelled < 6, told(first)
        passed, description = found(first)
        assert not passed
        assert f"{6 - labelled} conversations keep the embedded answer and wait: COLLOQUY_LLM_BUDGET" in description
        assert description in told(first)
        seen = counts(first)
        spent = len(server.requests) * USD_PER_ANSWER
        assert (seen["candidates"], seen["labelled"], seen["fallen_back"]) == (6, labelled, 6 - labelled)
        assert seen["cost_usd"] == pytest.approx(spent)
        assert seen["usd_per_label"] == pytest.approx(spent / labelled)
        assert (seen["under_margin_share"], seen["needing_review_share"]) == (1.0, 0.0)
        with duckdb.connect(str(home.raw_database), read_only=True) as connection:
            kept = connection.execute("select count(*), sum(cost_usd) from raw.ledger.llm_calls").fetchall()
        assert kept == [(len(server.requests), pytest.approx(spent))]
        # Of the runs that start by themselves only the nightly one pays.
        with environment(variables(server)):
            for trigger in ("hourly", "files"):
                waiting = run({"colloquy/trigger": trigger})
                assert found(waiting)[0]
                assert f"this run ({trigger}) asks no LLM, the nightly one does; {6 - labelled} conv" in told(waiting)
            assert len(server.labelling_requests) == labelled
            nightly = run({"colloquy/trigger": "nightly"})
            assert found(nightly)[0]
            assert len(server.labelling_requests) == 6
            arrived = len(server.requests)
            assert counts(run())["calls"] == 0
            assert len(server.requests) == arrived
        unconfigured = run()
        assert found(unconfigured)[0]
        line = "COLLOQUY_LLM_BASE_URL; 0 conversations below the confidence threshold keep the embedded"
        assert line in told(unconfigured)
        # A missing endpoint gives a warning and stops no mart.
        with environment(variables(server, MODEL="nobody-knows-its-price")):
            broken = run()
        passed, description = found(broken)
        assert not passed
        assert (
            "the marts build on the labels there are: PriceError: model_prices.csv: model 'nobody-knows-" in description
        )


def test_a_model_without_a_price_is_refused_before_the_run(tmp_path: Path) -> None:
    land(tmp_path / "landing", 1)
    home, landing = tmp_path / "home", tmp_path / "landing"
    address = {"COLLOQUY_LLM_BASE_URL": "https://llm.example/v1", "COLLOQUY_LLM_MODEL": "nobody-knows-its-price"}
    with start_command(environment_of(home, landing) | address, "run") as process:
        printed, _ = process.communicate()
    assert process.returncode == 2, printed
    assert printed.startswith(
        "model_prices.csv: model 'nobody-knows-its-price' has no price; add a row (model,valid_from,"
    )
    assert not Home(home).raw_database.exists()


@pytest.mark.full
def test_after_a_kill_no_committed_call_is_repeated_and_a_cap_costs_no_mart(tmp_path: Path) -> None:
    count, killed_at, commit_every = 50, 35, 20
    land(tmp_path / "landing", count)
    home, landing = Home(tmp_path / "home"), tmp_path / "landing"
    killed: list[int] = []

    def kill_in_the_middle(request: Request) -> Action:
        if request.number == killed_at and not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            return Hang()
        return right(request)

    with LlmServer(kill_in_the_middle) as server:
        clean = environment_of(home.root, landing) | variables(server, CONCURRENCY="2")
        process = start_command(clean, "run")
        printed, _ = process.communicate()
        assert process.returncode == -signal.SIGKILL, printed
        before = [number_of(request) for request in server.labelling_requests]
    assert not (home.published / "colloquy.duckdb").exists()
    with duckdb.connect(str(home.raw_database)) as connection:
        kept = connection.execute(
            "select distinct conversation_id from raw.ledger.llm_calls where conversation_id is not null"
        ).fetchall()
        labelled = connection.execute(
            "select distinct conversation_id from raw.ledger.stage_labels where classifier_kind = 'llm'"
        ).fetchall()
    assert sorted(kept) == sorted(labelled)
    committed = {int(name.removeprefix("c")) for (name,) in kept}
    assert 0 < len(committed) <= len(before) <= len(committed) + commit_every + 2
    left = sorted(set(range(count)) - committed)

    def run(server: LlmServer, **changes: str) -> tuple[str, list[int]]:
        arrived = len(server.labelling_requests)
        with start_command(environment_of(home.root, landing) | variables(server, **changes), "run") as process:
            printed, _ = process.communicate()
        assert process.returncode == 0, printed
        return printed, sorted(number_of(request) for request in server.labelling_requests[arrived:])

    published = home.published / "colloquy.duckdb"
    with LlmServer(right) as server:
        printed, asked = run(server, BUDGET_USD_PER_RUN=CAPPED_USD)
        assert 0 < len(asked) < len(left)
        decided = len(committed) + len(asked)
        told = f"{count - decided} conversations keep the embedded answer and wait: COLLOQUY_LLM_BUDGET_USD_PER_RUN"
        assert told in printed
        assert query(published, KINDS) == [("llm", decided), ("model", count - decided)]
        assert json.loads((home.published / "manifest.json").read_text())["checks"]["llm_finished"] == "warned"
        _, rest = run(server)
        assert sorted(asked + rest) == left
        assert query(published, KINDS) == [("llm", count)]
    # What it cost stands with the conversation that was asked about.
    paid = "select count(*), sum(labelling_cost_usd) from marts.fct_conversations where labelling_cost_usd > 0"
    assert query(published, paid) == [(count, pytest.approx(count * USD_PER_ANSWER))]
