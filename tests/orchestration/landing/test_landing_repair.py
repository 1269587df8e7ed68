"""Landing a corrected file again and excluding a bad one: nothing that other files carried is lost."""

import json
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.landing import RepairError, RepairSummary, repair_file
from orchestration.landing.file_repair import landed_name
from orchestration.settings import PROJECT_DIR
from tests.orchestration.landing.conftest import HASH_KEY, Warehouse, event, jsonl

# id -> content, in the order of the lines.
Content = list[tuple[int, str]]


def repair(
    warehouse: Warehouse, operation: Any, name: str, on_progress: Callable[[str], None] = lambda _: None
) -> RepairSummary:
    summary = repair_file(
        operation,
        warehouse.database,
        warehouse.landing,
        warehouse.landing / name,
        seeds=PROJECT_DIR / "seeds",
        hash_key=HASH_KEY,
        stable_after=timedelta(hours=1),
        now=warehouse.now,
        on_progress=on_progress,
    )
    warehouse.check_sums()
    return summary


def message(number: int, text: str) -> dict[str, Any]:
    return event(number, event_type="user_message", properties={"content": text})


def write(warehouse: Warehouse, name: str, lines: Content) -> Path:
    return warehouse.write(name, jsonl(*(message(number, text) for number, text in lines)))


def held(warehouse: Warehouse) -> dict[int, str]:
    """Return the text that is held of each event; every event has exactly one."""
    rows = warehouse.rows(
        "select event_id, content from raw.events left join raw.message_texts using (event_id) order by event_id"
    )
    texts = {int(event_id[1:]): content for event_id, content in rows}
    assert len(texts) == len(rows) == warehouse.value("select count(*) from raw.message_texts")
    return texts


def conflicts(warehouse: Warehouse) -> list[tuple[str, int]]:
    """(file, line) of the lines refused because of another line."""
    return warehouse.rows(
        "select _file, _line from raw.rejected_events where reason = 'conflicting_duplicate' order by all"
    )


def operations(warehouse: Warehouse) -> list[tuple[str, int, dict[str, Any]]]:
    rows = warehouse.rows("select operation, load_id, detail from raw.operations order by load_id")
    return [(operation, load_id, json.loads(detail)) for operation, load_id, detail in rows]


def dump(warehouse: Warehouse) -> list[list[tuple[Any, ...]]]:
    tables = warehouse.rows("select table_name from duckdb_tables() where schema_name = 'raw' order by all")
    return [warehouse.rows(f"from raw.{name} order by all") for (name,) in tables]


def land(warehouse: Warehouse, **files: Content) -> None:
    """Land files one after the other, each in a load of its own."""
    for name, lines in files.items():
        write(warehouse, f"events/{name}.jsonl", lines)
        warehouse.load()


def test_a_corrected_file_takes_the_place_of_what_it_said(warehouse: Warehouse) -> None:
    land(warehouse, a=[(1, "one"), (2, "wrong"), (3, "three")], b=[(4, "four")])
    warehouse.write("events/a.jsonl", jsonl(message(1, "one"), message(2, "right"), message(5, "five")) + "[]\n")
    summary = repair(warehouse, "reload", "events/a.jsonl")
    assert held(warehouse) == {1: "one", 2: "right", 4: "four", 5: "five"}
    assert warehouse.reasons() == [(4, "not_an_object")]
    assert summary.as_text().splitlines() == [
        "events/a.jsonl: 3 events and 0 refused lines taken out",
        "  landed again: 4 lines = 3 accepted + 1 rejected + 0 duplicates",
    ]
    detail = {"events_removed": 3, "rejected_removed": 0, "lines": 4, "accepted": 3, "rejected": 1, "duplicates": 0}
    detail |= {"files_read_again": 0, "files_missing": 0, "events_came_back": 0}
    assert operations(warehouse) == [("reload", 3, {"file": "events/a.jsonl"} | detail)]
    assert warehouse.rows("select * from raw.repaired_conversations") == [("events", "c0", 3, "reload")]
    # The next run finds nothing to do, and the next load goes on counting.
    assert {one.state for one in warehouse.load().files} == {"unchanged"}
    land(warehouse, c=[(6, "six")])
    assert warehouse.value("select max(load_id) from raw.loaded_files") == 4


def test_a_file_that_grew_goes_with_everything_it_ever_brought(warehouse: Warehouse) -> None:
    land(warehouse, a=[(1, "one")])
    land(warehouse, a=[(2, "two"), (3, "three")])
    assert held(warehouse) == {1: "one", 2: "two", 3: "three"}
    land_state = repair(warehouse, "reload", "events/a.jsonl")
    assert land_state.forgotten.loads == 2
    assert held(warehouse) == {2: "two", 3: "three"}


