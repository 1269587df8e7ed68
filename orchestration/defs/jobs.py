"""One job: landing, models, publish. `make run`, the schedules and the sensor all execute it."""

import dagster as dg

# In process: the lock, the imports and the DuckDB files are held once for the run, not once a step.
refresh_warehouse = dg.define_asset_job(
    "refresh_warehouse",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    config={"loggers": {"console": {}}},
)
