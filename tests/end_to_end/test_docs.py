"""README.md and docs/ are true: commands run, queries return rows, examples are valid, links lead somewhere."""

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.landing.reasons import NEXT_STEPS
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.source_contracts import SOURCES
from tests.support.recorded_refresh import parsed_before

PAGES = {
    str(path.relative_to(PROJECT_DIR)): path.read_text()
    for path in [PROJECT_DIR / "README.md", *sorted((PROJECT_DIR / "docs").rglob("*.md"))]
}
README = PAGES["README.md"]
README_LINES = 200

# So few conversations change no verdict; the demo of its full size has rows.
MAY_BE_EMPTY = ("marts.ab_test_verdict_changes",)
DEMO = "make demo"
OWN_EVENTS = ("make check-files DIR=landing", "make run LANDING=landing", "make status")
# One run of the job each.
REPAIRS = (
    "make reload FILE=landing/events/example.jsonl",
    "make erase CONVERSATION_ID=c-1 NAMESPACE=events",
    "make rebuild",
    "make exclude FILE=landing/events/example.jsonl",
)
ERASE_USER = "make erase USER_ID=u-1"
RUN_HERE = {DEMO, *OWN_EVENTS, *REPAIRS, ERASE_USER}
# Targets whose commands are not run here, by what runs them or why nothing does.
RUN_ELSEWHERE = {
    "bench": "takes minutes and installs other engines",
    "bench-labels": "takes minutes",
    "check": "lints this repository; so does every change of it",
    "dev": "tests/orchestration/commands/test_dev.py",
    "docs": "tests/end_to_end/test_docs_command.py",
    "doctor": "tests/orchestration/commands/test_doctor.py",
    "eval": "tests/orchestration/classification/test_eval_command.py",
    "fix": "changes the files of this repository",
    "help": "a list of targets, compared with the pages below",
    "label-quality": "tests/end_to_end/test_label_quality.py",
    "label-sample": "tests/end_to_end/test_label_quality.py",
    "lock": "resolves the dependencies anew",
    "relabel": "tests/orchestration/commands/test_relabel_command.py",
    "setup": "part of every other target",
    "test": "runs this file",
    "test-full": "runs this file",
    "test-part": "runs a part of the slow tests",
    "train": "tests/orchestration/classification/test_own_model.py",
}


def _blocks(language: str) -> list[tuple[str, str]]:
    """Return all code blocks of a language, each with the page it is on."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
    return [(page, block) for page, text in PAGES.items() for block in pattern.findall(text)]


def _commands() -> list[tuple[str, str]]:
    """Return the lines of all shell blocks without comments, each with its page."""
    lines = ((page, line.partition(" #")[0].strip()) for page, block in _blocks("sh") for line in block.splitlines())
    return [(page, line) for page, line in lines if line and not line.startswith("#")]


def _event_example() -> str:
    """Return the event that README.md and docs/events.md show: one and the same."""
    (example,) = {block for page, block in _blocks("json") if page in ("README.md", "docs/events.md")}
    return example


def _section(page: str, heading: str) -> str:
    """Return what stands between a heading of the second level and the next one."""
    return PAGES[page].partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


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
    home = tmp_path_factory.mktemp("docs") / "warehouse"
    finished = _make(DEMO, COLLOQUY_HOME=str(home), CONVERSATIONS="900", DAYS="16")
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
    yield finished.stdout, home / "demo"


def test_demo_ends_with_the_funnel_the_key_numbers_and_where_to_look(demo: tuple[str, Path]) -> None:
    printed, home = demo
    assert "900 conversations, 2026-04-15 to 2026-04-30" in printed
    for expected in ("Funnel: support", "resolution_rate", "Where to look next", str(home / "published")):
        assert expected in printed
    conversations = [json.loads(line) for line in (home / "truth" / "conversations.jsonl").read_text().splitlines()]
    closed = [one["is_solved"] for one in conversations if one["is_engaged"] and one["is_closed"]]
    assert f"In truth {100 * sum(closed) / len(closed):.1f}% were solved" in printed


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


def test_demo_points_to_the_page_of_questions(demo: tuple[str, Path]) -> None:
    assert set(re.findall(r"^  (\S+\.md):", demo[0], flags=re.MULTILINE)) == {"docs/questions.md"}


def test_every_query_returns_rows(demo: tuple[str, Path]) -> None:
    queries = _blocks("sql")
    assert len(queries) >= 20
    with duckdb.connect(str(demo[1] / "published" / "colloquy.duckdb"), read_only=True) as connection:
        for page, query in queries:
            found = connection.execute(query).fetchall()
            assert found or any(name in query for name in MAY_BE_EMPTY), f"{page}: {query}"


def test_every_command_is_run_here_or_elsewhere() -> None:
    unknown = []
    for page, command in _commands():
        target = re.match(r"make ([a-z-]+)", command)
        if command not in RUN_HERE and (target is None or target[1] not in RUN_ELSEWHERE):
            unknown.append(f"{page}: {command}")
    assert unknown == []
    assert {command for _, command in _commands()} >= RUN_HERE
    tests = [where for where in RUN_ELSEWHERE.values() if where.startswith("tests/")]
    assert [where for where in tests if not (PROJECT_DIR / where).is_file()] == []


class OwnEvents:
    """A folder with the example event in `landing/`, and the commands of the pages run over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        landing = folder / "landing" / "events"
        landing.mkdir(parents=True)
        (landing / "example.jsonl").write_text(_event_example())
        parsed_before(Home(folder / "warehouse"))

    def run(self, command: str) -> None:
        landing = self.folder / "landing"
        environment = {"COLLOQUY_HOME": str(self.folder / "warehouse"), "COLLOQUY_LANDING": str(landing), "YES": "1"}
        finished = _make(command.replace("=landing", f"={landing}"), **environment)
        assert finished.returncode == 0, (command, finished.stdout[-3000:], finished.stderr[-3000:])

    def conversations(self) -> list[tuple[str, str]]:
        database = self.folder / "warehouse" / "published" / "colloquy.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute("select conversation_id, user_id from marts.fct_conversations").fetchall()


