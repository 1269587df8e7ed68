"""`make doctor`: checks this machine and the configuration. Each line gives the remedy when something is not fit."""

import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from orchestration.building.project import assemble_project
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.configuration.alert_rules import AlertRule
from orchestration.configuration.metrics import MetricDefinition
from orchestration.configuration.model_prices import PriceError, price_of
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.reading import read_rows
from orchestration.privacy.pending import FINISH_ERASURE, describe_pending
from orchestration.redaction.printable import printable
from orchestration.reporting.remedies import file_size_limit
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import lock_holder
from orchestration.warehouse.scratch import scratch_folder

_NEEDED_FREE_BYTES = 2 * 1024**3
Finding = tuple[bool, str, str]


def print_findings(settings: Settings) -> int:
    """Print one line a finding; 0 when everything is fit, 1 when something needs a hand."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _folders,
        _privacy,
        _erasure,
        _space,
        _configuration,
        _lock,
    )
    is_fit = True
    for check in checks:
        for is_good, what, remedy in check(settings):
            is_fit &= is_good
            print(f"{'ok  ' if is_good else 'FIX '}{what}" + ("" if is_good else f"\n      {remedy}"))
    print("fit" if is_fit else "not fit: see the lines marked FIX")
    return 0 if is_fit else 1


def _python(_settings: Settings) -> Iterator[Finding]:
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield fits, f"Python {platform.python_version()}", "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 setup"


def _packages(_settings: Settings) -> Iterator[Finding]:
    different = []
    for line in (PROJECT_DIR / "requirements.lock").read_text().splitlines():
        name, _, rest = line.partition("==")
        wanted, _, marker = rest.partition(";")
        if name in {"dbt-core", "dbt-duckdb", "duckdb", "dagster", "great-expectations"} and not marker:
            installed = _installed(name)
            if installed != wanted.strip():
                different.append(f"{name} {installed or 'missing'}, locked {wanted.strip()}")
    yield not different, "packages as locked" + "".join(f"; {line}" for line in different), "make setup"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _folders(settings: Settings) -> Iterator[Finding]:
    nearest = _nearest_existing(settings.home)
    is_writable = os.access(nearest, os.W_OK)
    yield is_writable, f"COLLOQUY_HOME {settings.home}", f"{nearest} cannot be written; choose another folder"
    if is_writable:
        yield _links(nearest)
    landing = settings.landing
    is_missing = not landing.exists()
    # Only a run needs it, and reports it itself.
    hint = " is not there yet: made by you or by the first writer" if is_missing else ""
    yield is_missing or landing.is_dir(), f"COLLOQUY_LANDING {landing}{hint}", "it is no folder; name another one"


def _privacy(settings: Settings) -> Iterator[Finding]:
    """Look for files that other accounts may read; a root closed to other accounts is enough."""
    home = Home(settings.home)
    own = (home.raw_database, home.build_database, home.private, home.dagster, home.root / "dbt")
    others = stat.S_IRWXG | stat.S_IRWXO
    is_closed = not home.root.exists() or not home.root.stat().st_mode & others
    is_open = {path: path.exists() and bool(path.stat().st_mode & others) for path in own}
    bare = [str(path) for path, open_to_others in is_open.items() if open_to_others and not is_closed]
    yield (
        not bare,
        f"other accounts read {'more than' if bare else 'at most'} what is published",
        f"chmod -R go= {' '.join(bare)}",
    )


def _erasure(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.home)
    unfinished = describe_pending(home)
    if unfinished is not None:
        yield lock_holder(home.lock) is not None, printable(unfinished), FINISH_ERASURE


def _links(folder: Path) -> Finding:
    with scratch_folder(folder) as scratch:
        first = scratch / "file"
        first.touch()
        try:
            os.link(first, scratch / "link")
            (scratch / "current").symlink_to(first)
        except OSError as error:
            return False, f"links in {folder}: {error}", "publishing needs a file system with hard and symbolic links"
    return True, f"links in {folder}", ""


def _space(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(_nearest_existing(settings.home)).free
    yield (
        free >= _NEEDED_FREE_BYTES,
        f"{free / 1024**3:.1f} GiB free on the disk of COLLOQUY_HOME",
        "a publish writes the marts a second time: make room, or move COLLOQUY_HOME",
    )
    limit = file_size_limit()
    yield (
        limit is None,
        f"files may grow {'without a limit' if limit is None else f'to {limit} at most (ulimit -f)'}",
        "one database file holds all events: lift the limit in this shell, for its user or for the service",
    )


def _configuration(settings: Settings) -> Iterator[Finding]:
    with scratch_folder() as scratch:
        try:
            notes = assemble_project(scratch, settings.seeds)
        except ConfigurationError as error:
            yield False, printable(str(error)), "correct the rows named"
            return
        yield _llm(settings, scratch / "seeds")
        yield from _alerts(settings, scratch / "seeds")
    yield from ((True, note, "") for note in notes)
    where = f"seeds of {settings.seeds} in place of the shipped ones" if settings.seeds else "shipped seeds"
    yield True, f"configuration: {where}, time zone {settings.timezone}", ""


def _llm(settings: Settings, seeds: Path) -> Finding:
    configuration = LlmConfiguration.of(settings)
    if configuration is None:
        return (
            True,
            "LLM: no endpoint is configured (COLLOQUY_LLM_BASE_URL); unsure conversations wait for a person",
            "",
        )
    named = f"LLM: {configuration.model} at {configuration.base_url}"
    try:
        price = price_of(seeds, configuration.model, datetime.now(UTC).date())
    except PriceError as error:
        return False, named, printable(str(error))
    return (
        True,
        printable(
            f"{named}, {'with a' if configuration.api_key else 'without'} key; ${price.input_usd_per_mtok:g} and "
            f"${price.output_usd_per_mtok:g} per million tokens read and written; at most "
            f"{settings.llm_share:.0%} of the conversations, ${configuration.budget_usd_per_run:g} a run, "
            f"${configuration.budget_usd_per_day:g} a day"
            f"{f'; in batches, at {price.batch_ratio:g} of the price' if configuration.is_batch else ''}"
        ),
        "",
    )


def _alerts(settings: Settings, seeds: Path) -> Iterator[Finding]:
    """Show where alerts go, and for each rule how long after its window it can fire: when its metric has matured."""
    where = ["the log"]
    where += ["a webhook"] if settings.alert_webhook_url else []
    where += [f"mail to {settings.alert_email_to}"] if settings.alert_email_to else []
    yield True, printable(f"alerts go to {' and '.join(where)}"), ""
    metrics = read_rows(seeds / MetricDefinition.file, MetricDefinition)
    maturity_hours = {metric.metric_name: metric.maturity_hours for metric in metrics}
    for rule in read_rows(seeds / AlertRule.file, AlertRule):
        yield (
            True,
            printable(
                f"alert {rule.rule}: {rule.metric_name} ({rule.segment}) {rule.condition} "
                f"{rule.threshold:g} in {rule.window_hours} h, known {maturity_hours[rule.definition_name]:g} h after "
                "they have passed"
            ),
            "",
        )


def _lock(settings: Settings) -> Iterator[Finding]:
    holder = lock_holder(Home(settings.home).lock)
    yield True, f"writer: {holder.describe() if holder else 'none at the moment'}", ""


def _nearest_existing(path: Path) -> Path:
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())
