"""Hostile words in every cell of every seed: refused by file, line and column before a run, or data like any other."""

import csv
import io
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from orchestration.building.project import assemble_project
from orchestration.configuration.problems import ConfigurationError
from orchestration.redaction.printable import printable
from tests.support.configured_rows import EXPERIMENT, SHIPPED, row_of, shipped
from tests.support.warehouse import WarehouseUnderTest

WORDS = (
    "'; drop table raw.events; --",
    '"; drop schema marts cascade; --',
    "x'); drop table seeds.sources; --",
    "{{ 1 / 0 }}",
    "{% include '/etc/passwd' %}{# #}",
    "{{ env_var('HOME') }}",
    "a;b;c",
    "it's",
    '"',
    "''",
    "'quoted'",
    "\u202egpj.exe",
    "\u2066left\u2069",
    "two\nlines",
    "carriage\rreturn",
    "nul\x00inside",
    "\ufeffmark",
    "1e308",
    "1e309",
    "-1e308",
    "nan",
    "inf",
    "99999999999999999999999999999999",
    "-9223372036854775809",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@sum(1)",
    "\\N",
    "null",
    "%s %(x)s {0}",
    "a,b",
    "a|b",
    "\x1b[2J\x1b]0;owned\x07",
    "x" * 100_000,
    " blanks ",
    "\t",
    "true",
    "2026-13-45",
    "9999-12-31",
    "0001-01-01 00:00:00",
    "\U0001f600\U0010ffff",
)
DRAWN, BUILDS = 40, 4
# As the pages write it; a problem of the file as a whole has no column.
PROBLEM = re.compile(r"[a-z_]+\.csv: line \d+: ([a-z_, ]+: )?.+", re.DOTALL)


class Attack(NamedTuple):
    """One cell of the last row of a seed."""

    file: str
    column: str
    word: str


def rows_of(file: str) -> list[list[str]]:
    text = shipped(file)
    if file == "ab_tests.csv":
        text += row_of(file, **EXPERIMENT) + "\n"
    return list(csv.reader(io.StringIO(text)))


def attacked(attack: Attack) -> str:
    """Return the seed with the word in its cell, as a spreadsheet writes it."""
    header, *rows = rows_of(attack.file)
    rows[-1][header.index(attack.column)] = attack.word
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([header, *rows])
    return written.getvalue()


def all_attacks() -> Iterator[Attack]:
    for path in sorted(SHIPPED.glob("*.csv")):
        for column in rows_of(path.name)[0]:
            yield from (Attack(path.name, column, word) for word in WORDS)


def is_accepted(folder: Path, *attacks: Attack) -> bool:
    """Assemble a project with the attacked seeds; a refusal names the place, in words that a terminal only shows."""
    overrides = folder / "my-seeds"
    overrides.mkdir(exist_ok=True)
    for old in overrides.iterdir():
        old.unlink()
    for one in attacks:
        (overrides / one.file).write_text(attacked(one), encoding="utf-8", newline="")
    try:
        assemble_project(folder / "project", overrides)
    except ConfigurationError as error:
        shown = printable(str(error))
        title, *problems = shown.splitlines()
        assert title == "the configuration cannot be used:"
        assert problems
        for line in map(str.strip, problems):
            assert PROBLEM.fullmatch(line), (attacks, line[:500])
        return False
    return True


def test_a_drawn_word_in_a_drawn_cell_is_refused_by_its_place_or_accepted(tmp_path: Path) -> None:
    attacks = random.Random("seeds").sample(list(all_attacks()), DRAWN)  # noqa: S311
    verdicts = [is_accepted(tmp_path, one) for one in attacks]
    assert {True, False} == set(verdicts)


@pytest.mark.full
def test_every_word_in_every_cell(tmp_path: Path) -> None:
    for one in all_attacks():
        is_accepted(tmp_path, one)


def seed_rows(warehouse: WarehouseUnderTest, file: str) -> list[tuple[str, ...]]:
    """Return what dbt made of a seed, as text."""
    with duckdb.connect(str(warehouse.home.build_database), read_only=True) as connection:
        names = ", ".join(f"coalesce(\"{name}\"::varchar, '')" for name in rows_of(file)[0])
        return connection.execute(f"select {names} from seeds.{file.removesuffix('.csv')}").fetchall()


@pytest.mark.full
@pytest.mark.parametrize("number", range(BUILDS))
def test_what_is_accepted_is_data_in_the_marts(tmp_path: Path, number: int) -> None:
    """A word in a drawn cell of every seed at once, as many as go together; the numbers are those without."""
    chance = random.Random(f"build {number}")  # noqa: S311
    attacks = list(all_attacks())
    chance.shuffle(attacks)
    chosen: dict[str, Attack] = {}
    for one in attacks:
        # Which source a row is of, and what counts as which event, changes the facts as it should.
        if one.file not in chosen and one.file != "sources.csv" and is_accepted(tmp_path, *chosen.values(), one):
            chosen[one.file] = one
        if len(chosen) == len(list(SHIPPED.glob("*.csv"))) - 1:
            break
    events = [
        {
            "event_id": f"e{n}",
            "conversation_id": f"c{n}",
            "event_type": "user_message",
            "timestamp": f"2025-03-03T10:0{n}:00Z",
            "properties": {"content": "where is my parcel"},
        }
        for n in range(5)
    ]
    warehouse = WarehouseUnderTest(
        tmp_path / "warehouse", {one.file: attacked(one) for one in chosen.values()}, experiments=True
    )
    warehouse.write_events(events)
    warehouse.land()
    warehouse.build(tests=True)
    assert warehouse.rows("select count(*), sum(user_message_count)::int from marts.fct_conversations") == [(5, 5)]
    for file, one in chosen.items():
        column = rows_of(file)[0].index(one.column)
        held = [row[column] for row in seed_rows(warehouse, file)]
        if one.word in held:
            continue
        # Not text: held as the number, the day or the flag that it states.
        assert not re.search(r"[^0-9eE+\-. :truefalsTRUEFALSaninyINFNAN]", one.word), (one, held[-3:])
