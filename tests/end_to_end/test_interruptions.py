"""Ctrl-C and SIGTERM at any moment of a command: a line, the exit code, nothing left; the next run makes up for it."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock, lock_holder
from tests.support.commands import environment_of, start_command
from tests.support.comparison import differences
from tests.support.crashes import assert_every_line_is_accounted_for
from tests.support.forked import HEAVY, Finished, Forks
from tests.support.interrupted import moments_of, processes_that_use
from tests.support.llm_server import Hang, LlmServer, Request
from tests.support.published_samples import query
from tests.support.published_versions import assert_versions_are_whole
from tests.support.random_histories import LATE_HISTORY, by_source
from tests.support.recorded_refresh import parsed_before
from tests.support.unsure_events import unsure

RUN = "tests.support.interrupted:run_command"
CODES = {"SIGINT": 130, "SIGTERM": 143}
# In their order; what is finished when each of them is interrupted follows from it.
ACTIVITIES = {
    "looking for what is new": (),
    "starting the run": (),
    "landing files": (),
    "checking what has landed": ("landing",),
    "masking personal data": ("landing",),
    "building the events": ("landing",),
    "labelling stages": ("landing", "events"),
    "checking the model": ("landing", "events", "stage labels"),
    "asking the LLM": ("landing", "events", "stage labels"),
    "labelling messages": ("landing", "events", "stage labels", "LLM labels"),
    "building the marts": ("landing", "events", "stage labels", "LLM labels", "message labels"),
    "checking the marts": ("landing", "events", "stage labels", "LLM labels", "message labels", "marts"),
    "publishing": ("landing", "events", "stage labels", "LLM labels", "message labels", "marts"),
    "delivering alerts": ("landing", "events", "stage labels", "LLM labels", "message labels", "marts", "publishing"),
    "showing the result": (
        *("landing", "events", "stage labels", "LLM labels", "message labels", "marts", "publishing"),
        "alerts",
    ),
}
COMMANDS: dict[str, Sequence[str]] = {
    "run": (),
    "rebuild": (),
    "demo": ("--conversations", "50", "--days", "3"),
    "check-files": ("{landing}",),
    "reload": ("{landing}/events/0.jsonl",),
    "exclude": ("{landing}/events/0.jsonl",),
    "erase": ("--user-id", "u-1", "--yes"),
    "relabel": ("--from", "2026-01-01", "--yes"),
    "label-quality": ("--sample", "{landing}/answers.csv"),
    "label-sample": ("--sample", "{landing}/answers.csv"),
    "status": (),
    "show": ("select 1",),
    "docs": (),
    "model": ("fct_conversations",),
    "doctor": (),
    "eval": ("--data", "{landing}"),
    "train": (),
    "dev": ("--port", "1"),
}


def land_batch(landing: Path, batch: int) -> None:
    for source, lines in by_source(LATE_HISTORY.landings()[batch]).items():
        folder = landing / source
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{batch}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


class Commands:
    """Commands over one warehouse, in forked processes."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        self.home, self.landing = Home(folder / "home"), folder / "landing"
        self._forks = forks
        (self.landing / "events").mkdir(parents=True)
        parsed_before(self.home)

    def run(self, *arguments: str, **options: object) -> Finished:
        environment = {"COLLOQUY_HOME": str(self.home.root), "COLLOQUY_LANDING": str(self.landing)}
        return self._forks.run(RUN, {"arguments": arguments, "environment": environment, **options})

    def interrupt(self, *arguments: str, number: str, activity: str, moment: int, times: int = 1) -> str:
        """Run and interrupt, assert what holds for every command, and return the line."""
        finished = self.run(*arguments, interruption=(number, activity, moment), times=times)
        assert finished.code == CODES[number], (activity, moment, finished.output)
        line = assert_ends_plainly(finished.output)
        assert line.startswith(f"Interrupted while {activity}"), line
        assert lock_holder(self.home.lock) is None
        assert processes_that_use(self.home.root) == []
        return line


def assert_ends_plainly(output: str) -> str:
    """Return the last line, the only one that reports the interruption."""
    assert "Traceback" not in output, output
    assert "dagster" not in output.lower(), output
    assert "The run failed" not in output, output
    lines = [line for line in output.splitlines() if "nterrupt" in line]
    assert lines == output.splitlines()[-1:], output
    return lines[0]


