"""Money is set aside before a call and charged after it, so that calls under way together never pass the cap."""

import asyncio
from enum import StrEnum

# Sums of many small prices; a cap of 0 admits what costs 0.
_TOLERANCE_USD = 1e-12


class Cap(StrEnum):
    """The cap that forbids a call."""

    RUN = "budget_run"
    DAY = "budget_day"


class Budget:
    """Caps of one run and of the day, both in USD; `spent_today_usd` is what earlier runs of the day have spent."""

    def __init__(self, run_usd: float, day_usd: float, spent_today_usd: float = 0.0) -> None:
        self._run_usd = run_usd
        self._day_usd = day_usd
        self._spent_today_usd = spent_today_usd
        self._reserved_usd = 0.0
        self._charged = asyncio.Event()
        self.spent_usd = 0.0

    async def reserve(self, most_usd: float) -> Cap | None:
        """Set the most a call can cost aside, and return None, or the cap that forbids it.

        Where only calls under way stand in the way, it waits for them: most cost less than was set aside.
        """
        while self._forbids(self._reserved_usd + most_usd):
            if cap := self._forbids(most_usd):
                return cap
            self._charged.clear()
            await self._charged.wait()
        self._reserved_usd += most_usd
        return None

    def charge(self, reserved_usd: float, cost_usd: float) -> None:
        """Give back what was set aside and book what the call has cost."""
        self._reserved_usd = max(0.0, self._reserved_usd - reserved_usd)
        self.spent_usd += cost_usd
        self._charged.set()

    def _forbids(self, more_usd: float) -> Cap | None:
        if self.spent_usd + more_usd > self._run_usd + _TOLERANCE_USD:
            return Cap.RUN
        if self._spent_today_usd + self.spent_usd + more_usd > self._day_usd + _TOLERANCE_USD:
            return Cap.DAY
        return None
