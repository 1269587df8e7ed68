"""The simulator behind `make demo`: plan the conversations, write the truth, then render the events."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.simulation.conversations import plan_world
from orchestration.simulation.event_writing import write_file
from orchestration.simulation.mess import plan_files
from orchestration.simulation.plan import LANDING_SOURCES
from orchestration.simulation.truth import write_truth

MARKER_NAME = "simulated.json"


@dataclass(frozen=True)
class SimulationSummary:
    """What was simulated. `conversations` are the counted ones; widgets only shown and development come on top."""

    seed: int
    days: int
    conversations: int
    outcomes: dict[str, int]
    files: int
    lines: int
    accepted: int
    rejected: int
    duplicates: int


def simulate(
    landing: Path,
    truth: Path,
    *,
    seed: int = 7,
    days: int = 60,
    conversations: int = 20_000,
    end: date,
    on_progress: Callable[[str], None] = lambda message: None,
) -> SimulationSummary:
    """Fill `landing` with the events and `truth` with the truth of the `days` UTC days before `end`.

    `end` must not lie after the day of the load, because a loader refuses events from the future.
    The same arguments give the same bytes. The truth is complete before the first event is written. A marker file
    next to `landing` marks its content as simulated. Raises FileExistsError when `landing` already holds events.
    """
    if days < 1 or conversations < 50:
        raise ValueError(f"{days} days and {conversations} conversations: needs at least 1 day and 50 conversations")
    _require_empty(landing)
    plan = plan_world(seed, days, conversations, end, on_progress)
    files = plan_files(plan)
    facts = write_truth(plan, files, truth)
    on_progress(f"wrote the truth about {len(facts):,} conversations to {truth}")
    landing.mkdir(parents=True, exist_ok=True)
    # Before the first event, so that not even a half-written landing folder can be taken for real data.
    marker = {"simulated": True, "seed": seed, "days": days, "conversations": conversations, "end": end.isoformat()}
    (landing.parent / MARKER_NAME).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
    for number, file in enumerate(files, start=1):
        write_file(file, landing)
        if number % 100 == 0 or number == len(files):
            on_progress(f"wrote {number} of {len(files)} files")
    return SimulationSummary(
        seed=seed,
        days=days,
        conversations=len(facts),
        outcomes=dict(sorted(Counter(fact.outcome for fact in facts).items())),
        files=len(files),
        lines=sum(len(file.lines) for file in files),
        accepted=sum(file.accepted for file in files),
        rejected=sum(sum(file.rejected.values()) for file in files),
        duplicates=sum(file.duplicates for file in files),
    )


def _require_empty(landing: Path) -> None:
    for source in LANDING_SOURCES:
        folder = landing / source
        if folder.is_dir() and any(folder.iterdir()):
            raise FileExistsError(
                f"{folder} already holds files; simulated events never mix with others: "
                "name an empty landing folder, or delete this one"
            )
