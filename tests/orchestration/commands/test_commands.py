"""What the commands print and their exit codes, without a build: 0 good, 1 the work failed, 2 called wrongly."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.__main__ import main
from orchestration.commands import dev
from orchestration.landing import load_landing
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock
from tests.support.published_samples import make_build, publish_sample

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(number: int, **changes: object) -> str:
    fields: dict[str, object] = {
        "event_id": f"e{number}",
        "conversation_id": "c1",
        "event_type": "user_message",
        "timestamp": "2026-02-01T10:00:00Z",
    }
    return json.dumps(fields | changes)


def land(home: Home, landing: Path) -> None:
    home.create()
    load_landing(
        home.raw_database,
        landing,
        seeds=PROJECT_DIR / "seeds",
        hash_key=b"key",
        stable_after=timedelta(days=36_500),
        now=NOW,
    )


def publish_to(home: Home, **changes: Any) -> None:
    home.create()
    publish_sample(make_build(home.root), home.published, **changes)


# status


def test_status_of_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert f"warehouse   {home.root}\n" in said
    assert "time zone   UTC, for days and hours of the marts\n" in said
    assert "running     nothing\n" in said
    assert "published   nothing yet; make demo" in said
    assert "files       none loaded" in said
    assert not home.root.exists()


def test_status_of_a_published_version(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    publish_to(home, checks={"unique_keys": "passed", "sums": "2 rows differ"})
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    published = next(line for line in lines if line.startswith("published"))
    assert published.endswith(", 2026-03-01 12:00 UTC, run run-1")
    assert "data until  2026-02-28 00:00 UTC" in lines
    assert "checks      2 at the last publish, 1 not passed" in lines
    assert "            sums: 2 rows differ" in lines
    # Rows of the sample build: four conversations, one metric.
    rows = {line.split()[0]: line.split()[1] for line in lines if line.startswith("  marts.")}
    assert (rows["marts.fct_conversations"], rows["marts.metrics_daily"], rows["marts.alerts"]) == ("4", "1", "0")


def test_status_names_the_time_zone_of_what_is_published(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_to(home)  # its days are those of UTC
    main(["status"])
    assert "time zone   UTC, for days and hours of the marts\n" in capsys.readouterr().out
    monkeypatch.setenv("COLLOQUY_TIMEZONE", "Asia/Kolkata")
    main(["status"])
    zone = (
        "time zone   UTC, for days and hours of the marts; COLLOQUY_TIMEZONE is Asia/Kolkata, used from the next run on"
    )
    assert zone in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("arguments", "code"), [(["status"], 0), (["check-files", "nowhere"], 2)])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_changes_neither_exit_code_nor_words(
    home: Home, arguments: list[str], code: int, stream: str
) -> None:
    """As `make status | head -3`, with the reader gone before the first word."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    outputs: dict[str, int] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: write_end}
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "orchestration", *arguments],
            cwd=PROJECT_DIR,
            env=os.environ | {"COLLOQUY_HOME": str(home.root)},
            text=True,
            check=False,
            stdout=outputs["stdout"],
            stderr=outputs["stderr"],
        )
    finally:
        os.close(write_end)
    assert finished.returncode == code
    assert not finished.stderr
    assert bool(finished.stdout) == (stream == "stderr")


