"""`make erase`: forget a user or a conversation everywhere, by the normal job, and prove it."""

import sys
import tempfile
from datetime import datetime
from pathlib import Path

from orchestration.building.project import assemble_project
from orchestration.commands.run import run_warehouse
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.sources import read_namespaces
from orchestration.landing import read_hash_key
from orchestration.landing.suppression import Scope
from orchestration.privacy.erasure import pending_erasure, request_erasure
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock


def erase(scope: Scope, clear_id: str, namespace: str | None, settings: Settings, *, now: datetime) -> int:
    """Erase an id of a namespace, None for all, and run the job that builds, publishes and proves it.

    Returns what the run returns, 2 when the erasure cannot start; one that was killed goes on where it stood.
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
        print(f"NAMESPACE={namespace} is none of sources.csv: {', '.join(known)}")
        return 2
    with hold_lock(home.lock, "erase", lambda message: print(message, file=sys.stderr), now=now):
        request_erasure(home, [(scope, namespace, clear_id)], key)
    with tempfile.TemporaryDirectory() as nothing:
        # An erasure must not wait for files.
        landing = settings.landing if settings.landing.is_dir() else Path(nothing)
        code = run_warehouse(settings.model_copy(update={"landing": landing}))
    if pending_erasure(home) is not None:
        print("The erasure is not finished: mend what is named above, and give the same command again.")
        return code or 1
    return code
