"""What a killed writer leaves next to the databases; called by the next one, which holds the lock."""

import shutil
from collections.abc import Callable

from orchestration.warehouse.home import Home

# DuckDB writes three blocks of 4 KiB before a file can hold anything; one that ends within them was never opened.
HEADER_BYTES = 3 * 4096


def recover_files(home: Home, on_progress: Callable[[str], None]) -> None:
    """Remove what no run can use any more, with a message each.

    These are folders DuckDB spilled into, databases whose creation broke off (it takes such a file for damaged, for
    ever), a copy of raw that was not put in its place (it would outlive what expires later), and drafts of the key. A
    write-ahead log stays: DuckDB replays it.
    """
    fresh = home.fresh_raw_database
    for copy in (fresh, fresh.with_name(fresh.name + ".wal")):
        if copy.exists():
            on_progress(f"{copy}: removing an unfinished copy of {home.raw_database}")
            copy.unlink()
    for database in (home.raw_database, home.build_database, fresh):
        spill = database.with_name(database.name + ".tmp")
        if spill.is_dir():
            on_progress(f"{spill}: removing what a run that did not finish had spilled to disk")
            shutil.rmtree(spill)
        log = database.with_name(database.name + ".wal")
        if database.is_file() and database.stat().st_size < HEADER_BYTES and not log.exists():
            on_progress(f"{database}: removing a file whose creation broke off; nothing can be in it")
            database.unlink()
    for draft in sorted(home.private.glob(".hash_key.*")):
        on_progress(f"{draft}: removing the draft of a key that was never used")
        draft.unlink()
