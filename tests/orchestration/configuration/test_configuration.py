"""Configuration that cannot be used is refused before a run starts, with every bad row named."""

from pathlib import Path

import pytest

from orchestration.building.project import assemble_project
from orchestration.classification.messages.phrase_checks import phrase_problems
from orchestration.configuration.checks import ConfigurationError, check_configuration
from tests.support.configured_rows import (
    BAD_ROWS,
    METRIC,
    SHIPPED,
    STAGE,
    last_line,
    problems_of,
    row_of,
    shipped,
    with_row,
)


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named(tmp_path: Path, case: str) -> None:
    name, row, problem = BAD_ROWS[case]
    text = with_row(name, row)
    assert f"  {name} line {last_line(text)}: {problem}" in problems_of(tmp_path, {name: text})


@pytest.mark.parametrize(
    "name",
    [
        "sources.csv",
        "agents.csv",
        "alert_rules.csv",
        "purposes.csv",
        "event_type_aliases.csv",
        "sender_roles.csv",
        "success_signals.csv",
        "funnels.csv",
        "funnel_stages.csv",
        "segment_dimensions.csv",
        "metric_definitions.csv",
    ],
)
def test_a_row_that_stands_twice_names_both_places(tmp_path: Path, name: str) -> None:
    text = with_row(name, shipped(name).splitlines()[1])
    (problem,) = problems_of(tmp_path, {name: text})[1:]
    assert problem.startswith(f"  {name} line {last_line(text)}: ")
    assert problem.endswith(f"stands in {name} line 2 already")


def test_a_gap_in_the_order_of_stages_names_the_funnel(tmp_path: Path) -> None:
    without = "".join(line for line in shipped("funnel_stages.csv").splitlines(True) if ",meeting_booked," not in line)
    assert problems_of(tmp_path, {"funnel_stages.csv": without}) == [
        "the configuration cannot be used:",
        "  funnel_stages.csv: funnel 'sales' jumps from stage_order 3 to 5",
    ]


def test_stages_start_at_one(tmp_path: Path) -> None:
    without = "".join(line for line in shipped("funnel_stages.csv").splitlines(True) if ",initialised," not in line)
    assert problems_of(tmp_path, {"funnel_stages.csv": without})[1:] == [
        "  funnel_stages.csv: funnel 'engagement' starts with stage_order 2, expected 1"
    ]


def test_a_funnel_without_stages_is_named(tmp_path: Path) -> None:
    text = with_row("funnels.csv", row_of("funnels.csv", funnel="mine"))
    assert problems_of(tmp_path, {"funnels.csv": text})[1:] == [
        "  funnels.csv: funnel 'mine' has no stages in funnel_stages.csv"
    ]


def test_a_stage_at_two_places_is_named(tmp_path: Path) -> None:
    row = row_of("funnel_stages.csv", **STAGE | {"stage": "qualified"})
    assert "  funnel_stages.csv: funnel 'sales' has stage 'qualified' at two places" in problems_of(
        tmp_path, {"funnel_stages.csv": with_row("funnel_stages.csv", row)}
    )


def test_the_definition_that_stands_for_goals_is_needed(tmp_path: Path) -> None:
    without = "".join(
        line
        for line in shipped("metric_definitions.csv").splitlines(True)
        if not line.startswith("conversion_rate:<goal>")
    )
    assert problems_of(tmp_path, {"metric_definitions.csv": without})[1:] == [
        "  metric_definitions.csv: metric 'conversion_rate:<goal>' is missing; it stands for one metric a goal"
    ]


