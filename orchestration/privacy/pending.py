"""Whether an erasure has begun and not ended. Imports none of the libraries of an erasure: `make status` is quick."""

import json
from pathlib import Path

from orchestration.warehouse.home import Home

FINISH_ERASURE = "make run finishes it, or names the files that still hold the person"


def intent_path(home: Home) -> Path:
    """Return the file that states what was asked for and how far it has come; it goes with the end of the erasure."""
    return home.private / "erasure.json"


def describe_pending(home: Home) -> str | None:
    """Return one line about an erasure that has begun and not ended; None without one."""
    path = intent_path(home)
    try:
        count = len(json.loads(path.read_text(encoding="utf-8"))["entries"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        return f"{path} cannot be read: {error}"
    return f"the erasure of {count:,} id{'' if count == 1 else 's'} has begun and is not finished"
