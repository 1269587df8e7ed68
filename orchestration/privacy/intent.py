"""`private/erasure.json`: what an erasure was asked for and how far it has come; keyed hashes and surrogates, no id."""

import json
from dataclasses import asdict, dataclass

from orchestration.landing.suppression import Suppression
from orchestration.privacy.pending import intent_path
from orchestration.publishing.durable_files import put_text
from orchestration.warehouse.home import Home


@dataclass(frozen=True)
class Intent:
    """An erasure on its way; `problem` is what kept it from its end at the last run.

    `is_rewritten` once raw is without the people named by `entries`, `is_derived_removed` once all that was built from
    the earlier raw is gone, `is_withheld` once no published version holds a row that names them.
    """

    operation_id: str
    entries: tuple[Suppression, ...]
    is_rewritten: bool = False
    is_derived_removed: bool = False
    is_withheld: bool = False
    problem: str | None = None


def pending_erasure(home: Home) -> Intent | None:
    """Return the erasure that has not come to its end, None when there is none. Raises ValueError for a broken file."""
    try:
        fields = json.loads(intent_path(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Intent(**fields | {"entries": tuple(Suppression(**entry) for entry in fields["entries"])})


def write_intent(home: Home, intent: Intent) -> None:
    """Put the file in place, at once and on disk."""
    home.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    working = home.private / "writing"
    working.mkdir(mode=0o700, exist_ok=True)
    put_text(intent_path(home), json.dumps(asdict(intent), indent=2) + "\n", working)
    working.rmdir()
