"""The stages of a support conversation, in their order, and the furthest of those reached."""

from collections.abc import Collection, Mapping

INITIATED = "initiated"
STAGES = ("greeted", "problem_identified", "solution_proposed", "solution_accepted", "resolved")
# What the agent's side claims: kept next to the stages, never one of them.
CLAIMED_RESOLVED = "claimed_resolved"
UNKNOWN = "unknown"


def furthest_stage(reached: Mapping[str, bool | None], masked: Collection[str] = ()) -> str:
    """Return the furthest stage reached, `initiated` when none is, `unknown` when a later one is neither yes nor no.

    `masked` stages count on neither side: they are left out as if they did not exist.
    """
    for stage in reversed(STAGES):
        if stage in masked:
            continue
        if reached[stage] is None:
            return UNKNOWN
        if reached[stage]:
            return stage
    return INITIATED
