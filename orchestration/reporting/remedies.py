"""Errors of the machine under a run: which of them pass by themselves, and what to do about the others."""

import os
import pwd
import re
import resource
from dataclasses import dataclass
from pathlib import Path

from orchestration.warehouse.home import Home

_SAFE = "nothing is lost, the next run takes up where this one stopped"


@dataclass(frozen=True)
class Fault:
    """An error known by the words the system, DuckDB or SQLite use for it; `passes` by itself, within seconds."""

    words: re.Pattern[str]
    remedy: str
    passes: bool = False


# What SQLite calls an I/O error may be this one as well.
_LIMITED = Fault(
    re.compile(r"File too large|disk I/O error"),
    f"no file may grow beyond {{limit}} here (ulimit -f): lift that limit, then run again; {_SAFE}",
)
_TOO_LARGE = Fault(
    re.compile(r"File too large"),
    f"the file system of {{home}} takes no file of this size: move COLLOQUY_HOME, then run again; {_SAFE}",
)
_FULL = Fault(
    re.compile(r"No space left on device|disk is full|Disk quota exceeded|Could not allocate .* disk"),
    f"free space on the disk of {{home}}, then run again; {_SAFE}",
)
_NOT_WRITABLE = Fault(
    re.compile(r"Read-only file system|Permission denied|Operation not permitted|readonly database"),
    f"make it writable for the user of this run (make doctor looks at the folders), then run again; {_SAFE}",
)
_OF_ANOTHER = (
    "{home} belongs to the account {owner}, and one account writes a warehouse: run as that one, or give yours another "
    "COLLOQUY_HOME; other accounts read {published} at most"
)
_HELD = Fault(
    re.compile(r"Could not set lock on file|database is locked"),
    f"close the program that holds the file, then run again; {_SAFE}",
    passes=True,
)
_FAILING = Fault(
    re.compile(r"disk I/O error|Input/output error"),
    f"the disk of {{home}} is full or failing: look at it, make room, then run again; {_SAFE}",
    passes=True,
)
_FAULTS = (_TOO_LARGE, _FULL, _NOT_WRITABLE, _HELD, _FAILING)

_DAMAGED = re.compile(r"not a valid DuckDB database file|Corrupt database file|Could not read enough bytes")
_DAMAGED_RAW = (
    "put a backup of {raw} in its place, or move it away: the next run loads everything that still lies in the landing "
    "folder; until then readers keep the last version"
)
_DAMAGED_BUILD = "{build} is derived: run make rebuild. If that reports the same, raw.duckdb is damaged"


def with_remedy(message: str, home: Home, database: Path) -> str:
    """Return the first line of any library's message, and after it what to do about the error.

    `database` is the file the failed step writes: DuckDB does not always name the one that is damaged.
    """
    first = next((line for line in message.splitlines() if line.strip()), "an error without words").strip()
    # The build step knows its own database and has reported it.
    if "make rebuild" in first:
        return first
    if _DAMAGED.search(message):
        is_raw = database == home.raw_database or str(home.raw_database) in message
        advice = (_DAMAGED_RAW if is_raw else _DAMAGED_BUILD).format(raw=home.raw_database, build=home.build_database)
        return f"{first}; {advice}"
    limit = file_size_limit()
    faults = _FAULTS if limit is None else (_LIMITED, *_FAULTS)
    found = next((fault for fault in faults if fault.words.search(message)), None)
    owner = _other_owner(home)
    if found is _NOT_WRITABLE and owner is not None:
        return f"{first}; {_OF_ANOTHER.format(home=home.root, owner=owner, published=home.published)}"
    return first if found is None else f"{first}; {found.remedy.format(home=home.root, limit=limit)}"


def is_known(message: str) -> bool:
    """Return whether the message is an error of the machine that has a remedy here."""
    return _DAMAGED.search(message) is not None or any(fault.words.search(message) for fault in _FAULTS)


def _other_owner(home: Home) -> str | None:
    """Return the account that owns the warehouse when it is another one than that of this process."""
    try:
        owner = home.root.stat().st_uid
    except OSError:
        return None
    if owner == os.geteuid():
        return None
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def file_size_limit() -> str | None:
    """Return the size that no file of this process may exceed, in words; None without a limit."""
    limit_bytes, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if limit_bytes == resource.RLIM_INFINITY else f"{limit_bytes:,} bytes"


def passes(message: str) -> bool:
    """Return whether the error of a message may be over in some seconds; unknown ones may."""
    return not _DAMAGED.search(message) and all(fault.passes for fault in _FAULTS if fault.words.search(message))
