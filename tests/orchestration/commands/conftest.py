"""Commands in this process: an environment of their own, a warehouse that is not there yet, room on the disk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestration.warehouse.home import Home

GIB = 1024**3


class DiskUsage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start without COLLOQUY_ variables, and take back whatever a command exports."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("COLLOQUY_"):
            monkeypatch.delenv(name)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("COLLOQUY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLLOQUY_LANDING", str(tmp_path / "landing"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(10 * GIB, 5 * GIB, 5 * GIB))
    return Home(tmp_path / "home")


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    (folder / "events").mkdir(parents=True)
    return folder
