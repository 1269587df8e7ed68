"""Configuration that cannot be used is refused before a run starts, with every bad row named."""

import random
import re
from pathlib import Path

import pytest

from orchestration.building.project import assemble_project
from orchestration.classification.messages.phrase_checks import phrase_problems
from orchestration.configuration.checks import check_configuration
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.seeds import ROW_MODELS
from tests.support.configured_rows import (
    BAD_ROWS,
    METRIC,
    STAGE,
    last_line,
    problems_of,
    row_of,
    shipped,
    with_row,
)


def assert_says_what_to_do(problem: str) -> None:
    assert re.search("; (write|add|remove|leave|name|give|number|quote|fill|let|did you mean) ", problem), problem


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named(tmp_path: Path, case: str) -> None:
    name, row, column, what = BAD_ROWS[case]
    text = with_row(name, row)
    (problem,) = [line for line in problems_of(tmp_path, {name: text}) if f": {column}: " in line]
    assert problem.startswith(f"  {name}: line {last_line(text)}: {column}: {what}; ")
    assert_says_what_to_do(problem)


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
    assert problem.startswith(f"  {name}: line {last_line(text)}: {', '.join(ROW_MODELS[name].key)}: ")
    assert problem.endswith("stands in line 2 already; remove one of the two rows")


def test_a_gap_in_the_order_of_stages_names_the_funnel(tmp_path: Path) -> None:
    without = "".join(line for line in shipped("funnel_stages.csv").splitlines(True) if ",meeting_booked," not in line)
    assert problems_of(tmp_path, {"funnel_stages.csv": without}) == [
        "the configuration cannot be used:",
        "  funnel_stages.csv: line 18: stage_order: funnel 'sales' jumps from stage_order 3 to 5; "
        "number the stages without gaps",
    ]


def test_stages_start_at_one(tmp_path: Path) -> None:
    without = "".join(line for line in shipped("funnel_stages.csv").splitlines(True) if ",initialised," not in line)
    assert problems_of(tmp_path, {"funnel_stages.csv": without})[1:] == [
        "  funnel_stages.csv: line 23: stage_order: funnel 'engagement' starts with stage_order 2; "
        "number the stages from 1"
    ]


def test_a_funnel_without_stages_is_named(tmp_path: Path) -> None:
    text = with_row("funnels.csv", row_of("funnels.csv", funnel="mine"))
    assert problems_of(tmp_path, {"funnels.csv": text})[1:] == [
        "  funnels.csv: line 5: funnel: funnel 'mine' has no stages in funnel_stages.csv; "
        "add its stages to funnel_stages.csv, or remove the funnel"
    ]


def test_a_stage_at_two_places_is_named(tmp_path: Path) -> None:
    row = row_of("funnel_stages.csv", **STAGE | {"stage": "qualified"})
    assert problems_of(tmp_path, {"funnel_stages.csv": with_row("funnel_stages.csv", row)})[1:] == [
        "  funnel_stages.csv: line 25: stage: funnel 'sales' has stage 'qualified' at two places; "
        "give all rows of the stage the same stage_order"
    ]


def test_the_definition_that_stands_for_goals_is_needed(tmp_path: Path) -> None:
    without = "".join(
        line
        for line in shipped("metric_definitions.csv").splitlines(True)
        if not line.startswith("conversion_rate:<goal>")
    )
    assert problems_of(tmp_path, {"metric_definitions.csv": without})[1:] == [
        "  metric_definitions.csv: line 1: metric_name: metric 'conversion_rate:<goal>', which stands for one metric a "
        "goal, is missing; add its row again"
    ]


