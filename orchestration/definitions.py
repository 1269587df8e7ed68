"""What Dagster loads: every definition under defs/, with the policy mapped once over all assets."""

import warnings
from pathlib import Path

import dagster as dg

from orchestration.defs.policy import with_policy


@dg.definitions
def definitions() -> dg.Definitions:
    """Return all assets, checks, jobs, schedules, sensors and resources."""
    with warnings.catch_warnings():
        # Dagster still calls map_asset_specs a preview; its version here is locked.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.load_from_defs_folder(path_within_project=Path(__file__).parent).map_asset_specs(func=with_policy)