def test_a_dropped_file_stays_out_until_it_changes(warehouse: Warehouse) -> None:
    land(warehouse, a=[(1, "one"), (2, "two")], b=[(3, "three")])
    path = warehouse.landing / "events" / "a.jsonl"
    content = path.read_bytes()
    repair(warehouse, "exclude", "events/a.jsonl")
    assert held(warehouse) == {3: "three"}
    assert path.read_bytes() == content
    # Affected is not changed.
    warehouse.write("events/a.jsonl", content, age=timedelta(hours=2))
    assert {one.state for one in warehouse.load().files} == {"unchanged"}
    land(warehouse, a=[(1, "one"), (2, "two, corrected")])
    assert held(warehouse) == {1: "one", 2: "two, corrected", 3: "three"}


def test_a_dropped_file_can_be_taken_up_again(warehouse: Warehouse) -> None:
    land(warehouse, a=[(1, "one")])
    repair(warehouse, "exclude", "events/a.jsonl")
    repair(warehouse, "reload", "events/a.jsonl")
    assert held(warehouse) == {1: "one"}
    assert [(name, load_id) for name, load_id, _ in operations(warehouse)] == [("exclude", 2), ("reload", 3)]


def test_an_event_that_another_file_carried_too_comes_back_from_there(warehouse: Warehouse) -> None:
    """The first of the others wins, its text with it; a line refused before is the event now."""
    land(
        warehouse,
        p=[(1, "one"), (2, "mine"), (3, "three")],
        q=[(1, "one"), (2, "theirs")],
        r=[(2, "last"), (4, "four")],
    )
    assert conflicts(warehouse) == [("events/q.jsonl", 2), ("events/r.jsonl", 1)]
    summary = repair(warehouse, "exclude", "events/p.jsonl")
    assert held(warehouse) == {1: "one", 2: "theirs", 4: "four"}
    assert conflicts(warehouse) == [("events/r.jsonl", 1)]
    assert (summary.came_back, len(summary.rereads)) == (2, 2)
    assert warehouse.rows("select _file, event_id from raw.events where _load_id = 4 order by event_id") == [
        ("events/q.jsonl", "e1"),
        ("events/q.jsonl", "e2"),
    ]


def test_a_correction_keeps_the_place_of_its_file(warehouse: Warehouse) -> None:
    """Another file has the old text under a name that sorts first: the correction still wins, as the first landed."""
    land(warehouse, p=[(1, "wrong")], a=[(1, "wrong")])
    write(warehouse, "events/p.jsonl", [(1, "right")])
    repair(warehouse, "reload", "events/p.jsonl")
    assert held(warehouse) == {1: "right"}
    assert conflicts(warehouse) == [("events/a.jsonl", 1)]


def test_a_file_that_is_away_brings_its_events_when_it_is_back(warehouse: Warehouse) -> None:
    land(warehouse, p=[(1, "one"), (2, "two")], q=[(1, "one"), (3, "three")])
    away = warehouse.landing / "events" / "q.jsonl"
    kept = away.read_bytes()
    away.unlink()
    summary = repair(warehouse, "exclude", "events/p.jsonl")
    assert summary.missing == ("events/q.jsonl",)
    assert "events/q.jsonl may hold events of it and is not there" in summary.as_text()
    assert held(warehouse) == {3: "three"}
    with pytest.raises(RepairError, match="waits to be read again"):
        repair(warehouse, "exclude", "events/q.jsonl")
    warehouse.write("events/q.jsonl", kept)
    warehouse.load()
    assert held(warehouse) == {1: "one", 3: "three"}


@pytest.mark.parametrize("operation", ["reload", "exclude"])
def test_a_path_that_never_landed_is_refused(warehouse: Warehouse, operation: str) -> None:
    land(warehouse, march=[(1, "one")])
    before = dump(warehouse)
    with pytest.raises(RepairError, match=r"events/march\.json has never landed.*did you mean events/march\.jsonl"):
        repair(warehouse, operation, "events/march.json")
    assert dump(warehouse) == before