def test_another_header_is_refused(tmp_path: Path) -> None:
    text = shipped("purposes.csv").replace("purpose", "goal", 1)
    assert problems_of(tmp_path, {"purposes.csv": text})[1:] == [
        "  purposes.csv: line 1: goal: the column is unknown; the columns are source, agent, purpose",
        "  purposes.csv: line 1: purpose: the column is missing; the columns are source, agent, purpose",
    ]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"purposes.csv": ""})[1:] == [
        f"  purposes.csv: line 1: {column}: the column is missing; the columns are source, agent, purpose"
        for column in ("source", "agent", "purpose")
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    names = ("unknown purpose", "unknown strength", "unknown fact", "unknown column", "unknown measure above")
    texts = {BAD_ROWS[case][0]: with_row(*BAD_ROWS[case][:2]) for case in names}
    found = problems_of(tmp_path, texts)[1:]
    assert len(found) == len(names)
    for case in names:
        name, _, column, what = BAD_ROWS[case]
        expected = f"  {name}: line {last_line(texts[name])}: {column}: {what}; "
        assert any(line.startswith(expected) for line in found)


def test_a_bad_row_hides_none_of_its_file_and_none_that_leans_on_it(tmp_path: Path) -> None:
    """A row with a bad cell is there: what refers to it, and the order it stands in, is no second problem."""
    funnels = with_row("funnels.csv", row_of("funnels.csv", funnel="mine", purpose="fun", source="nobody"))
    funnels += row_of("funnels.csv", funnel="yours", purpose="none") + "\n"
    stages = shipped("funnel_stages.csv")
    for order, kind in (("1", "event"), ("2", "guess"), ("3", "event")):
        cells = {"funnel": "mine", "stage_order": order, "stage": f"s{order}", "signal_kind": kind, "signal": "a"}
        stages += row_of("funnel_stages.csv", **cells) + "\n"
    stages += row_of("funnel_stages.csv", funnel="yours", stage_order="1", stage="s", signal_kind="fact", signal="a")
    found = problems_of(tmp_path, {"funnels.csv": funnels, "funnel_stages.csv": stages})[1:]
    assert [line.split(": ")[:3] for line in found] == [
        ["  funnel_stages.csv", "line 26", "signal_kind"],
        ["  funnel_stages.csv", "line 28", "signal"],
        ["  funnels.csv", "line 5", "purpose"],
        ["  funnels.csv", "line 5", "source"],
        ["  funnels.csv", "line 6", "purpose"],
    ]


def test_a_file_that_cannot_be_read_hides_no_other_and_no_row_is_missed_in_it(tmp_path: Path) -> None:
    name, row, column, what = BAD_ROWS["unknown purpose"]
    found = problems_of(tmp_path, {"sources.csv": "nothing\n", name: with_row(name, row)})[1:]
    assert found[0].startswith(f"  {name}: line 3: {column}: {what}")
    assert all(line.startswith("  sources.csv: line 1: ") for line in found[1:])
    assert len(found) > 1


def test_a_row_that_ends_early_is_refused(tmp_path: Path) -> None:
    """DuckDB could not read the file."""
    (problem,) = problems_of(tmp_path, {"purposes.csv": with_row("purposes.csv", "events,a")})[1:]
    assert problem.startswith("  purposes.csv: line 3: purpose: the row ends before this column: 2 cells for 3 columns")
    assert_says_what_to_do(problem)


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
    check_configuration(tmp_path / "project", phrase_problems)


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
    assert problem.startswith(f"  funnel_stages.csv: line {last_line(text)}: signal_kind: 'guess'")


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        pytest.param("müll,support,,,,".encode("latin-1"), "byte 0xfc is no UTF-8; save", id="not UTF-8"),
        pytest.param(b"mine,support,,,," + b"x" * 200_000, "field larger than field limit", id="endless cell"),
        pytest.param(b'mine,"support,,,,', "unexpected end of data; close each quote", id="a quote that is not closed"),
        pytest.param(b'mine,"sup"port,,,,', "',' expected after '\"'; close each quote", id="a quote inside a cell"),
    ],
)
def test_a_row_that_is_no_csv_is_named_by_the_line_it_begins_on(tmp_path: Path, row: bytes, cause: str) -> None:
    """Rows of two lines before it count as two, and what follows it does not matter."""
    chance = random.Random(cause)  # noqa: S311
    for _ in range(20):
        before = [chance.choice([b"", b'one,support,,,,"two\nlines"']) for _ in range(chance.randrange(30))]
        after = [b"last,support,,,,"] * chance.randrange(5)
        text = shipped("funnels.csv").encode() + b"\n".join([*before, row, *after]) + b"\n"
        (problem,) = problems_of(tmp_path, {"funnels.csv": text})[1:]
        line = text[: text.index(row)].count(b"\n") + 1
        assert problem.startswith(f"  funnels.csv: line {line}: ")
        assert cause in problem


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
        ("segment_dimensions.csv", {"dimension": "mine=1", "property": "plan", "is_hourly": "false"}),
        ("segment_dimensions.csv", {"dimension": "mine", "property": "plan", "is_hourly": "false", "top_n": "0"}),
        ("success_signals.csv", {"event_type": "checked_out", "value": "true", "strength": "proof"}),
    ],
)
def test_a_cell_that_the_build_could_not_read_is_refused(tmp_path: Path, name: str, cells: dict[str, str]) -> None:
    text = with_row(name, row_of(name, **cells))
    assert any(line.startswith(f"  {name}: line {last_line(text)}: ") for line in problems_of(tmp_path, {name: text}))
