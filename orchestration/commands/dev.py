"""`make dev`: Dagster's UI on this machine, with schedules and the sensor running."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from orchestration.commands.instance import open_instance
from orchestration.commands.interruption import stop_when_interrupted
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import NEXT_RUN, PROGRESS

# Reachable from this machine only: the UI has no password and can start runs.
_HOST = "127.0.0.1"
DEFAULT_PORT = 3000


# Under the name that Dagster derives from the project folder; under any other it warns at every look.
_WORKSPACE = f"""\
load_from:
  - python_module:
      module_name: orchestration.definitions
      location_name: {json.dumps(PROJECT_DIR.name)}
      working_directory: {json.dumps(str(PROJECT_DIR))}
"""


def dev_command(workspace: Path, port: int) -> list[str]:
    """Return the command that serves the UI and runs schedules and the sensor."""
    # Its own warning recommends `dg dev`, which asks for an activated environment; make activates none.
    python = [sys.executable, "-W", "ignore"]
    dagster_dev = ["-m", "orchestration.commands.dagster_dev", "dev"]
    return [*python, *dagster_dev, "--host", _HOST, "--port", str(port), "--workspace", str(workspace)]


def run_dev(settings: Settings, *, port: int = DEFAULT_PORT) -> int:
    """Serve until interrupted; returns the exit code of Dagster, 2 when simulated and real events would mix."""
    home = Home(settings.home)
    own_landing = home.root / "landing"
    if home.simulation_marker.exists() and settings.landing != own_landing:
        print(
            f"{home.root} holds simulated conversations, and the schedules would load {settings.landing} into it; "
            f"set COLLOQUY_LANDING={own_landing} COLLOQUY_SEEDS={home.root / 'demo-seeds'}, or another COLLOQUY_HOME"
        )
        return 2
    home.create()
    workspace = home.dagster / "workspace.yaml"
    workspace.write_text(_WORKSPACE)
    settings.export()
    with open_instance(home, now=datetime.now(UTC)):
        # Opened once for its configuration, which Dagster reads when it starts.
        pass
    print(f"http://{_HOST}:{port}  (stop with Ctrl-C)", file=sys.stderr)
    PROGRESS.begin("serving")
    PROGRESS.leave(lambda: f"Schedules and sensors have stopped; {NEXT_RUN}.")
    # In a group of its own: Ctrl-C reaches it once, by way of this process, as every other signal does.
    with subprocess.Popen(dev_command(workspace, port), cwd=PROJECT_DIR, process_group=0) as server:
        stop_when_interrupted(lambda: _stop(server))
        return server.wait()


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """Have Dagster stop what it started, which takes it a minute at most, and wait for its end."""
    server.send_signal(signal.SIGINT)
    server.wait()
