"""Importing the definitions decides nothing: settings are read when Dagster loads them."""

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from orchestration.settings import PROJECT_DIR, Settings


def test_importing_the_definitions_reads_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLOQUY_TIMEZONE", "Nowhere/Nothing")
    with pytest.raises(ValidationError):
        Settings()
    modules = [path.stem for path in (PROJECT_DIR / "orchestration" / "defs").glob("*.py") if path.stem != "__init__"]
    assert "warehouse" in modules
    program = "\n".join(f"import orchestration.defs.{name}" for name in [*modules])
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_DIR, env=os.environ, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
