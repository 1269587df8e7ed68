"""Runs code in processes of its own without paying for the imports each time: a server that forks.

    with Forks(folder) as forks:
        finished = forks.run("tests.support.crashes:run_once", {"folder": "..."})

Each call is forked from a process that has imported everything heavy and nothing else, so that a test may kill it or
limit it as it likes.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from orchestration.settings import PROJECT_DIR

HEAVY = (
    *("pandas", "duckdb", "dagster", "dbt.cli.main", "great_expectations"),
    "dbt.adapters.duckdb.connections",
)
FAILED, OUTPUT_LOST = 70, 74


@dataclass(frozen=True)
class Finished:
    """How a forked call ended: its exit code, negative for the signal that ended it, and all it printed."""

    code: int
    output: str

    @property
    def was_killed(self) -> bool:
        """Whether kill -9 ended it."""
        return self.code == -signal.SIGKILL


class Forks:
    """The server, as a context; `folder` takes the output of the calls, `within` is a command to start it with.

    `imports` are the modules that every call finds imported.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
        imports: Sequence[str] = HEAVY,
    ) -> None:
        self._folder = folder
        self._calls = 0
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COLLOQUY_")}
        self._server = subprocess.Popen(
            [*within, sys.executable, "-m", "tests.support.forked", *imports],
            cwd=PROJECT_DIR,
            env=clean | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Forks":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.communicate()

    def run(self, function: str, arguments: Mapping[str, Any]) -> Finished:
        """Call `module:function` with the arguments (plain JSON) in a forked process and wait for its end.

        What the function returns is its exit code, None counts as 0.
        """
        self._calls += 1
        path = self._folder / f"output-{self._calls:03}.txt"
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([function, dict(arguments), str(path)]) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, "the server of forks has ended"
        return Finished(int(answer), path.read_text(errors="replace"))


def _serve() -> None:
    for name in sys.argv[1:]:
        import_module(name)
    for line in sys.stdin:
        function, arguments, path = json.loads(line)
        child = os.fork()
        if child == 0:
            _call(function, arguments, path)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _call(function: str, arguments: dict[str, Any], path: str) -> None:
    """Never returns; leaves as a killed process does, without exit handlers, because the server's threads are gone."""
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    module, _, name = function.partition(":")
    code = FAILED
    try:
        code = getattr(import_module(module), name)(**arguments) or 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            code = OUTPUT_LOST
        os._exit(code)


if __name__ == "__main__":
    _serve()
