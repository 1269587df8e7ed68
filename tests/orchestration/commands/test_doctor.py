"""What `make doctor` finds, without a build: 0 fit, 1 something needs a hand."""

import shutil
from pathlib import Path

import pytest

from orchestration.__main__ import main
from orchestration.warehouse.home import Home


def findings(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("FIX ")]


def test_doctor_finds_everything_fit(home: Home, landing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert findings(said) == []
    assert said.splitlines()[-1] == "fit"
    assert "ok  configuration: shipped seeds, time zone UTC" in said
    assert f"ok  COLLOQUY_LANDING {landing}" in said
    assert not home.root.exists()


def test_doctor_says_which_llm_is_asked_and_never_its_key(
    home: Home, landing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    assert "LLM: no endpoint is configured (COLLOQUY_LLM_BASE_URL)" in capsys.readouterr().out
    named = {"BASE_URL": "https://llm.example/v1", "MODEL": "gpt-4o-mini", "API_KEY": "not for your eyes"}
    for name, value in named.items():
        monkeypatch.setenv(f"COLLOQUY_LLM_{name}", value)
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "LLM: gpt-4o-mini at https://llm.example/v1, with a key; $0.15 and $0.6 per million tokens" in told
    assert "not for your eyes" not in told
    monkeypatch.setenv("COLLOQUY_LLM_MODEL", "unknown")
    assert main(["doctor"]) == 1
    assert "FIX LLM: unknown at https://llm.example/v1" in capsys.readouterr().out


@pytest.mark.usefixtures("home")
def test_doctor_needs_no_landing_folder_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    hint = "is not there yet: made by you or by the first writer"
    assert f"ok  COLLOQUY_LANDING {tmp_path / 'landing'} {hint}\n" in said
    assert said.splitlines()[-1] == "fit"


@pytest.mark.usefixtures("home")
def test_doctor_refuses_a_file_in_place_of_the_landing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "landing").write_text("")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert findings(said) == [f"FIX COLLOQUY_LANDING {tmp_path / 'landing'}"]
    assert said.splitlines()[-1] == "not fit: see the lines marked FIX"


@pytest.mark.usefixtures("home", "landing")
def test_doctor_names_bad_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = tmp_path / "my-seeds"
    seeds.mkdir()
    (seeds / "purposes.csv").write_text("source,agent,purpose\nnobody,,sales\n")
    monkeypatch.setenv("COLLOQUY_SEEDS", str(seeds))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert findings(said) == ["FIX the configuration cannot be used:"]
    assert "purposes.csv: line 2: source: 'nobody' is not in sources.csv; " in said
    assert "correct the rows named" in said


@pytest.mark.usefixtures("home", "landing")
def test_doctor_wants_room_for_a_publish(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    usage = shutil.disk_usage("/")._replace(free=1024**3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert main(["doctor"]) == 1
    assert findings(capsys.readouterr().out) == ["FIX 1.0 GiB free on the disk of COLLOQUY_HOME"]


@pytest.mark.usefixtures("home", "landing")
def test_doctor_says_who_is_told_of_alerts_and_how_late(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "ok  alerts go to the log\n" in said
    assert "fallback_rate (all) exceeds 0.2 in 4 h, known 0.5 h after they have passed\n" in said
    assert "response_rate (all) drops_below 0.5 in 1 h, known 168 h after they have passed\n" in said
    monkeypatch.setenv("COLLOQUY_ALERT_WEBHOOK_URL", "https://hooks.example/not-for-your-eyes")
    monkeypatch.setenv("COLLOQUY_ALERT_EMAIL_TO", "ann@shop.example")
    monkeypatch.setenv("COLLOQUY_SMTP_HOST", "mail.example")
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "ok  alerts go to the log and a webhook and mail to ann@shop.example\n" in said
    assert "not-for-your-eyes" not in said
