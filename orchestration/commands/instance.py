"""The Dagster instance of one warehouse: its run history and schedules live under COLLOQUY_HOME."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from orchestration.home import Home

# One writer: at most one run has the pool, the next waits in the queue.
_CONFIGURATION = """\
telemetry:
  enabled: false
concurrency:
  pools:
    granularity: run
    default_limit: 1
"""


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open the instance under `home`, writing its configuration first when it differs."""
    configuration = home.dagster / "dagster.yaml"
    if not configuration.exists() or configuration.read_text() != _CONFIGURATION:
        configuration.write_text(_CONFIGURATION)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster))) as instance:
        yield instance
