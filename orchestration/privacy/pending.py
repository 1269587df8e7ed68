"""Whether an erasure has begun and not ended. Imports none of the libraries of an erasure: `make status` is quick."""

import json
from pathlib import Path

from orchestration.warehouse.home import Home

FINISH_ERASURE = "make run tries again to finish it"


def intent_path(home: Home) -> Path:
    """Return the file that states what was asked for and how far it has come; it goes with the end of the erasure."""
    return home.private / "erasure.json"


def describe_pending(home: Home) -> str | None:
    """Return what keeps an erasure from its end, or that it has begun; None without one."""
    path = intent_path(home)
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        count, problem = len(fields["entries"]), fields.get("problem")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        return f"{path} cannot be read: {error}"
    ids = f"{count:,} id{'' if count == 1 else 's'}"
    return f"the erasure of {ids} has begun and is not finished{f': {problem}' if problem else ''}"
