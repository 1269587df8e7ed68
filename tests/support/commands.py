"""The real commands in processes of their own, with an environment that names nothing but the warehouse."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.home import Home
from tests.support.recorded_refresh import parsed_before


def environment_of(home: Path, landing: Path) -> dict[str, str]:
    """Return this process's environment without its own warehouse and with this one, whose project is parsed."""
    parsed_before(Home(home))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COLLOQUY_", "DAGSTER_"))}
    return inherited | {"COLLOQUY_HOME": str(home), "COLLOQUY_LANDING": str(landing)}


def start_command(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start `python -m orchestration ...`; its errors come with its output."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_command(home: Path, landing: Path, *arguments: str, **variables: str) -> str:
    """Run `python -m orchestration ...` to its end, which must be a good one, and return all it printed.

    `variables` are added to its environment.
    """
    code, printed = end_of_command(home, landing, *arguments, **variables)
    assert code == 0, printed
    return printed


def end_of_command(home: Path, landing: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a command as `run_command` does; return its exit code and all it printed."""
    with start_command(environment_of(home, landing) | variables, *arguments) as process:
        printed, _ = process.communicate()
    return process.returncode, printed
