"""What the models of the warehouse rely on: whatever breaks a declared key, list, reference or type is refused."""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed, read_seed
from orchestration.configuration.rows import Column, Row, columns_of
from orchestration.configuration.seeds import ROW_MODELS, Seeds, key_problems, read_seeds, reference_problems
from orchestration.settings import PROJECT_DIR
from tests.support.configured_rows import EXPERIMENT, SHIPPED

MODELS = tuple(ROW_MODELS.values())
COLUMNS = [(model, column) for model in MODELS for column in columns_of(model).values()]
SHIPPED_SEEDS = read_seeds(SHIPPED)
# A few rows of each file that are right, with every column.
RIGHT_ROWS: dict[str, list[Mapping[str, str]]] = {
    file: list(seed.texts.values())[:20] or [dict.fromkeys(columns_of(ROW_MODELS[file]), "") | EXPERIMENT]
    for file, seed in SHIPPED_SEEDS.by_file.items()
}
SQL_TYPES: dict[str, dict[str, str]] = {
    file: yaml.safe_load((SHIPPED / file).with_suffix(".yml").read_text())["seeds"][0]["config"]["column_types"]
    for file in ROW_MODELS
}
MACRO = (PROJECT_DIR / "macros" / "materializations" / "seed.sql").read_text()
(COPY_OPTIONS,) = re.findall(r"\(format csv.*\)", MACRO)
PYTHON_TYPES = {
    "integer": int,
    "bigint": int,
    "double": float,
    "boolean": bool,
    "date": date,
    "timestamp": datetime,
}
# What an editor or a spreadsheet can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
NEAR_NUMBERS = st.one_of(
    st.from_regex(r"[ +-]?[0-9]{1,12}([._,e][0-9]{1,3})?", fullmatch=True),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["nan", "inf", "1e3", "1_000", "0x1", "²", "true", "TRUE", "t", "yes", "1", "0"]),
    st.dates().map(str),
    st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?)?", fullmatch=True),
    st.datetimes().map(str),
)


def of(selected: Sequence[tuple[type[Row], Column]]) -> pytest.MarkDecorator:
    names = [f"{model.file} {column.name}" for model, column in selected]
    return pytest.mark.parametrize(("model", "column"), selected, ids=names)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seeds")


def written(folder: Path, model: type[Row], rows: Sequence[Mapping[str, str]]) -> Path:
    path = folder / model.file
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns_of(model)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(folder: Path, model: type[Row], rows: Sequence[Mapping[str, str]]) -> Seed[Any]:
    return read_seed(written(folder, model, rows), model)


def among_others(seed: Seed[Any]) -> Seeds:
    return Seeds({**SHIPPED_SEEDS.by_file, seed.file: seed})


def places(problems: Sequence[Problem]) -> list[tuple[str, int | None, str | None]]:
    assert all(problem.what and problem.remedy for problem in problems)
    return [(problem.file, problem.line, problem.column) for problem in problems]


@pytest.mark.parametrize("model", MODELS, ids=list(ROW_MODELS))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_key_stands_twice(folder: Path, model: type[Row], data: st.DataObject) -> None:
    rows = RIGHT_ROWS[model.file]
    again = dict(data.draw(st.sampled_from(rows)))
    others = [name for name in columns_of(model) if name not in model.key]
    changed = data.draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    again |= {name: data.draw(TEXTS) for name in changed}
    seed = read(folder, model, [*rows, again])
    found = places(list(key_problems(among_others(seed))))
    assert found == [(model.file, seed_lines(seed)[-1], ", ".join(model.key))]


def seed_lines(seed: Seed[Any]) -> list[int]:
    return list(seed.texts)


@pytest.mark.parametrize(
    ("model", "key_column"),
    [(model, name) for model in MODELS for name in model.key],
    ids=[f"{model.file} {name}" for model in MODELS for name in model.key],
)
def test_rows_that_differ_in_one_column_of_the_key_are_two(folder: Path, model: type[Row], key_column: str) -> None:
    row = dict(RIGHT_ROWS[model.file][0])
    seed = read(folder, model, [row, row | {key_column: row[key_column] + "1"}])
    assert list(key_problems(among_others(seed))) == []


@of([(model, column) for model, column in COLUMNS if not column.may_be_empty])
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_a_cell_that_must_be_filled_is_never_null(
    folder: Path, model: type[Row], column: Column, data: st.DataObject
) -> None:
    rows = RIGHT_ROWS[model.file]
    place = data.draw(st.integers(0, len(rows) - 1))
    seed = read(folder, model, [*rows[:place], {**rows[place], column.name: ""}, *rows[place + 1 :]])
    assert (model.file, seed_lines(seed)[place], column.name) in places(seed.problems)
    assert len(seed.rows) == len(rows) - 1


