"""`python -m orchestration.commands.dagster_dev dev ...`: the command `dagster`, whose webserver is the guarded one."""

import subprocess
from collections.abc import Sequence

from dagster._cli import cli
from dagster._cli import dev as dagsters_dev
from dagster_shared.ipc import open_ipc_subprocess

_SERVER = ["-m", "dagster_webserver"]
_GUARDED = ["-m", "orchestration.commands.guarded_webserver"]


def guarded_command(parts: Sequence[str]) -> list[str]:
    """Return the command of a service with the guarded webserver in the place of Dagster's; others as they are."""
    python, *rest = parts
    return [python, *_GUARDED, *rest[2:]] if rest[:2] == _SERVER else [python, *rest]


def guard_webserver() -> None:
    """Have `dagster dev` start the guarded webserver; raises KeyError when it no longer starts one as this one does."""
    if vars(dagsters_dev)["open_ipc_subprocess"] is not open_ipc_subprocess:
        raise KeyError("open_ipc_subprocess")
    vars(dagsters_dev)["open_ipc_subprocess"] = _open_guarded


def _open_guarded(parts: Sequence[str], pass_fds: Sequence[int] = ()) -> "subprocess.Popen[bytes]":
    return open_ipc_subprocess(guarded_command(parts), pass_fds=pass_fds)


if __name__ == "__main__":
    guard_webserver()
    cli(auto_envvar_prefix="DAGSTER")
