"""What every step of a run shares: the settings and the lock of the one writer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.run_history import prune_runs
from orchestration.landing import read_hash_key
from orchestration.privacy.intent import pending_erasure
from orchestration.privacy.withheld_version import withhold_published
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock
from orchestration.warehouse.recovery import recover_files


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """The warehouse, locked for this run from landing to publish."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Warehouse"]:
        """Hold the lock while the run lasts; a second run waits and names the holder."""
        home = self.home
        home.create()
        logger = context.log or dg.get_dagster_logger()
        with hold_lock(home.lock, "run", logger.info, now=self.now()):
            recover_files(home, logger.info)
            self._withhold(logger.warning)
            # Here and not in a command: runs of schedules and of the sensor pass no other place once each.
            if context.instance is not None:
                prune_runs(context.instance)
            yield self
            # The run may have failed, and readers would keep the version that holds the person.
            self._withhold(logger.warning)

    def _withhold(self, on_progress: Callable[[str], None]) -> None:
        if pending_erasure(self.home) is not None:
            withhold_published(self.home, self.hash_key(), now=self.now(), on_progress=on_progress)

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return Settings()

    @property
    def home(self) -> Home:
        """The folders of the warehouse."""
        return Home(self.settings.home)

    def hash_key(self) -> bytes:
        """Return the key of addresses and ids, made once when none is configured."""
        configured = self.settings.hash_key
        return read_hash_key(self.home.private, configured.get_secret_value() if configured else None)

    def now(self) -> datetime:
        """Read the clock, here and nowhere else in a run."""
        return datetime.now(UTC)


@dg.definitions
def resources() -> dg.Definitions:
    """Return the resources of all jobs."""
    return dg.Definitions(resources={"warehouse": Warehouse()})