def test_a_command_ends_with_its_code_after_all_that_others_asked_for(home: Home) -> None:
    """Its heap is left to the system; what libraries close at the end, and the last words printed, are not."""
    start = (
        "import atexit, runpy, sys; sys.argv = ['colloquy', 'status']\n"
        "from orchestration.commands import status\n"
        "status.print_status = lambda _: print('said', end='') or atexit.register(print, ', closed', end='') and 3\n"
        "runpy.run_module('orchestration', run_name='__main__')"
    )
    finished = subprocess.run(
        [sys.executable, "-c", start],
        cwd=PROJECT_DIR,
        env=os.environ | {"COLLOQUY_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, "said, closed", "")


def test_status_counts_files_and_names_those_that_wait(
    home: Home, landing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (landing / "events" / "whole.jsonl").write_text(f"{event(1)}\nnonsense\n{event(2)}\n")
    (landing / "events" / "growing.jsonl").write_text(f"{event(3)}\n{event(4)[:20]}")
    land(home, landing)
    publish_to(home)
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "files       1 loaded, 3 lines, 1 of them rejected\n" in said
    assert "pending     events/growing.jsonl since 2026-03-01 12:00 UTC: " in said


@pytest.mark.parametrize(("through", "is_shown"), [(0, True), (1, False), (None, False)])
def test_status_shows_events_that_no_version_holds(
    home: Home, landing: Path, capsys: pytest.CaptureFixture[str], through: int | None, is_shown: bool
) -> None:
    """A blocking check fails run after run: the last version stands, with the results of its own checks."""
    (landing / "events" / "whole.jsonl").write_text(f"{event(1)}\n{event(2)}\n")
    land(home, landing)
    publish_to(home, built_from={} if through is None else {"through_load_id": through})
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if line.startswith("unpublished")]
    assert [line[:55] for line in shown] == (
        ["unpublished 2 events, the first landed 2026-03-01 12:00"] if is_shown else []
    )


def test_status_says_when_the_conversations_are_simulated(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.create()
    home.simulation_marker.write_text("{}")
    main(["status"])
    assert f"warehouse   {home.root}   (simulated)" in capsys.readouterr().out


def test_status_says_who_is_writing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.create()
    home.raw_database.write_bytes(b"being written: must not be opened")
    with hold_lock(home.lock, "run", lambda _: None, now=NOW):
        main(["status"])
    said = capsys.readouterr().out
    assert f"running     run, pid {os.getpid()} on " in said
    assert "files       known when the running load has finished" in said


@pytest.mark.parametrize("content", ["", "{", '{"version": "1"}', "[]"])
def test_status_of_a_broken_manifest(home: Home, capsys: pytest.CaptureFixture[str], content: str) -> None:
    publish_to(home)
    manifest = home.published / "manifest.json"
    manifest.unlink()
    manifest.write_text(content)
    assert main(["status"]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"{manifest} is no manifest: ")
    assert "the next run that publishes writes it again" in said


# check-files


def test_check_files_names_file_line_and_reason_and_keeps_nothing(
    home: Home, landing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [event(1), "nonsense", event(2), event(3, conversation_id=""), event(1), event(4, timestamp="yesterday")]
    (landing / "events" / "mixed.jsonl").write_text("\n".join(lines) + "\n")
    (landing / "events" / "good.jsonl").write_text(f"{event(5)}\n")
    (landing / "elsewhere.jsonl").write_text(f"{event(6)}\n")
    assert main(["check-files", str(landing)]) == 0
    said = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.startswith("events/")}
    # lines, accepted, rejected, duplicates, reread
    assert rows == {
        "events/mixed.jsonl": ["loaded", "6", "2", "3", "1", "0"],
        "events/good.jsonl": ["loaded", "1", "1", "0", "0", "0"],
    }
    for reason, line in (("malformed_json", 2), ("missing_conversation_id", 4), ("bad_timestamp", 6)):
        assert f"  events/mixed.jsonl: 1 {reason} (line {line})\n" in said
    assert "  elsewhere.jsonl: not in the folder of a source" in said
    assert not home.root.exists()


@pytest.mark.usefixtures("home")
def test_check_files_reads_the_users_seeds(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = event(1, event_type="message_received", properties={"role": "narrator"})
    (landing / "events" / "one.jsonl").write_text(message + "\n")
    main(["check-files", str(landing)])
    assert "1 unknown_sender_role (line 1)" in capsys.readouterr().out

    seeds = tmp_path / "my-seeds"
    seeds.mkdir()
    roles = (PROJECT_DIR / "seeds" / "sender_roles.csv").read_text()
    (seeds / "sender_roles.csv").write_text(roles + "narrator,agent\n")
    monkeypatch.setenv("COLLOQUY_SEEDS", str(seeds))
    main(["check-files", str(landing)])
    assert "unknown_sender_role" not in capsys.readouterr().out


@pytest.mark.usefixtures("home", "landing")
def test_check_files_refuses_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-files", str(tmp_path / "nowhere")]) == 2
    assert f"{tmp_path / 'nowhere'} is not a folder" in capsys.readouterr().out


# run


@pytest.mark.usefixtures("landing")
def test_run_never_mixes_real_and_simulated_conversations(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.create()
    home.simulation_marker.write_text("{}")
    assert main(["run"]) == 2
    assert capsys.readouterr().out == (
        f"{home.root} holds simulated conversations; give your own events another COLLOQUY_HOME\n"
    )
    assert not home.raw_database.exists()


@pytest.mark.parametrize("arguments", [["run"], ["run", "--landing", "nowhere"]])
def test_run_misses_the_landing_folder(
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    missing = tmp_path / ("nowhere" if "--landing" in arguments else "landing")
    assert capsys.readouterr().out.startswith(f"{missing} is not a folder; ")
    assert not home.root.exists()


# dev


@pytest.mark.parametrize(
    ("arguments", "port"), [([], 3000), (["--port", "4001"], 4001), (["--port", "65535"], 65535), (["--port="], 3000)]
)
@pytest.mark.usefixtures("home")
def test_dev_serves_the_port_named(monkeypatch: pytest.MonkeyPatch, arguments: list[str], port: int) -> None:
    # It would serve until it is ended; its exit code is handed on.
    monkeypatch.setattr(dev, "run_dev", lambda _, port: port)
    assert main(["dev", *arguments]) == port


@pytest.mark.parametrize("port", ["0", "65536", "-1", "web", "3000.5", " "])
def test_dev_refuses_what_is_no_port(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert main(["dev", f"--port={port}"]) == 2
    assert "Invalid value for '--port': " in capsys.readouterr().err


# settings


@pytest.mark.parametrize("command", [["run"], ["status"], ["doctor"], ["check-files", "."]])
@pytest.mark.usefixtures("home", "landing")
def test_an_unknown_time_zone_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("COLLOQUY_TIMEZONE", "Nowhere")
    assert main(command) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("COLLOQUY_TIMEZONE: ")
    assert line.endswith("'Nowhere' is no IANA time zone (example: Europe/Berlin)")
    assert line.count("COLLOQUY_TIMEZONE") == 1


@pytest.mark.usefixtures("home")
def test_every_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLLOQUY_IDLE_MINUTES", "0")
    monkeypatch.setenv("COLLOQUY_PUBLISHED_VERSIONS", "many")
    assert main(["status"]) == 2
    named = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert named == ["COLLOQUY_IDLE_MINUTES", "COLLOQUY_PUBLISHED_VERSIONS"]


def test_exported_settings_are_read_again_as_they_were(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "home": tmp_path / "h",
            "landing": tmp_path / "l",
            "seeds": tmp_path / "s",
            "timezone": "Asia/Kolkata",
            "idle_minutes": 7,
            "stable_minutes": 8,
            "hash_key": "secret",
            "published_versions": 9,
        }
    )
    settings.export()
    assert Settings() == settings
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "h" / "dagster")


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "No such command 'fly'" in capsys.readouterr().err