def test_another_header_is_refused(tmp_path: Path) -> None:
    text = shipped("purposes.csv").replace("purpose", "goal", 1)
    assert problems_of(tmp_path, {"purposes.csv": text})[1:] == [
        "  purposes.csv: column 'goal' is unknown; the columns are source, agent, purpose",
        "  purposes.csv: column 'purpose' is missing; the columns are source, agent, purpose",
    ]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"purposes.csv": ""})[1:] == [
        f"  purposes.csv: column '{column}' is missing; the columns are source, agent, purpose"
        for column in ("source", "agent", "purpose")
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    names = ("unknown purpose", "unknown strength", "unknown fact", "unknown column", "unknown measure above")
    texts = {BAD_ROWS[case][0]: with_row(*BAD_ROWS[case][:2]) for case in names}
    found = problems_of(tmp_path, texts)[1:]
    assert len(found) == len(names)
    for case in names:
        name, _, problem = BAD_ROWS[case]
        assert f"  {name} line {last_line(texts[name])}: {problem}" in found


def test_a_file_that_replaces_nothing_is_refused(tmp_path: Path) -> None:
    (message,) = problems_of(tmp_path, {"funnel.csv": "funnel\n"})
    assert message.startswith(f"{tmp_path / 'my-seeds' / 'funnel.csv'}: no shipped seed has this name; known are ")
    assert "funnels.csv" in message


def test_a_missing_folder_of_seeds_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    with pytest.raises(ConfigurationError, match=r"COLLOQUY_SEEDS: .*nowhere is not a folder"):
        assemble_project(tmp_path / "project", missing)


def test_the_shipped_seeds_can_be_used(tmp_path: Path) -> None:
    assemble_project(tmp_path / "project", None)
    check_configuration(tmp_path / "project", SHIPPED, phrase_problems)


@pytest.mark.parametrize("change", ["mark", "line ends"])
def test_what_spreadsheets_write_can_be_used(tmp_path: Path, change: str) -> None:
    overrides = tmp_path / "my-seeds"
    overrides.mkdir()
    text = shipped("funnels.csv")
    content = b"\xef\xbb\xbf" + text.encode() if change == "mark" else text.replace("\n", "\r\n").encode()
    (overrides / "funnels.csv").write_bytes(content)
    assemble_project(tmp_path / "project", overrides)


def test_a_row_is_numbered_as_an_editor_shows_it(tmp_path: Path) -> None:
    """Blank lines and quoted line breaks count."""
    quoted = row_of("funnel_stages.csv", **STAGE, description='"two\nlines"')
    bad = row_of("funnel_stages.csv", **STAGE | {"stage_order": "9", "stage": "x", "signal_kind": "guess"})
    text = with_row("funnel_stages.csv", f"\n{quoted}\n{bad}")
    (problem,) = problems_of(tmp_path, {"funnel_stages.csv": text})[1:]
    assert problem.startswith(f"  funnel_stages.csv line {last_line(text)}: signal_kind 'guess'")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(shipped("funnels.csv").encode() + "müll,support,,,,\n".encode("latin-1"), id="not UTF-8"),
        pytest.param(shipped("funnels.csv").encode() + b"mine,support,,,," + b"x" * 200_000 + b"\n", id="endless cell"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    assert any("funnels.csv" in line for line in problems_of(tmp_path, {"funnels.csv": content}))


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "my-seeds" / "funnels.csv").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"funnels\.csv"):
        assemble_project(tmp_path / "project", tmp_path / "my-seeds")


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("funnel_stages.csv", STAGE | {"stage_order": "²"}),
        ("funnel_stages.csv", STAGE | {"within_hours": "-5"}),
        ("funnel_stages.csv", STAGE | {"within_hours": "1_000"}),
        ("funnel_stages.csv", STAGE | {"stage": ""}),
        ("metric_definitions.csv", METRIC | {"kind": "count", "numerator": "turns", "minimum_sample": "many"}),
        ("metric_definitions.csv", METRIC | {"kind": "count", "numerator": "turns", "maturity_hours": "nan"}),
        ("segment_dimensions.csv", {"dimension": "mine", "property": "plan", "is_hourly": "maybe"}),
    ],
)
def test_a_cell_that_the_build_could_not_read_is_refused(tmp_path: Path, name: str, cells: dict[str, str]) -> None:
    text = with_row(name, row_of(name, **cells))
    assert any(line.startswith(f"  {name} line {last_line(text)}: ") for line in problems_of(tmp_path, {name: text}))
