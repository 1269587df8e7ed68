"""Whether a process of this machine is still the one that was noted."""

import os
from pathlib import Path

# The clock of the machine may be set a little while a process runs; numbers are not used again that fast.
_SLACK_SECONDS = 60
_STATE, _STARTED_TICKS = 0, 19


def is_running(pid: int, noted_at: float) -> bool:
    """Return whether process `pid`, noted at `noted_at` (seconds since the epoch), runs; False for another of that id.

    Where the system does not report when a process started (no /proc), any process of that number counts.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # A process of another account: it exists.
        pass
    fields = _stat(Path(f"/proc/{pid}/stat"))
    if fields is None:
        return True
    started_at = _booted_at() + int(fields[_STARTED_TICKS]) / os.sysconf("SC_CLK_TCK")
    return fields[_STATE] != "Z" and started_at <= noted_at + _SLACK_SECONDS


def _stat(path: Path) -> list[str] | None:
    """Return the fields after the name, which is in brackets and may hold anything."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _booted_at() -> float:
    lines = Path("/proc/stat").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("btime "))
