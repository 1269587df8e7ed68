"""What Dagster loads: every definition under defs/, with the policy mapped once over all assets."""

from pathlib import Path

import dagster as dg

from orchestration.defs.policy import with_policy


@dg.definitions
def definitions() -> dg.Definitions:
    """Return all assets, checks, jobs, schedules, sensors and resources."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent).map_asset_specs(func=with_policy)