def test_the_commands_for_own_events_run(tmp_path: Path) -> None:
    for page in ("README.md", "docs/events.md"):
        assert tuple(command for at, command in _commands() if at == page and command in OWN_EVENTS) == OWN_EVENTS
    own = OwnEvents(tmp_path)
    for command in OWN_EVENTS:
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


def test_every_example_in_json_is_whole() -> None:
    for page, block in _blocks("json"):
        for line in block.splitlines() if block.startswith("{") and "\n}" not in block else [block]:
            assert isinstance(json.loads(line), dict | list), page


def test_example_lines_of_all_sources_are_whole_json() -> None:
    lines = r"^\| `(\w+)` \|.*\| (?:above|`(\{.*\})`) \|$"
    examples = re.findall(lines, _section("docs/events.md", "Sources"), flags=re.MULTILINE)
    assert {source for source, _ in examples} == set(SOURCES)
    for source, example in examples:
        if source != "events":
            assert isinstance(json.loads(example), dict)


@pytest.mark.parametrize(("page", "example"), _blocks("python"))
def test_examples_in_python_print_what_they_should(page: str, example: str) -> None:
    """The one of a running conversation, a question and an apology: greeted, no problem identified yet, too early."""
    finished = subprocess.run(
        [sys.executable, "-c", example], cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, (page, finished.stderr[-2000:])
    if "classify_prefix" in example:
        assert finished.stdout.split() == ["greeted", "1", "False"]


def test_every_variable_is_listed_and_every_variable_named_exists() -> None:
    variables = {name.upper() for name in Settings.model_fields}
    named = {name for text in PAGES.values() for name in re.findall(r"COLLOQUY_([A-Z_]*[A-Z])\b", text)}
    assert named - variables == set()
    listed = re.findall(r"^\| `COLLOQUY_(\w+)` \|", PAGES["docs/configuration.md"], flags=re.MULTILINE)
    assert set(listed) == variables


def test_every_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (PROJECT_DIR / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for text in PAGES.values() for name in re.findall(r"`make\s+([a-z-]+)", text)}
    named |= {name for _, command in _commands() for name in re.findall(r"^make ([a-z-]+)", command)}
    assert named - targets == set()
    assert set(RUN_ELSEWHERE) - targets == set()


def _anchors(text: str) -> set[str]:
    """Return the names by which GitHub links to the headings of a page."""
    anchors: set[str] = set()
    for heading in re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    ):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number = next(n for n in range(len(anchors) + 1) if (f"{slug}-{n}" if n else slug) not in anchors)
        anchors.add(f"{slug}-{number}" if number else slug)
    return anchors


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page, text in PAGES.items():
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", prose):
            if re.match(r"(https?|mailto):", link):
                continue
            name, _, anchor = link.partition("#")
            target = Path(os.path.normpath((PROJECT_DIR / page).parent / name)) if name else PROJECT_DIR / page
            if not target.exists() or (anchor and anchor not in _anchors(target.read_text())):
                broken.append(f"{page}: {link}")
    assert broken == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[^)#]+?)/?(?:#[^)]*)?\)", README))
    pages = {page for page in PAGES if page != "README.md" and not page.startswith("docs/decisions/")}
    assert pages - linked == set()


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= README_LINES


def test_the_table_of_marts_names_every_published_table_and_its_page() -> None:
    published = set()
    for model in (PROJECT_DIR / "models" / "marts").rglob("*.sql"):
        alias = re.search(r"\balias='(\w+)'", model.read_text())
        published.add(alias[1] if alias else model.stem)
    rows = re.findall(r"^\| `(\w+)` \| .+ \| \[\w+\]\(docs/", _section("README.md", "Published tables"), re.MULTILINE)
    assert sorted(rows) == sorted(published)


def test_the_table_of_packages_is_in_the_order_of_their_layers() -> None:
    contracts = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [layer for layer in contracts[0]["layers"] if (PROJECT_DIR / "orchestration" / layer).is_dir()]
    listed = re.findall(r"^\| `(\w+)` \|", _section("README.md", "How it is put together"), re.MULTILINE)
    assert listed == layers[::-1]


def test_every_metric_and_every_reason_of_a_refusal_is_explained() -> None:
    with (PROJECT_DIR / "seeds" / "metric_definitions.csv").open() as file:
        metrics = [row["metric_name"] for row in csv.DictReader(file)]
    assert [metric for metric in metrics if f"`{metric}`" not in _section("docs/metrics.md", "All metrics")] == []
    listed = re.findall(r"^\| `(\w+)` \|", _section("docs/events.md", "What happens to a line"), re.MULTILINE)
    assert listed == list(NEXT_STEPS)
