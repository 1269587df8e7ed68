"""`make erase`: erase users or conversations everywhere, by the normal job, and prove it."""

import sys
from collections.abc import Sequence
from datetime import datetime

import click

from orchestration.building.project import assemble_project
from orchestration.commands.run import run_warehouse
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.sources import read_namespaces
from orchestration.landing import read_hash_key
from orchestration.landing.suppression import Scope
from orchestration.privacy.erasure import request_erasure
from orchestration.privacy.intent import pending_erasure
from orchestration.privacy.requests import Found, find_requested
from orchestration.redaction.printable import one_line
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock
from orchestration.warehouse.progress import PROGRESS
from orchestration.warehouse.scratch import scratch_folder

# Of a longer list the sums are enough to see whether it is the right one.
_SHOWN = 20


def erase(
    requested: Sequence[tuple[Scope, str]],
    namespace: str | None,
    settings: Settings,
    *,
    is_confirmed: bool,
    now: datetime,
) -> int:
    """Erase ids of a namespace, None for all, and run the job that builds, publishes and proves it.

    Shows what was found of each id and asks, unless confirmed. Returns what the run returns; 2 when nothing was erased:
    an id is unknown, it was not confirmed, or the erasure cannot start. An erasure that was killed goes on where it
    stood.
    """
    home = Home(settings.home)
    if home.simulation_marker.exists():
        print(f"{home.root} holds simulated conversations: there is no person to erase")
        return 2
    home.create()
    key = read_hash_key(home.private, settings.hash_key.get_secret_value() if settings.hash_key else None)
    try:
        for note in assemble_project(home.dbt_project, settings.seeds):
            print(note, file=sys.stderr)
    except ConfigurationError as error:
        print(error)
        return 2
    known = sorted(set(read_namespaces(home.seeds).values()))
    if namespace is not None and namespace not in known:
        print(f"NAMESPACE={one_line(namespace)} is none of sources.csv: {', '.join(known)}")
        return 2
    with hold_lock(home.lock, "erase", lambda message: print(message, file=sys.stderr), now=now):
        found = find_requested(home, requested, namespace, key)
        if not _is_wanted(found, is_confirmed=is_confirmed):
            return 2
        request_erasure(home, [(scope, namespace, clear_id) for scope, clear_id in requested], key)
        PROGRESS.finish("the request")
    with scratch_folder() as nothing:
        # An erasure must not wait for files.
        landing = settings.landing if settings.landing.is_dir() else nothing
        code = run_warehouse(settings.model_copy(update={"landing": landing}))
    if pending_erasure(home) is not None:
        print("The erasure is not finished: mend what is named above, and give the same command again.")
        return code or 1
    return code


def _is_wanted(found: Sequence[Found], *, is_confirmed: bool) -> bool:
    """Show what was found, and ask; False when an id is unknown or the answer is no."""
    unknown = [one for one in found if one.is_unknown]
    for one in [*unknown, *(one for one in found if not one.is_unknown)][:_SHOWN]:
        print(one.as_text())
    if len(found) > _SHOWN:
        events, conversations = (sum(getattr(one, name) for one in found) for name in ("events", "conversations"))
        print(f"... {len(found):,} ids in all: {events:,} events, {conversations:,} conversations")
    if unknown:
        print(f"nothing was erased: {len(unknown):,} of {len(found):,} ids are unknown; check their spelling")
        return False
    if is_confirmed or all(one.is_pending for one in found):
        return True
    if not sys.stdin.isatty():
        print("nothing was erased: give YES=1 (or --yes) to do it without a question")
        return False
    if click.confirm("Erase this for good?"):
        return True
    print("nothing was erased")
    return False
