"""The README is true: its commands run, its queries return rows, its tables name what there is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.source_contracts import SOURCES
from tests.support.recorded_refresh import parsed_before

README = (PROJECT_DIR / "README.md").read_text()
# `make test` is what runs this file; the benchmarks take minutes and install other engines.
NOT_RUN_HERE = {"make test", "make bench QUICK=1"}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in _blocks("sh") for line in block.splitlines() if line not in NOT_RUN_HERE]


def _make(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COLLOQUY_", "DAGSTER_"))}
    return subprocess.run(
        command.split(),
        cwd=PROJECT_DIR,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("readme") / "warehouse"
    finished = _make("make demo", COLLOQUY_HOME=str(home), CONVERSATIONS="900", DAYS="16")
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
    yield finished.stdout, home / "demo"


def test_demo_ends_with_the_funnel_the_key_numbers_and_where_to_look(demo: tuple[str, Path]) -> None:
    printed, home = demo
    assert "900 conversations, 2026-04-15 to 2026-04-30" in printed
    for expected in ("Funnel: support", "resolution_rate", "Where to look next", str(home / "published")):
        assert expected in printed
    conversations = [json.loads(line) for line in (home / "truth" / "conversations.jsonl").read_text().splitlines()]
    settled = [one["is_resolved"] for one in conversations if one["is_engaged"] and one["is_closed"]]
    assert f"In truth {100 * sum(settled) / len(settled):.1f}% were resolved" in printed


def test_demo_says_what_shows_the_stages(demo: tuple[str, Path]) -> None:
    printed, home = demo
    with duckdb.connect(str(home / "published" / "colloquy.duckdb"), read_only=True) as connection:
        kinds = dict(
            connection.execute(
                "select evidence_kind, count(*) from marts.fct_conversation_stages "
                "where funnel = 'support' group by evidence_kind"
            ).fetchall()
        )
    assert set(kinds) == {"event", "model"}
    stages, share = sum(kinds.values()), 100 * kinds["model"] / sum(kinds.values())
    assert re.search(rf"  {stages:,} stages shown by: event \S+%, rule 0.0%, model {share:.1f}%, llm 0.0%\n", printed)


def test_every_query_of_the_readme_returns_rows(demo: tuple[str, Path]) -> None:
    queries = _blocks("sql")
    assert len(queries) >= 9
    with duckdb.connect(str(demo[1] / "published" / "colloquy.duckdb"), read_only=True) as connection:
        for query in queries:
            assert connection.execute(query).fetchall(), query


# One run of the job each.
REPAIRS = [
    "make reland FILE=landing/events/example.jsonl",
    "make erase CONVERSATION_ID=c-1 NAMESPACE=events",
    "make rebuild",
    "make drop FILE=landing/events/example.jsonl",
]
ERASE_USER = "make erase USER_ID=u-1"


class OwnEvents:
    """A folder with the example event in `landing/`, and the README's commands run over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        landing = folder / "landing" / "events"
        landing.mkdir(parents=True)
        (example,) = _blocks("json")
        (landing / "example.jsonl").write_text(example)
        parsed_before(Home(folder / "warehouse"))

    def run(self, command: str) -> None:
        landing = self.folder / "landing"
        environment = {"COLLOQUY_HOME": str(self.folder / "warehouse"), "COLLOQUY_LANDING": str(landing)}
        finished = _make(command.replace("=landing", f"={landing}"), **environment)
        assert finished.returncode == 0, (command, finished.stdout[-3000:], finished.stderr[-3000:])

    def conversations(self) -> list[tuple[str, str]]:
        database = self.folder / "warehouse" / "published" / "colloquy.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute("select conversation_id, user_id from marts.fct_conversations").fetchall()


def test_the_commands_for_own_events_run(tmp_path: Path) -> None:
    first = ["make check-files DIR=landing", "make run LANDING=landing", "make status"]
    assert [command for command in COMMANDS if command != "make demo"][:3] == first
    assert sorted(COMMANDS[4:]) == sorted([*REPAIRS, ERASE_USER])
    own = OwnEvents(tmp_path)
    for command in first:
        own.run(command)
    assert own.conversations() == [("c-1", "u-1")]


@pytest.mark.full
def test_the_commands_that_repair_and_erase_run(tmp_path: Path) -> None:
    own = OwnEvents(tmp_path)
    own.run("make run LANDING=landing")
    for command in REPAIRS:
        own.run(command)
    assert own.conversations() == []

    erased = OwnEvents(tmp_path / "erased")
    erased.run("make run LANDING=landing")
    erased.run(ERASE_USER)
    ((conversation_id, user_id),) = erased.conversations()
    assert conversation_id.startswith("erased-")
    assert user_id.startswith("erased-")


def test_example_lines_of_all_sources_are_whole_json() -> None:
    examples = re.findall(r"^\| `(\w+)` \|.*\| (?:above|`(\{.*\})`) \|$", README, flags=re.MULTILINE)
    assert {source for source, _ in examples} == set(SOURCES)
    for source, example in examples:
        if source != "events":
            assert isinstance(json.loads(example), dict)


def test_the_example_in_python_prints_what_it_should() -> None:
    """A question and an apology: greeted, nobody has said which problem it is, and it is too early to complain."""
    (example,) = _blocks("python")
    finished = subprocess.run(
        [sys.executable, "-c", example], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == ["greeted", "1", "False"]


def test_every_variable_is_listed() -> None:
    listed = set(re.findall(r"^\| `COLLOQUY_(\w+)` \|", README, flags=re.MULTILINE))
    assert listed == {name.upper() for name in Settings.model_fields}


def test_every_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (PROJECT_DIR / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", README)) | {command.split()[1] for command in COMMANDS}
    assert named - targets == set()