@of([(model, column) for model, column in COLUMNS if column.may_be_empty])
def test_a_cell_that_may_be_empty_is_null(folder: Path, model: type[Row], column: Column) -> None:
    (row,) = read(folder, model, [{**RIGHT_ROWS[model.file][0], column.name: ""}]).rows.values()
    assert getattr(row, column.name) is None


@of([(model, column) for model, column in COLUMNS if column.choices])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_only_values_of_a_closed_list_are_taken(
    folder: Path, model: type[Row], column: Column, data: st.DataObject
) -> None:
    known = st.sampled_from(column.choices)
    similar = st.one_of(known.map(str.upper), known.map(lambda one: f"{one} "), known.map(lambda one: one[1:]))
    value = data.draw(st.one_of(TEXTS, similar))
    assume(not set(value.split("|") if column.is_list else [value]) & {*column.choices, ""})
    row = RIGHT_ROWS[model.file][0]
    seed = read(folder, model, [row, {**row, column.name: value}])
    assert set(places(seed.problems)) == {(model.file, seed_lines(seed)[1], column.name)}
    for choice in column.choices:
        assert read(folder, model, [{**row, column.name: choice}]).problems == ()


@of([(model, column) for model, column in COLUMNS if column.reference])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_reference_leads_to_a_row(folder: Path, model: type[Row], column: Column, data: st.DataObject) -> None:
    assert column.reference is not None
    known = SHIPPED_SEEDS.by_file[column.reference.file].values(column.reference.column)
    rows, right = RIGHT_ROWS[model.file], data.draw(st.sampled_from(sorted(known)))
    value = data.draw(st.one_of(TEXTS.map(str.strip), st.just(f"{right}s"), st.just(right.upper())))
    assume(value and "|" not in value and value not in known)
    shown = data.draw(st.sampled_from([value, f"{right}|{value}"])) if column.is_list else value
    seed = read(folder, model, [*rows, {**rows[0], column.name: right}, {**rows[0], column.name: shown}])
    assert seed.problems == ()
    found = places(list(reference_problems(among_others(seed))))
    assert found == [(model.file, seed_lines(seed)[-1], column.name)]


@of([(model, column) for model, column in COLUMNS if SQL_TYPES[model.file][column.name] != "string"])
@settings(max_examples=60, deadline=None)
@given(text=st.one_of(NEAR_NUMBERS, TEXTS))
def test_what_is_accepted_is_what_duckdb_reads(folder: Path, model: type[Row], column: Column, text: str) -> None:
    kind = SQL_TYPES[model.file][column.name]
    row = RIGHT_ROWS[model.file][0]
    seed = read(folder, model, [{**row, column.name: text}])
    if seed.problems:
        assert set(places(seed.problems)) == {(model.file, seed_lines(seed)[0], column.name)}
        return
    (read_row,) = seed.rows.values()
    value = getattr(read_row, column.name)
    assert type(value) is PYTHON_TYPES[kind]
    assert duckdb.execute(f"select cast($1 as {kind})", [text]).fetchall() == [(value,)]


@pytest.mark.parametrize("model", MODELS, ids=list(ROW_MODELS))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_duckdb_reads_the_rows_that_python_reads(folder: Path, model: type[Row], data: st.DataObject) -> None:
    """By the statement of the macro, for whatever stands in the columns of texts."""
    types, rows = SQL_TYPES[model.file], RIGHT_ROWS[model.file]
    texts = st.one_of(TEXTS, st.text("'\",;|\\\\ \tab", min_size=1, max_size=8))
    free = [name for name, column in columns_of(model).items() if types[name] == "string" and not column.choices]
    changed = [{name: data.draw(texts) for name in data.draw(st.sets(st.sampled_from(free)))} for _ in rows[:3]]
    path = written(folder, model, [*rows, *({**row, **cells} for row, cells in zip(rows, changed, strict=False))])
    seed = read_seed(path, model)
    path = written(folder, model, [seed.texts[line] for line in seed.rows])
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{name}" {"varchar" if kind == "string" else kind}' for name, kind in types.items())
        connection.execute(f"create table seed ({columns})")
        connection.execute(f"copy seed from '{path}' {COPY_OPTIONS}")
        held = connection.execute("from seed").fetchall()
    assert len(held) >= len(rows)
    assert held == [
        tuple(
            (seed.texts[line][name] or None) if kind == "string" else getattr(row, name) for name, kind in types.items()
        )
        for line, row in seed.rows.items()
    ]
