"""How much each letter works on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of events, days, runs; `rounds` is how often what is compared by its median is done."""

    name: str
    rounds: int
    # Days of a history: metrics have a row for each, whatever the number of events.
    days: int
    landed_events: int
    refreshed_events: int
    histories: tuple[int, ...]
    # The whole job is run on histories up to this size.
    largest_job: int
    day_events: int
    increments: int
    compared_increments: int
    increment_history: int
    job_events: int
    job_history: int
    job_rounds: int
    labelled_conversations: int
    limited_events: int
    memory_limit: str


FULL = Sizes(
    name="full",
    rounds=3,
    days=365,
    landed_events=1_000_000,
    refreshed_events=10_000_000,
    histories=(1_000_000, 10_000_000, 100_000_000),
    largest_job=10_000_000,
    day_events=28_000,
    increments=60,
    compared_increments=10,
    increment_history=500_000,
    job_events=1_000,
    job_history=30_000,
    job_rounds=3,
    labelled_conversations=5_000,
    limited_events=100_000_000,
    memory_limit="3GB",
)
QUICK = Sizes(
    name="quick",
    rounds=3,
    # As many conversations a day as come with one day of new events: three letters share one history.
    days=10,
    landed_events=60_000,
    refreshed_events=100_000,
    histories=(10_000, 100_000),
    largest_job=0,
    day_events=1_000,
    increments=3,
    compared_increments=1,
    increment_history=10_000,
    job_events=1_000,
    job_history=10_000,
    job_rounds=1,
    labelled_conversations=1_500,
    limited_events=100_000,
    memory_limit="500MB",
)