def finished_in(line: str) -> tuple[str, ...]:
    words = re.fullmatch(r"Interrupted while [^:]*: (.*) (?:is|are) finished\. .*", line)
    assert words is not None, line
    return () if words[1] == "nothing" else tuple(re.split(", | and ", words[1]))


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    imports = (*HEAVY, "orchestration.definitions", "orchestration.commands.job")
    with Forks(tmp_path_factory.mktemp("forks"), imports=imports) as server:
        yield server


@pytest.fixture
def commands(tmp_path: Path, forks: Forks) -> Commands:
    return Commands(tmp_path, forks)


@pytest.mark.parametrize("number", list(CODES))
def test_while_the_libraries_are_imported(tmp_path: Path, number: str) -> None:
    """The process is new: what it opens are modules."""
    environment = {"COLLOQUY_HOME": str(tmp_path / "home"), "COLLOQUY_LANDING": str(tmp_path)}
    moment = random.Random(f"imports {number}").randint(2, 60)  # noqa: S311
    call = json.dumps([["run"], environment, [number, "starting", moment]])
    code = f"import json, sys, tests.support.interrupted as it; sys.exit(it.run_command(*json.loads({call!r})))"
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout) == (CODES[number], ""), finished.stderr
    assert finished.stderr == "Interrupted while starting. Nothing was changed.\n"


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_its_line(commands: Commands, command: str) -> None:
    land_batch(commands.landing, 0)
    arguments = [one.replace("{landing}", str(commands.landing)) for one in COMMANDS[command]]
    number = random.Random(command).choice(list(CODES))  # noqa: S311
    before = sorted(commands.home.root.rglob("*"))
    line = commands.interrupt(command, *arguments, number=number, activity=f"running {command}", moment=1, times=2)
    assert line == f"Interrupted while running {command}. Nothing was changed."
    assert sorted(commands.home.root.rglob("*")) == before


