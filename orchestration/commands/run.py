"""`make run`: the same job as the schedules, in this process, with its progress on screen."""

import sys

import dagster as dg

from orchestration.commands.instance import open_instance
from orchestration.home import Home
from orchestration.publishing import read_manifest
from orchestration.settings import Settings


def run_warehouse(settings: Settings) -> int:
    """Load, build and publish; return 0 when a version is published or nothing had changed."""
    if not settings.landing.is_dir():
        print(f"{settings.landing} is not a folder; name one that holds <source>/ folders: make run LANDING=...")
        return 2
    settings.export()
    # Definitions read the settings when they are imported, so this import has to follow.
    from orchestration.definitions import definitions  # noqa: PLC0415

    home = Home(settings.home)
    home.create()
    with open_instance(home) as instance:
        result = (
            definitions()
            .resolve_job_def("refresh_warehouse")
            .execute_in_process(instance=instance, raise_on_error=False)
        )
    if not result.success:
        print(_failures(result), file=sys.stderr)
        return 1
    manifest = read_manifest(home.published)
    if manifest is not None:
        print(f"published version {manifest.version}: {home.published / 'colloquy.duckdb'}")
        for name, record in manifest.tables.items():
            print(f"  marts.{name:<28} {record.rows:>12,} rows")
    return 0


def _failures(result: dg.ExecuteInProcessResult) -> str:
    lines = ["The run failed; readers keep the last good version."]
    for event in result.all_events:
        if event.is_step_failure:
            lines.append(f"  {event.step_key}: {event.step_failure_data.error_display_string.strip().splitlines()[0]}")
    return "\n".join(lines)
