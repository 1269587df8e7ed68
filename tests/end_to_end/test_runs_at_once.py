"""Four real runs started together while files keep landing and a reader asks all the while: the end is that of one."""

import json
import threading
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.home import Home
from tests.support.bench import PUBLICATION_RECORDS
from tests.support.commands import environment_of, run_command, start_command
from tests.support.comparison import differences
from tests.support.crashes import assert_every_line_is_accounted_for, assert_nothing_left_behind
from tests.support.published_samples import query
from tests.support.published_versions import assert_versions_are_whole

RUNS, FILES, LINES = 4, 12, 20
TOTALS = "select count(*), count(distinct conversation_key) from marts.fct_conversations"


def lines_of(file: int) -> list[str]:
    """Return the lines of a file: the last of the file before again, one that is no JSON, and new ones."""
    numbers = [max(file * LINES - 1, 0), *range(file * LINES, (file + 1) * LINES)]
    events = [
        {
            "event_id": f"e{number}",
            "conversation_id": f"c{number // 2}",
            "event_type": "user_message",
            "timestamp": f"2026-02-{1 + number % 28:02}T10:00:{number % 60:02}Z",
            "properties": {"content": f"hello {number}"},
        }
        for number in numbers
    ]
    return [*map(json.dumps, events), '{"cut off']


def land(landing: Path, file: int) -> None:
    """Put a file in place as writers should: under another name first."""
    draft = landing / f"{file}.draft"
    draft.write_text("".join(line + "\n" for line in lines_of(file)))
    draft.rename(landing / "events" / f"{file:03}.jsonl")


class Reader(threading.Thread):
    """Opens the published file again and again and keeps what it saw, errors too, until it is stopped."""

    def __init__(self, published: Path) -> None:
        super().__init__()
        self._file = published / "colloquy.duckdb"
        self._stopped = threading.Event()
        self.seen: list[tuple[int, int]] = []
        self.errors: list[Exception] = []

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                with duckdb.connect(str(self._file), read_only=True) as connection:
                    self.seen += connection.execute(TOTALS).fetchall()
            except Exception as error:  # noqa: BLE001 - whatever a reader gets is a failure of the test
                self.errors.append(error)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


@pytest.mark.full
def test_four_runs_over_a_growing_folder(tmp_path: Path) -> None:
    home, landing = Home(tmp_path / "home"), tmp_path / "landing"
    (landing / "events").mkdir(parents=True)
    land(landing, 0)
    run_command(home.root, landing, "run")
    reader = Reader(home.published)
    reader.start()
    runs = [start_command(environment_of(home.root, landing), "run") for _ in range(RUNS)]
    outputs: list[str] = [""] * RUNS
    try:
        # The folder grows as the runs print: a file for each of their lines, as long as there are some.
        waiting = iter(range(1, FILES))
        for place, process in enumerate(runs):
            assert process.stdout is not None
            for line in process.stdout:
                outputs[place] += line
                file = next(waiting, None)
                if file is not None:
                    land(landing, file)
            process.wait()
    finally:
        reader.stop()
    assert [process.returncode for process in runs] == [0] * RUNS, "\n".join(outputs)
    assert "Traceback" not in "".join(outputs)
    assert next(waiting, None) is None
    # What landed after the last of them had listed the folder.
    run_command(home.root, landing, "run")

    assert reader.errors == []
    # Each version has more conversations than the one before, and none twice.
    assert all(rows == keys for rows, keys in reader.seen)
    counts = [rows for rows, _ in reader.seen]
    assert counts == sorted(counts)
    assert counts[0] == LINES // 2

    assert_every_line_is_accounted_for(home.raw_database)
    assert_versions_are_whole(home.published)
    assert_nothing_left_behind(home)
    # 20 new lines and one that is no JSON in each file; the last line of the file before again, in the first its own.
    sums = ", ".join(f"sum({name})::int" for name in ("lines", "accepted", "rejected", "duplicates"))
    totals = f"select {sums} from raw.raw.loaded_files"
    assert query(home.raw_database, totals) == [(FILES * (LINES + 2), FILES * LINES, FILES, FILES)]
    published = home.published / "colloquy.duckdb"
    assert query(published, TOTALS) == [(FILES * LINES // 2,) * 2]

    alone = Home(tmp_path / "alone")
    run_command(alone.root, landing, "run")
    # Days of a load and versions between are those of several runs; every number is that of one.
    assert (
        differences(alone.published / "colloquy.duckdb", published, without=["data_quality", *PUBLICATION_RECORDS])
        == []
    )
