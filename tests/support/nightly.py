"""The run of 02:00, killed at a chosen moment of removing what has expired."""

import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from orchestration.commands.instance import open_instance
from orchestration.definitions import definitions
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import PROGRESS
from tests.support.interrupted import MOMENTS, MOMENTS_FILE, watch_duckdb

EXPIRING = "removing what has expired"


def run_nightly(environment: Mapping[str, str], kill_at: int | None = None) -> int:
    """Run the job as the schedule of 02:00 does; a forked process calls this, `kill_at` ends it by kill -9.

    That is the moment of removing what has expired. Without, the number of these moments goes to a file in the home.
    """
    os.environ.update(environment)
    settings = Settings()
    settings.export()
    home = Home(settings.home)
    seen: Counter[str] = Counter()

    def pass_one() -> None:
        seen[PROGRESS.activity] += 1
        if PROGRESS.activity == EXPIRING and seen[EXPIRING] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    watch_duckdb(pass_one)
    sys.addaudithook(lambda event, _: pass_one() if event in MOMENTS else None)
    with open_instance(home, now=datetime.now(UTC)) as instance:
        job = definitions().resolve_job_def("refresh_warehouse")
        result = job.execute_in_process(instance=instance, raise_on_error=False, tags={TRIGGER_TAG: NIGHTLY})
    (home.root / MOMENTS_FILE).write_text(f"{seen[EXPIRING]} {EXPIRING}\n")
    return 0 if result.success else 1
