"""`make label-sample` and `make label-quality`: how far the stage labels can be trusted, by the answers of people."""

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.building.project import assemble_project
from orchestration.commands.demo import settings_of_demo
from orchestration.commands.run import obstacle, run_warehouse
from orchestration.configuration.label_stages import CLAIMED_RESOLVED, STAGES
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.sources import read_namespaces
from orchestration.ledger.drawing import draw_sample
from orchestration.ledger.human_labels import SampleError, land_sample, read_sample
from orchestration.redaction.printable import printable
from orchestration.reporting.remedies import with_remedy
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock
from orchestration.warehouse.migrations import RawVersionError
from orchestration.warehouse.progress import PROGRESS, SAME_COMMAND

_QUALITY = """
    select stage, classifier, sample_size, kappa, sensitivity, specificity, raw_rate, raw_rate_ci_low, raw_rate_ci_high,
        corrected_rate, corrected_rate_ci_low, corrected_rate_ci_high
    from marts.label_quality
    order by list_position($stages, stage), classifier
"""


def judge_labels(path: Path, settings: Settings, *, now: datetime) -> int:
    """Land the answers of a CSV, run the job and print label_quality. Bad lines are named and stop no good one.

    Returns what the run returns, 2 when it cannot start or no line is usable; nothing has changed then.
    """
    home = Home(settings.home)
    is_simulated = home.simulation_marker.exists()
    settings = settings_of_demo(settings, home) if is_simulated else settings
    reason = _obstacle(home, settings)
    if reason is not None:
        print(reason)
        return 2
    PROGRESS.leave(lambda: f"All answers have landed or none; {SAME_COMMAND}.")
    try:
        sample = read_sample(path)
        with hold_lock(home.lock, "label-quality", lambda message: print(message, file=sys.stderr), now=now):
            assemble_project(home.dbt_project, settings.seeds)
            landed = land_sample(home.raw_database, sample.judgements, read_namespaces(home.seeds), now=now)
    except (ConfigurationError, RawVersionError, SampleError, ValueError) as error:
        print(printable(str(error)))
        return 2
    for line, cause in sorted((*sample.problems, *landed.problems)):
        print(f"{path}:{line}: {cause}")
    if landed.landed + landed.known == 0:
        print(f"{path}: no usable line, without an answer: {sample.unanswered:,}; nothing was changed")
        return 2
    PROGRESS.finish("the landing of the answers")
    bad = len(sample.problems) + len(landed.problems)
    print(
        f"answers landed: {landed.landed:,}, known already: {landed.known:,}; lines without an answer: "
        f"{sample.unanswered:,}, bad: {bad:,}"
    )
    code = run_warehouse(settings, is_simulated=is_simulated)
    if code == 0:
        print(f"\n{quality_table(home.published)}")
    return code


def write_sample(path: Path, settings: Settings, *, conversations: int, seed: int, now: datetime) -> int:
    """Draw conversations at random into a CSV to be filled in; 2 when the file exists or nothing can be drawn."""
    home = Home(settings.home)
    reason = _obstacle(home, settings)
    if reason is not None:
        print(reason)
        return 2
    try:
        with hold_lock(home.lock, "label-sample", lambda message: print(message, file=sys.stderr), now=now):
            drawn = draw_sample(home.raw_database, home.build_database, path, conversations=conversations, seed=seed)
    except FileExistsError:
        print(f"{path} exists and may hold answers; name another file")
        return 2
    except (OSError, duckdb.Error) as error:
        print(printable(with_remedy(f"{path}: cannot be drawn: {error}", home, home.raw_database)))
        return 2
    if drawn == 0:
        print(f"{home.root} holds nothing to judge: no closed support conversation with a label and its texts")
        return 2
    print(
        f"{drawn:,} conversations, {len(STAGES)} stages each, in {path}: write true or false into the column reached, "
        "nothing where you cannot tell, then make label-quality SAMPLE=...\n"
        f"Their texts, in {home.published / 'colloquy.duckdb'}:\n"
        "  select sequence_number, sender_role, content from marts.fct_messages\n"
        "  where conversation_key = '...' order by sequence_number;"
    )
    return 0


def quality_table(published: Path) -> str:
    """Return the published label_quality as a table for a terminal; raises duckdb.Error when there is none."""
    with duckdb.connect(str(published / "colloquy.duckdb"), read_only=True) as connection:
        rows = connection.execute(_QUALITY, {"stages": [*STAGES, CLAIMED_RESOLVED]}).fetchall()
    kinds = {row[1] for row in rows} - {"all"}
    # With one kind alone, the row for all of them would repeat it.
    rows = [row for row in rows if len(kinds) > 1 or row[1] != "all"]
    titles = f"{'judged':>7} {'kappa':>6} {'sens.':>6} {'spec.':>6}   {'raw rate':<22}{'corrected rate':<22}"
    return "\n".join([f"{'Stage labels':<28}{titles}".rstrip(), *map(_line, rows)])


def _line(row: tuple[object, ...]) -> str:
    stage, classifier, judged, *numbers = row
    kappa, sensitivity, specificity, *rates = numbers
    shown = " ".join(f"{_number(one):>6}" for one in (kappa, sensitivity, specificity))
    return f"  {stage:<19}{classifier:<7}{judged:>7,} {shown}   {_rate(rates[:3]):<22}{_rate(rates[3:])}".rstrip()


def _rate(numbers: Iterable[object]) -> str:
    value, low, high = (_number(one) for one in numbers)
    return value if value == "-" else f"{value} [{low}, {high}]"


def _number(value: object) -> str:
    return "-" if value is None else f"{value:.3f}"


def _obstacle(home: Home, settings: Settings) -> str | None:
    if not home.simulation_marker.exists() and (reason := obstacle(settings)) is not None:
        return reason
    if not home.build_database.exists() or not home.raw_database.exists():
        return f"{home.build_database} does not exist: nothing has been labelled yet. make run labels what is there"
    return None
