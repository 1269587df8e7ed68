"""One job: landing, models, publish. `make run`, the schedules and the sensor all execute it."""

import dagster as dg

from orchestration.defs.open_conversation_check import CHECK_KEY

# In process: the lock, the imports and the DuckDB files are held once for the run, not once a step.
refresh_warehouse = dg.define_asset_job(
    "refresh_warehouse",
    # What reads the published version has a job of its own: here it would come after the publish.
    selection=dg.AssetSelection.all() - dg.AssetSelection.checks(CHECK_KEY),
    executor_def=dg.in_process_executor,
    config={"loggers": {"console": {}}},
)