def test_what_cannot_be_read_whole_changes_nothing(warehouse: Warehouse) -> None:
    land(warehouse, a=[(1, "one")], b=[(1, "one")])
    before = dump(warehouse)
    path = warehouse.landing / "events" / "a.jsonl"
    warehouse.write("events/a.jsonl", path.read_bytes() + b'{"event_id": "e2", "conv', age=timedelta(minutes=1))
    with pytest.raises(RepairError, match=r"events/a\.jsonl is not whole"):
        repair(warehouse, "reload", "events/a.jsonl")
    assert dump(warehouse) == before
    path.unlink()
    with pytest.raises(RepairError, match=r"events/a\.jsonl is not in the landing folder: put the corrected file"):
        repair(warehouse, "reload", "events/a.jsonl")
    path.mkdir()
    with pytest.raises(RepairError, match=r"events/a\.jsonl: a folder, not a file"):
        repair(warehouse, "reload", "events/a.jsonl")
    assert dump(warehouse) == before


def test_nothing_has_landed_yet(warehouse: Warehouse) -> None:
    warehouse.database.unlink()
    with pytest.raises(RepairError, match="nothing has landed yet"):
        repair(warehouse, "exclude", "events/a.jsonl")
    assert not warehouse.database.exists()


@pytest.mark.parametrize(
    ("operation", "at"),
    # An excluded file is not read itself.
    [("reload", "events/p.jsonl"), ("reload", "events/q.jsonl"), ("exclude", "events/q.jsonl")],
)
def test_a_break_in_the_middle_leaves_the_old_state(warehouse: Warehouse, operation: str, at: str) -> None:
    """After the rows are gone, while the corrected file or a file that shares events with it is read."""
    land(warehouse, p=[(1, "one"), (2, "two")], q=[(1, "one"), (2, "other")])
    write(warehouse, "events/p.jsonl", [(3, "three")])
    before = dump(warehouse)

    def stop(text: str) -> None:
        if text.startswith(at):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair(warehouse, operation, "events/p.jsonl", stop)
    assert dump(warehouse) == before


def test_a_file_is_named_as_a_path_or_as_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = tmp_path / "landing"
    (landing / "events").mkdir(parents=True)
    (tmp_path / "link").symlink_to(landing)
    monkeypatch.chdir(tmp_path)
    for file in (
        "landing/events/a.jsonl",
        "./landing/events/../events/a.jsonl",
        str(landing / "events" / "a.jsonl"),
        "link/events/a.jsonl",
        "events/a.jsonl",
    ):
        assert landed_name(landing, Path(file)) == "events/a.jsonl"


def random_files(dice: random.Random, *, has_conflicts: bool) -> dict[str, Content]:
    """Make a few files whose events overlap; in conflict the text differs by file."""
    return {
        name: [
            (number, f"{number} of {name}" if has_conflicts and dice.random() < 0.5 else f"{number}")
            for number in dice.sample(range(12), dice.randint(1, 8))
        ]
        for name in dice.sample("abcdef", 5)
    }


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=() if seed < 4 else pytest.mark.full) for seed in range(60)])
def test_no_event_of_another_file_is_lost_and_none_of_this_one_stays(
    warehouse: Warehouse, tmp_path: Path, empty_database: Path, seed: int
) -> None:
    """Against a plain account of which file held which event; without conflicts also against an empty warehouse."""
    dice = random.Random(seed)  # noqa: S311
    has_conflicts, is_exclusion = seed % 2 == 0, seed % 3 == 0
    files = random_files(dice, has_conflicts=has_conflicts)
    land(warehouse, **files)
    repaired = dice.choice(list(files))
    corrected = [] if is_exclusion else random_files(dice, has_conflicts=has_conflicts).popitem()[1]

    holders: dict[int, tuple[str, str]] = {}
    for name, lines in files.items():
        for number, text in lines:
            holders.setdefault(number, (name, text))
    expected = {number: text for number, (name, text) in holders.items() if name != repaired}
    expected = dict(corrected) | expected
    for number, text in (line for name, lines in files.items() if name != repaired for line in lines):
        expected.setdefault(number, text)

    if not is_exclusion:
        write(warehouse, f"events/{repaired}.jsonl", corrected)
    repair(warehouse, "exclude" if is_exclusion else "reload", f"events/{repaired}.jsonl")
    now_there = files | {repaired: corrected}
    assert held(warehouse) == expected
    assert conflicts(warehouse) == sorted(
        (f"events/{name}.jsonl", line)
        for name, lines in now_there.items()
        for line, (number, text) in enumerate(lines, start=1)
        if expected[number] != text
    )
    if not has_conflicts:
        anew = Warehouse(tmp_path / "anew")
        anew.landing.mkdir(parents=True)
        shutil.copyfile(empty_database, anew.database)
        land(anew, **now_there)
        assert held(anew) == expected
