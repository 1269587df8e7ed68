"""When the job runs by itself."""

import dagster as dg

from orchestration.configuration.problems import ConfigurationError
from orchestration.defs import jobs
from orchestration.defs.policy import NIGHTLY, TRIGGER_TAG
from orchestration.reporting.due import nothing_due, why_due
from orchestration.settings import Settings
from orchestration.warehouse.home import Home

NIGHTLY_CRON = "0 2 * * *"
# Not at two, where the nightly run does all that this one would.
HOURLY_CRON = "0 0-1,3-23 * * *"


@dg.definitions
def schedules() -> dg.Definitions:
    """Return the schedules: both in the reporting time zone, so that a finished day is stated soon after it ends."""
    timezone = Settings().timezone
    return dg.Definitions(
        schedules=[
            dg.ScheduleDefinition(
                name="nightly_refresh",
                job=jobs.refresh_warehouse,
                cron_schedule=NIGHTLY_CRON,
                execution_timezone=timezone,
                description="Everything, once a day, and what is to be forgotten by its age.",
                tags={TRIGGER_TAG: NIGHTLY},
                default_status=dg.DefaultScheduleStatus.RUNNING,
            ),
            dg.ScheduleDefinition(
                name="hourly_refresh",
                job=jobs.refresh_warehouse,
                cron_schedule=HOURLY_CRON,
                execution_timezone=timezone,
                description="What has landed since; nothing when nothing has.",
                execution_fn=request_when_due,
                default_status=dg.DefaultScheduleStatus.RUNNING,
            ),
        ]
    )


def request_when_due(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run when it has something to do; which run asks no LLM."""
    settings = Settings()
    try:
        if settings.landing.is_dir() and why_due(settings, asks_llm=False) is None:
            return dg.SkipReason(nothing_due(Home(settings.home).published))
    except (ConfigurationError, OSError) as error:
        # The run fails with the same message, where people look for it.
        context.log.warning(str(error))
    return dg.RunRequest(tags={TRIGGER_TAG: "hourly"})
