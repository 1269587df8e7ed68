"""`make run`: the same job as the schedules, in this process, with its progress on screen."""

import dagster as dg

from orchestration.building.configuration import ConfigurationError
from orchestration.building.manifest import ManifestError
from orchestration.commands.instance import open_instance
from orchestration.home import Home
from orchestration.publishing import read_manifest
from orchestration.reporting import summarise
from orchestration.settings import Settings


def run_warehouse(settings: Settings, *, is_simulated: bool = False) -> int:
    """Load, build and publish, then print what came out.

    Returns 0 when the marts are published or nothing had changed, 1 when a step failed, 2 when it cannot start.
    """
    home = Home(settings.home)
    if not settings.landing.is_dir():
        print(f"{settings.landing} is not a folder; name one that holds <source>/ folders: make run LANDING=dir")
        return 2
    if home.simulation_marker.exists() and not is_simulated:
        print(f"{home.root} holds simulated conversations; give your own events another COLLOQUY_HOME")
        return 2
    settings.export()
    try:
        # Definitions read the settings when they are imported, so this import has to follow.
        from orchestration.definitions import definitions  # noqa: PLC0415
    except (ConfigurationError, ManifestError) as error:
        print(error)
        return 2
    home.create()
    with open_instance(home) as instance:
        result = (
            definitions()
            .resolve_job_def("refresh_warehouse")
            .execute_in_process(instance=instance, raise_on_error=False)
        )
    if not result.success:
        print(_failures(result))
        return 1
    manifest = read_manifest(home.published)
    print(f"\npublished version {manifest.version if manifest else '?'}\n")
    print(summarise(home.published))
    return 0


def _failures(result: dg.ExecuteInProcessResult) -> str:
    lines = ["The run failed; readers keep the last good version."]
    for event in result.all_events:
        if event.is_step_failure:
            lines.append(f"  {event.step_key}: {event.step_failure_data.error_display_string.strip().splitlines()[0]}")
    return "\n".join(lines)
