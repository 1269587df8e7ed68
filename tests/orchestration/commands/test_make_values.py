"""What is given to a make target reaches the program as it was written: neither make nor the shell reads a letter."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.settings import PROJECT_DIR

# The target, the variable, and how the argument begins.
VALUES = (
    ("erase", "USER_ID", "--user-id="),
    ("erase", "CONVERSATION_ID", "--conversation-id="),
    ("erase", "NAMESPACE", "--namespace="),
    ("reload", "FILE", ""),
    ("exclude", "FILE", ""),
    ("run", "LANDING", "--landing="),
    ("check-files", "DIR", ""),
    ("label-sample", "SAMPLE", "--sample="),
    ("label-sample", "CONVERSATIONS", "--conversations="),
    ("label-sample", "SEED", "--seed="),
    ("label-quality", "SAMPLE", "--sample="),
    ("eval", "DATA", "--data="),
    ("train", "EXTRA", "--extra="),
    ("relabel", "FROM", "--from="),
    ("dev", "PORT", "--port="),
    ("demo", "CONVERSATIONS", "--conversations="),
    ("demo", "DAYS", "--days="),
    ("show", "SQL", ""),
    ("model", "MODEL", ""),
)
RECORDER = """#!/usr/bin/env python3
import json, pathlib, sys
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(sys.argv[1:]))
"""
# Pieces that make, the shell or the option parser could read.
PIECES = st.sampled_from(
    (
        *("$", "$$", "$1234", "$@", "$(BIN)", "${HOME}", "$(shell touch executed)", "$(touch executed)"),
        *("`touch executed`", "&& touch executed", ">executed", "|", ";", "!", "#", "=", "%", "@", "~", "*", "?"),
        *("'", '"', "\\", "-", "--yes", "(", ")", "{", "}", ",", " ", "\t", "\u00e9", "\U0001f4a9", "a", "1"),
    )
)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = tmp_path_factory.mktemp("recorder") / "colloquy"
    script.write_text(RECORDER)
    script.chmod(0o755)
    return script


def handed_on(recorder: Path, target: str, variable: str, text: str, *, by_environment: bool) -> list[str]:
    """Run a target with a recorder in the place of the program, and return the arguments it was given."""
    record = recorder.with_suffix(".json")
    record.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", f"COLLOQUY={recorder}", "-o", "setup", target]
    if by_environment:
        environment[variable] = text
    else:
        command.append(f"{variable}={text}")
    done = subprocess.run(command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (PROJECT_DIR / "executed").exists()
    return list(json.loads(record.read_text()))


@settings(max_examples=4, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize(("target", "variable", "start"), VALUES)
@given(pieces=st.lists(PIECES, min_size=1, max_size=6), by_environment=st.booleans())
def test_make_hands_on_what_was_written(
    recorder: Path, target: str, variable: str, start: str, *, pieces: list[str], by_environment: bool
) -> None:
    # Make itself takes white space away that stands before a value on its command line.
    text = "".join(pieces).lstrip() or "a"
    arguments = handed_on(recorder, target, variable, text, by_environment=by_environment)
    assert f"{start}{text}" in arguments
    if not start:
        assert arguments[arguments.index(f"{start}{text}") - 1] == "--"


def test_no_recipe_expands_what_is_given() -> None:
    """Every variable of a user stands in a recipe as one of the shell, in quotes, or only in a condition."""
    makefile = (PROJECT_DIR / "Makefile").read_text()
    names = {variable for _, variable, _ in VALUES}
    for line in makefile.splitlines():
        if line.startswith("\t"):
            expanded = {name for name in names if f"$({name})" in line.replace(f"$(if $({name})", "")}
            assert not expanded, line
