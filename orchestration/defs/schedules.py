"""When the job runs by itself."""

import dagster as dg

from orchestration.defs import jobs
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG
from orchestration.settings import Settings

NIGHTLY_CRON = "0 2 * * *"
# Not at two, where the nightly run does all that this one would.
HOURLY_CRON = "0 0-1,3-23 * * *"


@dg.definitions
def schedules() -> dg.Definitions:
    """Return the schedules: both in the reporting time zone, so that a finished day is stated soon after it ends."""
    timezone = Settings().timezone
    return dg.Definitions(
        schedules=[
            _schedule(
                NIGHTLY, NIGHTLY_CRON, timezone, "Everything, once a day, and what is to be forgotten by its age."
            ),
            _schedule("hourly", HOURLY_CRON, timezone, "What has landed since; files that have settled meanwhile too."),
        ]
    )


def _schedule(name: str, cron: str, timezone: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{name}_refresh",
        job=jobs.refresh_warehouse,
        cron_schedule=cron,
        execution_timezone=timezone,
        description=description,
        tags={TRIGGER_TAG: name},
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
