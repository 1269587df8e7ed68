"""One measured task in a process of its own: `python -m tests.benchmarks.worker <module>.<task> <JSON request>`.

The result goes to a file, because dbt and others write to the terminal. Only the module of the task is imported.
"""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measuring import Outcome, peak_of_this_process


def main() -> int:
    """Run the task named on the command line and write what it cost."""
    name, text = sys.argv[1:]
    request = json.loads(text)
    module, _, function = name.partition(".")
    task: Callable[[object], Outcome] = getattr(importlib.import_module(f"tests.benchmarks.tasks.{module}"), function)
    outcome = task(request["arguments"])
    result = {
        "cpu_seconds": outcome.cost.cpu_seconds,
        "wall_seconds": outcome.cost.wall_seconds,
        "peak_bytes": peak_of_this_process(),
        "answer": outcome.answer,
    }
    Path(request["result"]).write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
