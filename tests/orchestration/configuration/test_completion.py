"""Seed files of other releases: columns renamed, removed, added, in another order."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from orchestration.building.project import assemble_project
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.rows import columns_of, defaults_of
from orchestration.configuration.seeds import ROW_MODELS
from orchestration.settings import PROJECT_DIR

SHIPPED = PROJECT_DIR / "seeds"
Rows = list[list[str]]


def shipped_rows(name: str) -> Rows:
    with (SHIPPED / name).open(newline="") as file:
        return list(csv.reader(file))


def without(name: str, *columns: str) -> Rows:
    rows = shipped_rows(name)
    kept = [place for place, column in enumerate(rows[0]) if column not in columns]
    return [[row[place] for place in kept] for row in rows]


def renamed(name: str, old: str, new: str) -> Rows:
    header, *rows = shipped_rows(name)
    return [[new if column == old else column for column in header], *rows]


def assemble(folder: Path, name: str, rows: Rows, change: Callable[[str], str] = lambda text: text) -> tuple[str, ...]:
    seeds = folder / "my-seeds"
    seeds.mkdir()
    with (seeds / name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    (seeds / name).write_text(change((seeds / name).read_text()))
    return assemble_project(folder / "project", seeds)


def refused(folder: Path, name: str, rows: Rows) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        assemble(folder, name, rows)
    return str(error.value).splitlines()[1:]


def used(folder: Path, name: str) -> Rows:
    with (folder / "project" / "seeds" / name).open(newline="") as file:
        return list(csv.reader(file))


def test_missing_optional_columns_are_filled_in_and_said(tmp_path: Path) -> None:
    notes = assemble(tmp_path, "segment_dimensions.csv", without("segment_dimensions.csv", "top_n", "is_hourly"))
    assert used(tmp_path, "segment_dimensions.csv") == [
        ["dimension", "column_name", "property", "top_n", "is_hourly"],
        *([*row[:3], "", "false"] for row in shipped_rows("segment_dimensions.csv")[1:]),
    ]
    file = tmp_path / "my-seeds" / "segment_dimensions.csv"
    assert notes == (
        f"{file}: column top_n is missing; every row takes an empty cell",
        f"{file}: column is_hourly is missing; every row takes 'false'",
    )


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    assert assemble(tmp_path, "purposes.csv", [row[::-1] for row in shipped_rows("purposes.csv")]) == ()
    assert used(tmp_path, "purposes.csv") == shipped_rows("purposes.csv")


def test_a_whole_file_is_taken_byte_by_byte(tmp_path: Path) -> None:
    assert assemble(tmp_path, "purposes.csv", shipped_rows("purposes.csv"), lambda text: text + "\n\n") == ()
    assert (tmp_path / "project/seeds/purposes.csv").read_bytes() == (tmp_path / "my-seeds/purposes.csv").read_bytes()


def test_a_renamed_column_is_refused_with_its_likely_name(tmp_path: Path) -> None:
    columns = ", ".join(shipped_rows("sources.csv")[0])
    assert refused(tmp_path, "sources.csv", renamed("sources.csv", "id_namespace", "namespace")) == [
        "  sources.csv: line 1: namespace: the column is unknown; did you mean 'id_namespace'? "
        f"the columns are {columns}",
        f"  sources.csv: line 1: id_namespace: the column is missing; the columns are {columns}",
    ]


def test_a_column_of_another_release_is_refused_though_nothing_is_missing(tmp_path: Path) -> None:
    rows = [[*row, "x"] for row in shipped_rows("sender_roles.csv")]
    assert refused(tmp_path, "sender_roles.csv", rows) == [
        "  sender_roles.csv: line 1: x: the column is unknown; the columns are role, sender_role"
    ]


def test_a_removed_column_that_decides_something_is_refused(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "sources.csv", without("sources.csv", "can_report_completion"))
    assert problem.startswith("  sources.csv: line 1: can_report_completion: the column is missing; the columns are ")


def test_a_column_given_twice_is_refused(tmp_path: Path) -> None:
    rows = [[*row, row[0]] for row in shipped_rows("sender_roles.csv")]
    assert refused(tmp_path, "sender_roles.csv", rows) == [
        "  sender_roles.csv: line 1: role: the column stands twice; remove one of the two"
    ]


def test_rows_of_a_completed_file_keep_their_line_numbers(tmp_path: Path) -> None:
    rows = without("funnels.csv", "description")
    bad = ["mine", "nonsense", "", "", ""]
    seeds = tmp_path / "my-seeds"
    seeds.mkdir()
    lines = [",".join(row) for row in rows]
    (seeds / "funnels.csv").write_text("\n".join([lines[0], "", "", *lines[1:], '"a', 'b",support,,,', ",".join(bad)]))
    with pytest.raises(ConfigurationError) as error:
        assemble_project(tmp_path / "project", seeds)
    expected = f"  funnels.csv: line {len(lines) + 5}: purpose: 'nonsense' is none of support, sales; "
    assert any(line.startswith(expected) for line in str(error.value).splitlines())


def test_every_default_belongs_to_a_shipped_column_and_can_be_used(tmp_path: Path) -> None:
    """Each file without any of its optional columns; what yml describes is what the model and the file have."""
    seeds = tmp_path / "my-seeds"
    seeds.mkdir()
    count = 0
    for file in sorted(SHIPPED.glob("*.csv")):
        defaults = defaults_of(ROW_MODELS[file.name])
        (seed,) = yaml.safe_load(file.with_suffix(".yml").read_text())["seeds"]
        columns = list(columns_of(ROW_MODELS[file.name]))
        assert [column["name"] for column in seed["columns"]] == list(seed["config"]["column_types"]) == columns
        assert shipped_rows(file.name)[0] == columns
        count += len(defaults)
        with (seeds / file.name).open("w", newline="") as out:
            csv.writer(out).writerows(without(file.name, *defaults))
    assert len(assemble_project(tmp_path / "project", seeds)) == count > 0
