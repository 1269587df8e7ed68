"""`make relabel`: label again what another definition has labelled, after an estimate of the cost."""

import sys
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from orchestration.building.project import assemble_project
from orchestration.classification.llm.estimating import RunEstimate
from orchestration.classification.messages.labeller import message_labeller
from orchestration.commands.run import obstacle, run_warehouse
from orchestration.configuration.problems import ConfigurationError
from orchestration.ledger.labellers import default_labeller
from orchestration.ledger.labelling import estimate_relabelling
from orchestration.ledger.llm_labelling import estimate_llm_relabelling, llm_step
from orchestration.ledger.message_labelling import count_relabelled_messages
from orchestration.settings import Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock
from orchestration.warehouse.migrations import RawVersionError


def relabel(since: date, settings: Settings, *, is_confirmed: bool, now: datetime) -> int:
    """Estimate, and with a yes append new labels for conversations that began on `since` or later, then run the job.

    `since` is a day of the reporting time zone. Returns what the run returns, 0 when nothing is to be done or the user
    did not say yes, 2 when it cannot start.
    """
    home = Home(settings.home)
    reason = None if home.simulation_marker.exists() else obstacle(settings)
    if reason is None and not home.build_database.exists():
        reason = f"{home.build_database} does not exist: nothing has been labelled yet. make run labels what is there"
    if reason is not None:
        print(reason)
        return 2
    begins_at = datetime.combine(since, time(), ZoneInfo(settings.timezone)).astimezone(UTC)
    try:
        questions: RunEstimate | None = None
        with hold_lock(home.lock, "relabel", lambda message: print(message, file=sys.stderr), now=now):
            labeller = default_labeller(home.model)
            assemble_project(home.dbt_project, settings.seeds)
            databases = (home.raw_database, home.build_database)
            estimate = estimate_relabelling(*databases, labeller, begins_at)
            messages = count_relabelled_messages(*databases, message_labeller(home.taxonomy), begins_at)
            if step := llm_step(settings, home, now):
                questions = estimate_llm_relabelling(*databases, step, begins_at, now)
    except (ConfigurationError, RawVersionError, ValueError) as error:
        print(error)
        return 2
    print(
        f"{estimate.conversations:,} conversations since {since} were labelled by another definition; labelling them "
        f"again by {labeller.model} ({labeller.kind}) costs ${estimate.cost_usd:.2f}"
    )
    if messages:
        print(f"{messages:,} messages of customers were labelled by another definition too; they cost nothing")
    if questions is not None:
        print(_price(questions, settings))
    if (
        estimate.conversations == 0
        and messages == 0
        and (questions is None or questions.calls + questions.cache_hits == 0)
    ):
        return 0
    if not (is_confirmed or _says_yes()):
        print(f"Nothing was changed. To do it: make relabel FROM={since} YES=1")
        return 0
    return run_warehouse(settings, is_simulated=home.simulation_marker.exists(), relabel_from=begins_at)


def _price(questions: RunEstimate, settings: Settings) -> str:
    return (
        f"{questions.calls + questions.cache_hits:,} unsure conversations have no label of {settings.llm_model} by the "
        f"present definition; {questions.cache_hits:,} of them repeat the words of others and cost nothing; "
        f"asking about the rest takes about {questions.tokens_in:,} tokens read and {questions.tokens_out:,} written: "
        f"${questions.cost_usd:.4f}; a run spends ${settings.llm_budget_usd_per_run:.2f} at most"
    )


def _says_yes() -> bool:
    return sys.stdin.isatty() and input("Label them again? [y/N] ").strip().lower() in {"y", "yes"}
