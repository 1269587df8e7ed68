"""A small warehouse that is killed at a chosen moment of a run, and what must hold whenever that happens.

A moment is the n-th statement DuckDB is given, or the n-th change of a name on disk (rename, link, unlink, ...),
counted from the start of a phase (landing, labels, dbt, publish): the same every time. A torn write is the other
kind of death: the kernel ends the process in the middle of the write that takes a file beyond a size.
"""

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from orchestration.ledger.labellers import rules_labeller
from orchestration.ledger.labelling import LabelSummary
from orchestration.ledger.message_labelling import MessageSummary
from orchestration.publishing import read_manifest
from orchestration.warehouse.home import Home
from orchestration.warehouse.lock import hold_lock
from orchestration.warehouse.recovery import HEADER_BYTES, recover_files
from orchestration.warehouse.source_contracts import SOURCES
from tests.support.published_versions import assert_versions_are_whole
from tests.support.random_conversations import SEEDS
from tests.support.random_histories import LATE_HISTORY, by_source
from tests.support.warehouse import WarehouseUnderTest

# Runs are killed in this order: a run killed in the second half of dbt's work has committed all labels before.
PHASES = ("landing", "labels", "dbt", "publish")
KEPT_VERSIONS = 2
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Small files: a source comes in several of them.
_LINES_A_FILE = 12
_CHANGES_ON_DISK = {"os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}


class CrashWarehouse:
    """One folder with a warehouse in it that can be kept, put back and run; its history is two batches of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "home")

    def land_batches(self, *batches: int) -> None:
        """Put the files of these batches into the landing folder, each with a line that is no JSON."""
        landings = LATE_HISTORY.landings()
        for batch in batches:
            for source, lines in by_source(landings[batch]).items():
                folder = self.folder / "landing" / source
                folder.mkdir(parents=True, exist_ok=True)
                for first in range(0, len(lines), _LINES_A_FILE):
                    part = [json.dumps(line) for line in lines[first : first + _LINES_A_FILE]]
                    # The first line again, and one that is refused.
                    text = "\n".join([*part, part[0], '{"cut off', ""])
                    (folder / f"batch-{batch}-{first:05}.jsonl").write_text(text)

    def keep(self, name: str) -> None:
        """Keep the whole folder as it is now, hard links and all."""
        kept = self.folder.with_name(f"{self.folder.name}-{name}")
        shutil.rmtree(kept, ignore_errors=True)
        _copy(self.folder, kept)

    def restore(self, name: str) -> None:
        """Go back to what `keep` kept."""
        shutil.rmtree(self.folder, ignore_errors=True)
        _copy(self.folder.with_name(f"{self.folder.name}-{name}"), self.folder)

    def kept(self, name: str) -> Home:
        """Return the home that `keep` kept."""
        return Home(self.folder.with_name(f"{self.folder.name}-{name}") / "home")


def run_once(folder: str, hour: int, kill: tuple[str, int] | None = None, tear: tuple[str, int] | None = None) -> None:
    """Land, build and publish under the lock, as a run does; a forked process calls this.

    `kill` is (phase, moment). `tear` is (phase, bytes): no file may grow beyond so many from that phase on. Without
    either, the moments of each phase are written to `moments.json`.
    """
    # Read from the environment when the job starts; here it is the folder that decides.
    now = _NOW + timedelta(hours=hour)
    moments = _Moments(None if kill is None else (kill[0], kill[1]))

    def begin(phase: str) -> None:
        moments.begin(phase)
        if tear is not None and tear[0] == phase:
            # Python ignores the signal of its own accord and would get an error instead.
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (tear[1], tear[1]))

    class Labelled(WarehouseUnderTest):
        """Labels in a phase of its own."""

        def label(self, relabel_from: datetime | None = None) -> LabelSummary:
            begin("labels")
            summary = super().label(relabel_from)
            begin("dbt")
            return summary

        def label_messages(self, relabel_from: datetime | None = None) -> MessageSummary:
            begin("labels")
            summary = super().label_messages(relabel_from)
            begin("dbt")
            return summary

    warehouse = Labelled(Path(folder), SEEDS, loads=hour, labeller=rules_labeller())
    home = warehouse.home
    moments.watch()
    with hold_lock(home.lock, "run", _say, now=now):
        recover_files(home, _say)
        begin("landing")
        warehouse.land(now)
        begin("dbt")
        warehouse.build()
        begin("publish")
        warehouse.publish(now, keep=KEPT_VERSIONS, on_progress=_say)
    if kill is None and tear is None:
        (Path(folder) / "moments.json").write_text(json.dumps(moments.counts()))


def _say(message: str) -> None:
    print(message, flush=True)


class _Moments:
    """Counts the moments of each phase and dies at the one asked for."""

    def __init__(self, kill: tuple[str, int] | None) -> None:
        self._kill = kill
        self._phase = ""
        # Of several threads: `next` on a count is one step.
        self._counts = {phase: count(1) for phase in PHASES}

    def begin(self, phase: str) -> None:
        self._phase = phase

    def counts(self) -> dict[str, int]:
        return {phase: next(counter) - 1 for phase, counter in self._counts.items()}

    def pass_one(self) -> None:
        if self._phase and self._kill == (self._phase, next(self._counts[self._phase])):
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        connect: Callable[..., Any] = duckdb.connect
        duckdb.connect = lambda *a, **options: _Watched(connect(*a, **options), self)  # type: ignore[assignment]
        sys.addaudithook(lambda event, _: self.pass_one() if event in _CHANGES_ON_DISK else None)


class _Watched:
    """A DuckDB connection or cursor, each of whose statements is a moment."""

    def __init__(self, connection: Any, moments: _Moments) -> None:
        self._connection, self._moments = connection, moments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        self._moments.pass_one()
        return self._connection.execute(*arguments)

    def cursor(self) -> "_Watched":
        return _Watched(self._connection.cursor(), self._moments)

    def __enter__(self) -> "_Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def assert_every_line_is_accounted_for(raw_database: Path) -> None:
    """At any moment: each loaded file's lines are its rows, its refusals and its duplicates, and no row has no file."""
    if not raw_database.exists() or raw_database.stat().st_size < HEADER_BYTES:
        return
    with duckdb.connect(str(raw_database), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        if "loaded_files" not in tables:
            return
        rows = " union all ".join(f"select _file from raw.raw.{source}" for source in SOURCES if source in tables)
        accounts = connection.execute(
            f"""
            with held as (select _file, count(*) as n from ({rows}) group by all),
            refused as (select _file, count(*) as n from raw.raw.rejected_events group by all)
            select f.file, held._file, refused._file, f.lines, f.accepted, f.rejected, f.duplicates,
                coalesce(held.n, 0), coalesce(refused.n, 0)
            from raw.raw.loaded_files as f
            full join held on held._file = f.file
            full join refused on refused._file = coalesce(f.file, held._file)
            """
        ).fetchall()
    for file, _, _, lines, accepted, rejected, duplicates, held, refused in accounts:
        assert file is not None, accounts
        assert lines == accepted + rejected + duplicates, file
        assert (accepted, rejected) == (held, refused), file


def raw_lines(raw_database: Path) -> Mapping[str, list[tuple[Any, ...]]]:
    """Return what has landed from where, without the number of the load that brought it."""
    queries = {source: f"select _file, _line, event_id from raw.raw.{source} order by all" for source in SOURCES}
    queries["rejected_events"] = "select _file, _line, reason, line from raw.raw.rejected_events order by all"
    queries["loaded_files"] = (
        "select file, lines, accepted, rejected, duplicates, reread from raw.raw.loaded_files order by all"
    )
    with duckdb.connect(str(raw_database), read_only=True) as connection:
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def labels_held(raw_database: Path) -> list[tuple[Any, ...]]:
    """Return what is labelled, without the number, run and time of the labelling; one labelled twice stands twice."""
    with duckdb.connect(str(raw_database), read_only=True) as connection:
        return [
            row
            for table in ("stage_labels", "message_labels")
            for row in connection.execute(
                f"select * exclude (run_id, labelled_at, _load_id) from raw.ledger.{table} order by all"
            ).fetchall()
        ]


def assert_nothing_left_behind(home: Home) -> None:
    """Nothing but what a run that was never disturbed leaves."""
    names = {path.name for path in home.root.iterdir()}
    assert names <= {"raw.duckdb", "build.duckdb", "published", "private", "lock", "dbt", "dagster"}, names
    assert not home.lock.read_text()
    assert not (home.published / ".publishing").exists()
    manifest = read_manifest(home.published)
    assert manifest is not None
    assert assert_versions_are_whole(home.published) == list(manifest.versions)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; the published link is one file with its version again."""
    shutil.copytree(source, target, symlinks=True)
    manifest = read_manifest(target / "home" / "published")
    if manifest is not None:
        link = target / "home" / "published" / "colloquy.duckdb"
        link.unlink()
        link.hardlink_to(link.with_name(f"colloquy-{manifest.version}.duckdb"))
