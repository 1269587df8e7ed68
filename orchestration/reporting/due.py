"""Whether a run has anything to do, found out without dbt and Dagster: most hourly runs have not.

Silence is measured against the newest event, never against the clock: that time passes makes no run due.
"""

from pathlib import Path

import duckdb

from orchestration.alerting.outbox import are_alerts_due
from orchestration.building.configuration_hash import configuration_hash
from orchestration.building.project import assemble_project
from orchestration.building.registrations import check_registrations
from orchestration.landing import read_hash_key
from orchestration.landing.landed_files import LandedFile, find_files, open_file
from orchestration.landing.news import new_files
from orchestration.landing.suppression import OtherKeyError
from orchestration.privacy.intent import pending_erasure
from orchestration.publishing import ManifestError, is_whole, read_manifest
from orchestration.settings import Settings
from orchestration.warehouse.build_records import is_built
from orchestration.warehouse.home import Home
from orchestration.warehouse.load_records import pending_files
from orchestration.warehouse.lock import lock_holder
from orchestration.warehouse.migrations import RawVersionError
from orchestration.warehouse.quoting import text_literal

# Both labellings have been through everything that landed or was changed by an operation.
_LABELLED = """
    select
        (select coalesce(max(load_id), 0) from (
            select load_id from raw.loaded_files union all select load_id from raw.operations))
        <= least(
            (select coalesce(max(through_load_id), 0) from ledger.labelling_progress),
            (select coalesce(max(through_load_id), 0) from ledger.message_labelling_progress))
"""


def why_due(settings: Settings, *, asks_llm: bool) -> str | None:
    """Return why a run has something to do, None when the published version is what it would publish again.

    `asks_llm`: the run may ask an LLM, should one be configured; only the run finds out what is due there.
    A database that cannot be read makes a run due, which reports it. Raises ConfigurationError for seeds that cannot be
    used, OSError for files, FileNotFoundError without a landing folder for one.
    """
    try:
        return _why_due(settings, Home(settings.home), asks_llm=asks_llm)
    except (duckdb.Error, OtherKeyError, RawVersionError) as error:
        return str(error)


def _why_due(settings: Settings, home: Home, *, asks_llm: bool) -> str | None:
    if not (home.raw_database.exists() and home.build_database.exists()):
        return "nothing has been built yet"
    if lock_holder(home.lock) is not None:
        return "another run is under way"
    if pending_erasure(home) is not None:
        return "an erasure is under way"
    if asks_llm and settings.llm_base_url is not None:
        return "an LLM may be asked"
    assemble_project(home.dbt_project, settings.seeds)
    check_registrations(home)
    return (
        _why_published_is_old(settings, home) or _why_raw_is_due(settings, home) or _why_alerts_are_due(settings, home)
    )


def nothing_due(published: Path) -> str:
    """Return the line that a run without anything to do prints instead of running; raises ManifestError."""
    manifest = read_manifest(published)
    if manifest is None:
        raise ManifestError(f"{published} holds no published version")
    until = "no event" if manifest.data_until is None else f"events until {manifest.data_until:%Y-%m-%d %H:%M} UTC"
    return f"Nothing has changed since version {manifest.version} was published ({until}); it stands."


def _why_published_is_old(settings: Settings, home: Home) -> str | None:
    try:
        manifest = read_manifest(home.published)
    except ManifestError:
        return "the published manifest is damaged"
    if manifest is None or not is_whole(home.published, manifest):
        return "no whole version is published"
    if len(manifest.versions) > settings.published_versions:
        return "fewer versions are to be kept"
    current_hash = configuration_hash(settings, home.dbt_project)
    if manifest.built_from.get("configuration_hash") != current_hash:
        return "the configuration has changed"
    through_load_id = int(manifest.built_from["through_load_id"])
    if not is_built(home, current_hash, through_load_id):
        return "what has landed is not published yet"
    return None


def _why_raw_is_due(settings: Settings, home: Home) -> str | None:
    entries = [entry for entry in find_files(settings.landing) if isinstance(entry, LandedFile)]
    configured = settings.hash_key
    hash_key = read_hash_key(home.private, configured.get_secret_value() if configured else None)
    with duckdb.connect() as connection:
        connection.execute(f"attach {text_literal(home.raw_database)} as store (read_only)")
        connection.execute("use store")
        if pending_files(connection):
            return "files wait for their end"
        found = [file for file in new_files(connection, entries, seeds=home.seeds, hash_key=hash_key) if _opens(file)]
        if found:
            return f"{len(found):,} files are new"
        rows = connection.execute(_LABELLED).fetchall()
    return None if rows == [(True,)] else "labels are due"


def _opens(file: LandedFile) -> bool:
    """Whether a file can be opened: one that cannot would be reported as unread again, and nothing more."""
    try:
        with open_file(file):
            return True
    except OSError:
        return False


def _why_alerts_are_due(settings: Settings, home: Home) -> str | None:
    if settings.alert_webhook_url is None and settings.alert_email_to is None:
        return None
    return "alerts are to be sent" if are_alerts_due(home.raw_database, home.build_database) else None
