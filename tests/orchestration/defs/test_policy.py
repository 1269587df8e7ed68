"""What is tried again, and what is not."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import dagster as dg
import duckdb
import pytest

from orchestration.defs import policy
from orchestration.defs.policy import retry_disk_errors
from orchestration.publishing import MissingTableError, NotEnoughSpaceError, PublishError

HELD = 'IO Error: Could not set lock on file "raw.duckdb": Conflicting lock is held in python (PID 7)'
PASSING = [duckdb.IOException(HELD), OSError(5, "Input/output error"), PublishError("cannot make a hard link")]
LASTING = [
    FileNotFoundError(2, "No such file or directory"),
    OSError(28, "No space left on device"),
    OSError(30, "Read-only file system"),
    PermissionError(13, "Permission denied"),
    duckdb.IOException('IO Error: The file "raw.duckdb" exists, but it is not a valid DuckDB database file!'),
    MissingTableError("the build has no table"),
    NotEnoughSpaceError("may need"),
]


@dataclass
class Step:
    """As much of a step's context as a retry looks at."""

    retry_number: int = 0
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("step"))


def fail(error: Exception, retry_number: int) -> None:
    with retry_disk_errors(cast(dg.AssetExecutionContext, Step(retry_number))):
        raise error


@pytest.mark.parametrize("error", PASSING)
@pytest.mark.parametrize(("retry_number", "wait_seconds"), [(0, 10), (1, 20)])
def test_a_passing_fault_is_tried_again(error: Exception, retry_number: int, wait_seconds: int) -> None:
    with pytest.raises(dg.RetryRequested) as retry:
        fail(error, retry_number)
    assert (retry.value.max_retries, retry.value.seconds_to_wait) == (2, wait_seconds)


@pytest.mark.parametrize("error", PASSING)
def test_the_third_time_it_is_told(error: Exception) -> None:
    with pytest.raises(type(error)):
        fail(error, 2)


@pytest.mark.parametrize("error", [*LASTING, ValueError("the same rows would fail the same way")])
def test_a_lasting_fault_is_told_at_once(error: Exception) -> None:
    with pytest.raises(type(error)):
        fail(error, 0)


def test_a_retried_step_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Dagster itself, without its waiting."""
    # Not by its name: tests that load the definitions again leave another module under it.
    monkeypatch.setattr(policy, "_FIRST_WAIT_SECONDS", 0)
    marker = tmp_path / "tried"

    @dg.asset
    def flaky(context: dg.AssetExecutionContext) -> None:
        with retry_disk_errors(context):
            if not marker.exists():
                marker.touch()
                raise duckdb.IOException(HELD)

    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([flaky], instance=instance, raise_on_error=False).success
