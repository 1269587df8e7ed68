"""File permissions: only the account itself reads events; accounts with access to the folder read published files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.__main__ import main
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.home import Home
from tests.support.published_samples import make_build, publish_sample


def modes(root: Path) -> dict[str, int]:
    return {path.relative_to(root).as_posix(): path.stat().st_mode & 0o777 for path in root.rglob("*")}


def test_a_new_warehouse_is_closed_and_an_old_one_stays_as_it_is(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "home")
    home.create()
    assert home.root.stat().st_mode & 0o777 == 0o700
    found = modes(home.root)
    assert {name: found[name] for name in ("private", "dagster", "dbt", "published")} == {
        "private": 0o700,
        "dagster": 0o700,
        "dbt": 0o700,
        "published": 0o755,
    }
    shared = Home(tmp_path / "shared")
    shared.root.mkdir(mode=0o711)
    shared.root.chmod(0o711)
    shared.create()
    assert shared.root.stat().st_mode & 0o777 == 0o711


def test_doctor_says_when_other_accounts_can_read_what_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLLOQUY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLLOQUY_LANDING", str(tmp_path))
    home = Home(tmp_path / "home")
    home.create()
    home.raw_database.touch(mode=0o644)
    home.raw_database.chmod(0o644)
    main(["doctor"])
    assert "ok  other accounts read at most what is published" in capsys.readouterr().out
    home.root.chmod(0o711)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert f"FIX other accounts read more than what is published\n      chmod -R go= {home.raw_database}" in said


def test_a_command_writes_for_its_account_alone(tmp_path: Path) -> None:
    """Temporary files and logs are events, too: whatever a command or what it starts writes is closed by its umask."""
    code = "import os; print(oct(os.umask(0)))"
    start = (
        "import runpy, subprocess, sys; sys.argv = ['colloquy', 'status']\n"
        "from orchestration.commands import status\n"
        f"status.print_status = lambda _: subprocess.run([sys.executable, '-c', {code!r}]).returncode\n"
        "runpy.run_module('orchestration', run_name='__main__')"
    )
    finished = subprocess.run(
        [sys.executable, "-c", start],
        cwd=PROJECT_DIR,
        env=os.environ | {"COLLOQUY_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert "0o77" in finished.stdout.splitlines()


def test_what_is_published_is_open_whatever_the_umask(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    before = os.umask(0o077)
    try:
        home.create()
        publish_sample(make_build(tmp_path), home.published)
    finally:
        os.umask(before)
    assert home.published.stat().st_mode & 0o777 == 0o755
    files = {name: mode for name, mode in modes(home.published).items() if Path(name).suffix}
    assert len(files) > 5
    assert set(files.values()) == {0o644}
    assert modes(home.published)["v000001"] == modes(home.published)["v000001/fct_conversations"] == 0o755
