"""`make demo`: 60 simulated days with known truth, through the same job as everything else."""

import json
import shutil
import sys
from datetime import date
from pathlib import Path

from orchestration.commands.run import run_warehouse
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.simulation.demo_seeds import write_demo_seeds
from orchestration.simulation.simulator import simulate
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import PROGRESS

# Fixed, so that every reader gets the numbers of the README; the days hold a change of the clock.
DEMO_END = date(2026, 5, 1)
DEMO_DAYS = 60
DEMO_CONVERSATIONS = 20_000
DEMO_SEED = 7


def settings_of_demo(settings: Settings, home: Home) -> Settings:
    """Return the settings of a simulated warehouse: its files and seeds lie in its home."""
    return settings.model_copy(
        update={"home": home.root, "landing": home.root / "landing", "seeds": home.root / "demo-seeds"}
    )


def simulate_warehouse(home: Home, *, conversations: int, days: int) -> None:
    """Make the landing folder, the seeds and the truth of a simulated warehouse, unless they are there already."""
    wanted = {"seed": DEMO_SEED, "days": days, "conversations": conversations}
    marker = home.simulation_marker
    if marker.exists() and wanted.items() <= json.loads(marker.read_text()).items():
        return
    # Renamed into place when complete: an interrupted simulation must not pass for a whole one.
    unfinished = home.root.with_name(f"{home.root.name}-unfinished")
    for folder in (home.root, unfinished):
        if folder.exists():
            shutil.rmtree(folder)
    PROGRESS.begin("simulating conversations")
    print(f"Simulating {conversations:,} conversations of {days} days", file=sys.stderr)
    simulate(
        unfinished / "landing",
        unfinished / "truth",
        seed=DEMO_SEED,
        days=days,
        conversations=conversations,
        end=DEMO_END,
        on_progress=lambda message: print(f"  {message}", file=sys.stderr),
    )
    write_demo_seeds(PROJECT_DIR / "seeds", unfinished / "demo-seeds", days=days, end=DEMO_END)
    unfinished.rename(home.root)


def run_demo(settings: Settings, *, conversations: int = DEMO_CONVERSATIONS, days: int = DEMO_DAYS) -> int:
    """Simulate conversations in a home of their own, run the job over them and print what came out."""
    home = Home(settings.home / "demo")
    simulate_warehouse(home, conversations=conversations, days=days)
    code = run_warehouse(settings_of_demo(settings, home), is_simulated=True)
    if code == 0:
        print("\nEverything above is simulated; the truth it was made from lies in", home.root / "truth")
        solved = _true_resolution_rate(home.root / "truth")
        print(f"In truth {solved:.1%} were solved: resolution_rate lacks the solutions that labels are unsure of.")
        print("Your own events: make run LANDING=dir")
    return code


def _true_resolution_rate(truth: Path) -> float:
    days = json.loads((truth / "metrics.json").read_text())["days"].values()
    return float(sum(day["solved"] for day in days) / sum(day["engaged_and_closed"] for day in days))
