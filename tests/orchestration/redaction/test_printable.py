"""What comes from outside shows on a terminal and does nothing there."""

import logging
from pathlib import Path

import pytest

from orchestration.__main__ import main
from orchestration.defs.logging import _OneLine
from orchestration.expectations.dbt_findings import DbtFinding
from orchestration.expectations.results import CheckResult
from orchestration.redaction.printable import one_line, printable

CLEAR = "\x1b[2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ünï \U0001f600 — plain", "ünï \U0001f600 — plain"),
        (f"a{CLEAR}\x07\x00\x7f\x9b", r"a\x1b[2J\x07\x00\x7f\x9b"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        ("half \udce9", r"half \udce9"),
        ("\t\r\u2028\ufeff\U000e0001", r"\t\r\u2028\ufeff\U000e0001"),
    ],
)
def test_what_is_no_letter_is_written_as_an_escape(text: str, shown: str) -> None:
    assert (one_line(text), printable(text)) == (shown, shown)


def test_line_breaks_stay_in_reports_and_not_in_names() -> None:
    assert printable("two\nlines") == "two\nlines"
    assert one_line("two\nlines") == r"two\nlines"


@pytest.mark.parametrize("name", ["it's", 'a "b"', "{{ home }}", "{% raw %}", "{#", "two\nlines", CLEAR])
def test_a_home_that_dbt_would_take_for_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("COLLOQUY_HOME", str(tmp_path / name))
    assert main(["status"]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("COLLOQUY_HOME: ")
    assert line.endswith("choose a plain path")
    assert line.isprintable()


def test_the_log_of_a_run_and_the_findings_in_it() -> None:
    record = logging.LogRecord("run", logging.INFO, "", 0, f"loading {CLEAR}\nnext", (), None)
    line = _OneLine().format(record)
    assert r"loading \x1b[2J" in line
    assert line.endswith("\nnext")
    rows = ({"conversation_key": f"x{CLEAR}\nfct_messages passed"},)
    finding = DbtFinding("unique", "test", "error", "1", row_count=1, rows=rows)
    check = CheckResult("real", "events", "warn", success=False, observed="1", examples=rows)
    for text in (finding.as_text(), check.as_text()):
        assert text.splitlines()[1] == r"  conversation_key=x\x1b[2J\nfct_messages passed"


@pytest.mark.parametrize("command", [["doctor"], ["check-files", "."]])
def test_a_seed_that_cannot_be_used_is_named_harmlessly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (tmp_path / "purposes.csv").write_text(f"source,agent,purpose\n{CLEAR}nobody,,sales\n")
    monkeypatch.setenv("COLLOQUY_SEEDS", str(tmp_path))
    monkeypatch.setenv("COLLOQUY_HOME", str(tmp_path / "home"))
    main(command)
    said = capsys.readouterr().out
    assert "nobody" in said
    assert "\x1b" not in said