def test_a_dry_run_leaves_no_copy_of_what_it_read(tmp_path: Path, forks: Forks) -> None:
    land_batch(tmp_path / "landing", 0)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    call: dict[str, object] = {
        "arguments": ["check-files", str(tmp_path / "landing")],
        "environment": {"COLLOQUY_HOME": str(tmp_path), "TMPDIR": str(scratch)},
    }
    assert forks.run(RUN, call).code == 0
    moments = moments_of(tmp_path)["running check-files"]
    # Its second half: the files have been read by then.
    for moment in (moments // 2, moments * 3 // 4):
        interrupted = forks.run(RUN, {**call, "interruption": ["SIGINT", "running check-files", moment]})
        assert interrupted.code == CODES["SIGINT"], interrupted.output
        assert list(scratch.iterdir()) == []


def test_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (tmp_path / "landing" / "events").mkdir(parents=True)
    environment = environment_of(home.root, tmp_path / "landing")
    with hold_lock(home.lock, "test", now=datetime.now(UTC)):
        process = start_command(environment, "erase", "--user-id", "u-1", "--yes")
        assert process.stdout is not None
        assert "waiting until it is released" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest = process.communicate()[0]
    assert (process.returncode, rest) == (
        143,
        "Interrupted while waiting for the process that holds the lock. Nothing was changed.\n",
    )


@pytest.mark.full
def test_twice_in_one_run_and_the_third_publishes(commands: Commands) -> None:
    """One while landing, one drawn of what comes after it; the counts are those of the files."""
    land_batch(commands.landing, 0)
    chance = random.Random("twice")  # noqa: S311
    line = commands.interrupt("run", number="SIGINT", activity="landing files", moment=chance.randint(1, 900))
    assert line.endswith("nothing is finished. Readers have no version yet; the next run takes over."), line
    later = chance.choice(["masking personal data", "building the events", "labelling messages"])
    line = commands.interrupt("run", number="SIGTERM", activity=later, moment=chance.randint(1, 15), times=2)
    assert finished_in(line) == ACTIVITIES[later]
    last = commands.run("run")
    assert last.code == 0, last.output
    assert "did not finish; this run takes over" in last.output
    assert assert_versions_are_whole(commands.home.published) == ["000001"]
    assert_every_line_is_accounted_for(commands.home.raw_database)
    events = [line for lines in by_source(LATE_HISTORY.landings()[0]).values() for line in lines]
    held = query(commands.home.raw_database, "select sum(lines)::bigint from raw.raw.loaded_files")
    assert held == [(len(events),)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Iterator[tuple[Commands, Path, dict[str, int]]]:
    """Yield a warehouse with a version and a batch that waits, copies before and after a run, and its moments."""
    folder = tmp_path_factory.mktemp("interrupted")
    commands = Commands(folder / "warehouse", forks)
    land_batch(commands.landing, 0)
    first = commands.run("run")
    assert first.code == 0, first.output
    moments_of(commands.home.root)
    land_batch(commands.landing, 1)
    copy_home(commands.home.root, folder / "before")
    # The first time dbt writes SQL that later runs send again.
    second = commands.run("run")
    assert second.code == 0, second.output
    recorded = commands.home.dbt_target
    shutil.copytree(recorded, folder / "before" / recorded.relative_to(commands.home.root), dirs_exist_ok=True)
    restore_home(folder / "before", commands.home)
    again = commands.run("run")
    assert again.code == 0, again.output
    moments = moments_of(commands.home.root)
    copy_home(commands.home.root, folder / "undisturbed")
    yield commands, folder, moments
    shutil.rmtree(folder)


def copy_home(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    link = target / "published" / "colloquy.duckdb"
    newest = max(target.glob("published/colloquy-*.duckdb"))
    link.unlink()
    link.hardlink_to(newest)


def restore_home(kept: Path, home: Home) -> None:
    shutil.rmtree(home.root)
    copy_home(kept, home.root)


@pytest.mark.full
@pytest.mark.parametrize("number", list(CODES))
@pytest.mark.parametrize("activity", list(ACTIVITIES))
def test_every_phase_of_a_run(kept: tuple[Commands, Path, dict[str, int]], activity: str, number: str) -> None:
    commands, folder, moments = kept
    restore_home(folder / "before", commands.home)
    assert moments.get(activity), (activity, moments)
    moment = random.Random(f"{activity} {number}").randint(1, moments[activity])  # noqa: S311
    times = 2 if number == "SIGINT" else 1
    line = commands.interrupt("run", number=number, activity=activity, moment=moment, times=times)
    assert finished_in(line) == ACTIVITIES[activity]
    version = re.search(r"Readers have version (\d+); the next run takes over\.$", line)
    assert version is not None, line
    assert query(commands.home.published / "colloquy.duckdb", "select count(*) from marts.fct_conversations")
    assert version[1] in assert_versions_are_whole(commands.home.published)
    last = commands.run("run")
    assert last.code == 0, last.output
    assert_every_line_is_accounted_for(commands.home.raw_database)
    published = Path("published") / "colloquy.duckdb"
    assert differences(folder / "undisturbed" / published, commands.home.root / published) == []


@pytest.mark.full
def test_while_an_llm_does_not_answer(tmp_path: Path) -> None:
    home, landing = tmp_path / "home", tmp_path / "landing"
    (landing / "events").mkdir(parents=True)
    lines = [json.dumps(line) for number in range(3) for line in unsure(f"c{number}", number)]
    (landing / "events" / "a.jsonl").write_text("\n".join(lines) + "\n")
    started: list[subprocess.Popen[str]] = []

    def interrupt(_: Request) -> Hang:
        started[0].send_signal(signal.SIGTERM)
        return Hang()

    with LlmServer(interrupt) as server:
        asked = {"COLLOQUY_LLM_BASE_URL": server.base_url, "COLLOQUY_LLM_MODEL": "gpt-4o-mini"}
        started.append(start_command(environment_of(home, landing) | asked | {"COLLOQUY_LLM_SHARE": "1"}, "run"))
        printed = started[0].communicate()[0]
    assert started[0].returncode == CODES["SIGTERM"], printed
    assert finished_in(assert_ends_plainly(printed)) == ACTIVITIES["asking the LLM"]
