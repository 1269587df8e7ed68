"""Commands on the warehouse of another account end with one line that names it; nothing is written."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.warehouse.home import Home
from tests.support.commands import environment_of, run_command, start_command
from tests.support.forked import HEAVY, Forks
from tests.support.published_samples import make_build, publish_sample

NOBODY = 65_534
COMMANDS = {
    "run": (),
    "status": (),
    "doctor": (),
    "demo": ("--conversations", "50"),
    "erase": ("--user-id", "u-1", "--yes"),
    "reload": ("{landing}/events/a.jsonl",),
    "exclude": ("{landing}/events/a.jsonl",),
    "relabel": ("--from", "2026-01-01"),
    "label-sample": ("--sample", "{landing}/sample.csv"),
}
MODULES = (
    *("run", "job", "status", "doctor", "demo", "erase", "repair", "relabel", "label_quality", "command_line"),
    "show",
)
EVENT = (
    '{"event_id": "e-1", "conversation_id": "c-1", "event_type": "user_message", '
    '"timestamp": "2026-04-01T09:00:00Z", "properties": {"content": "hello"}}\n'
)
PRIVATE_FILE, PRIVATE_FOLDER, OPEN_FILE, OPEN_FOLDER = 0o600, 0o700, 0o644, 0o755


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    if os.geteuid() != 0:
        pytest.skip("only root may become another account")
    imports = (*HEAVY, "orchestration.definitions", *(f"orchestration.commands.{name}" for name in MODULES))
    with Forks(tmp_path_factory.mktemp("forks"), imports=imports) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that every account may enter, with a warehouse in it that shares what is published."""
    folder = tmp_path_factory.mktemp("accounts")
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    (folder / "landing" / "events").mkdir(parents=True)
    (folder / "landing" / "events" / "a.jsonl").write_text(EVENT)
    home = Home(folder / "home")
    home.create()
    publish_sample(make_build(home.root), home.published)
    home.raw_database.write_bytes(b"")
    home.lock.touch(mode=0o600)
    return folder


@pytest.mark.parametrize("command", list(COMMANDS))
@pytest.mark.parametrize("mode", [0o700, 0o711])
def test_every_command_names_the_account(folder: Path, forks: Forks, command: str, mode: int) -> None:
    home = folder / "home"
    home.chmod(mode)
    before = sorted(home.rglob("*"))
    arguments = [command, *(one.replace("{landing}", str(folder / "landing")) for one in COMMANDS[command])]
    environment = {"COLLOQUY_HOME": str(home), "COLLOQUY_LANDING": str(folder / "landing")}
    call = {"arguments": arguments, "environment": environment, "account": NOBODY}
    finished = forks.run("tests.support.limited:run_as_another_account", call)
    assert finished.code in {1, 2}, finished.output
    assert "Traceback" not in finished.output, finished.output
    whose = f"{home} belongs to the account root, and one account writes a warehouse: run as that one"
    assert whose in finished.output or f"{home}/demo belongs" in finished.output, finished.output
    assert sorted(home.rglob("*")) == before


@pytest.mark.full
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o177, 0o777])
def test_whatever_the_umask_of_the_caller(tmp_path: Path, umask: int) -> None:
    """What is published is open to who may enter the home, everything else to its account alone."""
    home, landing = Home(tmp_path / "home"), tmp_path / "landing"
    (landing / "events").mkdir(parents=True)
    (landing / "events" / "a.jsonl").write_text(EVENT)
    environment = environment_of(home.root, landing)
    before = os.umask(umask)
    try:
        process = start_command(environment, "run")
    finally:
        os.umask(before)
    printed = process.communicate()[0]
    assert process.returncode == 0, printed
    made_by_the_test = {home.dbt_target, *home.dbt_target.rglob("*"), home.dbt_project, *home.dbt_project.rglob("*")}
    for path in (home.root, *home.root.rglob("*")):
        if path in made_by_the_test or path.is_symlink():
            continue
        is_published = path == home.published or home.published in path.parents
        folder, file = (OPEN_FOLDER, OPEN_FILE) if is_published else (PRIVATE_FOLDER, PRIVATE_FILE)
        assert path.stat().st_mode & 0o777 == (folder if path.is_dir() else file), path
    assert "1 conversations" in printed
    run_command(home.root, landing, "status")
