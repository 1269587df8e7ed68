"""What holds for every asset alike, said once: groups, owners, the pool of the one writer, and what is tried again."""

import dagster as dg

# Nothing but this project writes the warehouse: one run at a time has the pool, the next one waits in the queue.
WAREHOUSE_POOL = "warehouse"
OWNERS = ["team:conversation-analytics"]
_GROUPS = {
    "raw": "landing",
    "seeds": "configuration",
    "staging": "staging",
    "intermediate": "intermediate",
    "marts": "marts",
    "published": "publishing",
}

# Landing and publishing read and write disks that others share. Trying again is safe: landing commits a file with its
# manifest row in one transaction and skips what it knows, publishing repairs whatever an interrupted one left; and the
# run keeps its lock meanwhile, so nobody else comes between. Models and checks are not tried again: the same rows would
# fail the same way, at the price of a second build.
RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)


def with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the asset with its group, taken from the first part of its key, and its owners."""
    return spec.replace_attributes(group_name=_GROUPS[spec.key.path[0]], owners=OWNERS)
