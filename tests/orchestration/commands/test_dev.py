"""`make dev` for real: the sensor's run publishes, launched runs queue, and Ctrl-C leaves no process behind."""

import http.client
import math
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest
from dagster_graphql import DagsterGraphQLClient

from orchestration.commands.instance import open_instance
from orchestration.publishing import read_manifest
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.home import Home

# Only against hanging for ever; reached in no good run.
LIMIT_SECONDS = 1800
HASH_KEY = "canary of the key"
EVENT = (
    '{"event_id": "e-1", "conversation_id": "c-1", "event_type": "user_message", '
    '"timestamp": "2026-04-01T09:00:00Z", "properties": {"content": "Where is my parcel?"}}'
)
# Tests that run in the background inherit that SIGINT is ignored; a command in the foreground does not.
START = """\
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["colloquy", "dev", "--port", sys.argv[1]]
runpy.run_module("orchestration", run_name="__main__")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening_addresses(port: int) -> set[str]:
    """Return the addresses, as the kernel writes them, on which this machine listens at a port."""
    addresses = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        for local, _, state in (line.split()[1:4] for line in lines):
            address, _, hexadecimal_port = local.partition(":")
            if state == "0A" and int(hexadecimal_port, 16) == port:
                addresses.add(address)
    return addresses


def sockets_listening(session: int) -> set[tuple[str, int]]:
    """Return (address, port) of every TCP socket that a process of a session listens on."""
    open_files = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) == session:
                open_files |= {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
        except (FileNotFoundError, ProcessLookupError):
            # It has ended meanwhile.
            continue
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in open_files:
                address, _, hexadecimal_port = fields[1].partition(":")
                found.add((address, int(hexadecimal_port, 16)))
    return found


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    events = tmp_path / "landing" / "events"
    events.mkdir(parents=True)
    (events / "a.jsonl").write_text(EVENT + "\n")
    environment = {
        "COLLOQUY_HASH_KEY": HASH_KEY,
        "COLLOQUY_HOME": str(tmp_path / "home"),
        "COLLOQUY_LANDING": str(tmp_path / "landing"),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(port)],
        cwd=PROJECT_DIR,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A group of its own, as a shell gives to a command in the foreground: Ctrl-C reaches all of it.
        start_new_session=True,
    )
    guard = threading.Timer(LIMIT_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    guard.start()
    try:
        yield process
    finally:
        guard.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def statuses_of_attacks(port: int) -> dict[str, int]:
    """Send what a page of another site could, and what the UI is asked for, to the real server."""
    mutation = '{"query": "mutation { reloadWorkspace { __typename } }"}'
    json_type = {"Content-Type": "application/json"}
    requests: dict[str, tuple[str, str, str | None, dict[str, str]]] = {
        "GET mutation": ("GET", "/graphql?query=mutation{reloadWorkspace{__typename}}", None, {}),
        "foreign host": ("POST", "/graphql", mutation, json_type | {"Host": f"evil.test:{port}"}),
        "foreign origin": ("POST", "/graphql", mutation, json_type | {"Origin": "http://evil.test"}),
        "page": ("GET", "/", None, {}),
    }
    statuses = {}
    for name, (method, path, body, headers) in requests.items():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(method, path, body, headers)
        statuses[name] = connection.getresponse().status
        connection.close()
    return statuses


class Times(NamedTuple):
    """When a run was asked for, started and ended, in seconds of the clock."""

    run_id: str
    requested_at: float
    started_at: float
    ended_at: float


def launched_together(server: subprocess.Popen[str], port: int, home: Home, log: list[str]) -> tuple[Times, Times]:
    """Launch the job twice as a click in the UI does, and return both runs when they have succeeded, in their order."""
    client = DagsterGraphQLClient("127.0.0.1", port_number=port)
    run_ids = [client.submit_job_execution("refresh_warehouse") for _ in range(2)]
    assert server.stdout is not None
    # The services write something every few seconds while a run waits, and the sensor once a minute.
    for line in server.stdout:
        log.append(line)
        statuses = [client.get_run_status(run_id) for run_id in run_ids]
        assert dg.DagsterRunStatus.FAILURE not in statuses, "".join(log)
        if statuses == [dg.DagsterRunStatus.SUCCESS] * 2:
            break
    with open_instance(home, now=datetime.now(UTC)) as instance:
        records = instance.get_run_records(dg.RunsFilter(run_ids=run_ids))
    first, second = sorted(
        (
            Times(
                record.dagster_run.run_id,
                record.create_timestamp.timestamp(),
                record.start_time or math.nan,
                record.end_time or math.nan,
            )
            for record in records
        ),
        key=lambda times: times.started_at,
    )
    return first, second


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc/net/tcp, which only Linux has")
def test_dev_runs_what_has_landed_and_stops_whole(server: subprocess.Popen[str], port: int, tmp_path: Path) -> None:
    assert server.stdout is not None
    log: list[str] = []
    awaited = {"Serving dagster-webserver", "version 000001 is published"}
    for line in server.stdout:
        log.append(line)
        awaited = {text for text in awaited if text not in line}
        if not awaited:
            break
    assert not awaited, "".join(log)

    # 127.0.0.1, its bytes in the order of the processor; and of all it started nothing listens anywhere else.
    assert listening_addresses(port) == {"0100007F"}
    assert sockets_listening(server.pid) == {("0100007F", port)}
    manifest = read_manifest(Home(tmp_path / "home").published)
    assert manifest is not None
    assert (manifest.version, manifest.tables["fct_conversations"].rows) == ("000001", 1)

    assert statuses_of_attacks(port) == {"GET mutation": 403, "foreign host": 403, "foreign origin": 403, "page": 200}
    first, second = launched_together(server, port, Home(tmp_path / "home"), log)
    # Both were asked for before the first began, and the second began when that had ended.
    assert max(first.requested_at, second.requested_at) < first.started_at < first.ended_at <= second.started_at
    checked = read_manifest(Home(tmp_path / "home").published)
    assert checked is not None
    assert (checked.version, checked.last_checked_run_id) == ("000001", second.run_id)

    os.killpg(server.pid, signal.SIGINT)
    os.killpg(server.pid, signal.SIGINT)
    # The log ends when the last process that could write into it has ended.
    farewell = server.stdout.read()
    assert server.wait() == 130
    assert "Dagster services shut down" in farewell
    assert farewell.endswith("Schedules and sensors have stopped; the next run takes over.\n")
    assert "Traceback" not in farewell
    assert listening_addresses(port) == set()
    assert HASH_KEY not in "".join([*log, farewell])
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [path for path in files if HASH_KEY.encode() in path.read_bytes()] == []
