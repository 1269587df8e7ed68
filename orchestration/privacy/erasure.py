"""Erases a person: intent first, raw rewritten, everything derived rebuilt from it, and a proof over every file.

    private/erasure.json           what was asked for and how far it has come
    private/before-erasure*.duckdb   raw as it was before each rewriting: what to look for, until nothing is found

Each step can be repeated, so that an erasure that was killed is finished by the same command or by the next run:
`begin_erasure` at its start, `conclude_erasure` when the version made from the new raw is published. An erasure that
cannot be done keeps nobody else waiting: the texts of the person are withheld, and the next run tries again.
"""

import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.configuration.sources import read_namespaces
from orchestration.landing.suppression import (
    DISTINCTIVE_LETTERS,
    SURROGATE,
    OtherKeyError,
    Scope,
    Suppression,
    Suppressions,
    read_suppressions,
)
from orchestration.privacy.fresh_copy import replace_raw
from orchestration.privacy.intent import Intent, pending_erasure, write_intent
from orchestration.privacy.pending import intent_path
from orchestration.privacy.rewriting import rewrite_without
from orchestration.privacy.scanning import Hit, Search, identity, landed_files_of, scan
from orchestration.privacy.search_terms import SearchTerms, collect_search_terms, longer_ids
from orchestration.privacy.withholding import withhold_texts
from orchestration.publishing import NotEnoughSpaceError, keep_history, published_files, read_manifest
from orchestration.warehouse.build_records import discard_build
from orchestration.warehouse.home import Home
from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import record_operation
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.utc import stored

# Another warehouse with a lock and people of its own.
_OTHER_HOMES = ("demo", "demo-unfinished")


class ErasureIncompleteError(Exception):
    """Data of a person who asked to be forgotten are still there; the message names the files."""


@dataclass(frozen=True)
class ErasureReport:
    """What an erasure found and did; `landing_files` still hold the person and belong to their writers.

    An id in the name of one is shown as `*`, so that `ls` finds the file and no log holds the id; the size tells it
    from others that match.
    """

    conversations: int
    events: int
    files: int
    size_bytes: int
    landing_files: tuple[str, ...]

    def as_text(self) -> str:
        """Report what was done, and which files their owners have to clean."""
        return (
            f"erased {self.events} events of {self.conversations} conversations; none of the {self.files} files of the "
            f"warehouse ({self.size_bytes / 1e6:.1f} MB) holds them any more. Files of the landing folder that still "
            f"do or cannot be read: {', '.join(self.landing_files) or 'none'}"
        )


def request_erasure(home: Home, requested: Iterable[tuple[Scope, str | None, str]], hash_key: bytes) -> None:
    """Write down the ids to be erased: (scope, id_namespace or None for all, id). The caller holds the lock.

    What an unfinished erasure still has to do is kept.
    """
    before = pending_erasure(home)
    people = Suppressions(hash_key, () if before is None else before.entries, {})
    for scope, namespace, clear_id in requested:
        people.add(scope, namespace, clear_id)
    write_intent(home, Intent(str(uuid.uuid4()) if before is None else before.operation_id, people.entries))


def begin_erasure(home: Home, hash_key: bytes) -> str | None:
    """Write raw without the people of the pending erasure, remove what was derived from it, and return what was done.

    To be called under the lock, before landing and again after it: a line that has just landed may show that earlier
    ones were an erased person's. None without an erasure, or when all this is done. What keeps raw from being rewritten
    is noted, and the texts are withheld. Raises OtherKeyError, and what keeps texts from being withheld.
    """
    intent = pending_erasure(home)
    if intent is None or intent.is_derived_removed:
        if not _has_rows_of_known_people(home, hash_key):
            return None
        request_erasure(home, (), hash_key)
        intent = pending_erasure(home)
    if intent is None:
        raise ErasureIncompleteError(f"{intent_path(home)} was written and is gone: run again")
    if not intent.is_rewritten:
        try:
            _rewrite(home, intent, hash_key)
        except OtherKeyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, others do not wait for it, and it is shown
            return _withhold(home, intent, hash_key, error)
        intent = replace(intent, is_rewritten=True, problem=None)
        write_intent(home, intent)
    remove_derived(home)
    write_intent(home, replace(intent, is_derived_removed=True))
    return "raw is without the people to be erased; everything else is rebuilt from it"


def _rewrite(home: Home, intent: Intent, hash_key: bytes) -> None:
    # What is published may be the only copy of a record; in raw it is written without the person.
    keep_history(home.raw_database, home.published)
    rewrite_without(home.raw_database, home.seeds, hash_key, _new_entries(home, intent, hash_key))
    kept = _before_paths(home)
    if not any(one.samefile(home.raw_database) for one in kept):
        (home.private / f"before-erasure-{len(kept)}.duckdb").hardlink_to(home.raw_database)
    replace_raw(home.raw_database)


def _withhold(home: Home, intent: Intent, hash_key: bytes, error: Exception) -> str:
    """Withhold the texts, note the error and return it."""
    if withhold_texts(home.raw_database, home.seeds, hash_key, intent.entries):
        remove_derived(home)
    problem = f"raw could not be rewritten ({shown_cause(error)}); the texts are withheld from publishing until it is"
    write_intent(home, replace(intent, problem=problem))
    return f"the erasure is not done: {problem}; the next run tries again"


def shown_cause(error: Exception) -> str:
    """Return what may be shown of an error: messages of other than the machine's may hold what was read."""
    is_of_the_machine = isinstance(
        error, OSError | MemoryError | duckdb.IOException | duckdb.OutOfMemoryException | NotEnoughSpaceError
    )
    return f"{type(error).__name__}: {error}" if is_of_the_machine else type(error).__name__


def conclude_erasure(home: Home, landing: Path, hash_key: bytes, *, now: datetime) -> ErasureReport | None:
    """Prove that nothing of the people is left, record it and forget what was looked for; None without an erasure.

    Raises ErasureIncompleteError naming each file that holds something, and notes it; everything needed to try again
    stays. None too while raw is not rewritten.
    """
    intent = pending_erasure(home)
    if intent is None or not intent.is_rewritten:
        return None
    if not _before_paths(home):
        # They go when all is proven and recorded; only this file was left.
        intent_path(home).unlink()
        return None
    try:
        report = _prove(home, landing, _people(home, hash_key))
    except ErasureIncompleteError as error:
        write_intent(home, replace(intent, problem=str(error)))
        raise
    _record(home, intent, report, now)
    for path in _before_paths(home):
        path.unlink()
    intent_path(home).unlink()
    return report


def erased_people_search(home: Home, hash_key: bytes) -> Search:
    """Return the search for the people of the pending erasure, as raw was before it was rewritten."""
    search_terms, _, _ = _search_terms(home, _people(home, hash_key))
    with open_raw(home.raw_database) as connection:
        return Search(search_terms, longer_ids(connection, search_terms))


def _prove(home: Home, landing: Path, people: Suppressions) -> ErasureReport:
    search_terms, conversations, events = _search_terms(home, people)
    with open_raw(home.raw_database) as connection:
        others = longer_ids(connection, search_terms)
    looked = scan(home.root, search_terms, without=_not_ours(home, landing), others=others)
    if looked.hits:
        raise ErasureIncompleteError(_describe(looked.hits))
    unseen = [path for path in _files_to_be_seen(home) if not path.exists() or identity(path) not in looked.files]
    if unseen or not looked.files:
        raise ErasureIncompleteError(f"The erasure is not proven: {(unseen or [home.root])[0]} was not looked at")
    shown = tuple(_shown_file(landing, name, people) for name in landed_files_of(landing, search_terms))
    return ErasureReport(conversations, events, len(looked.files), looked.size_bytes, shown)


def _shown_file(landing: Path, name: str, people: Suppressions) -> str:
    pattern = SURROGATE.sub("*", people.replace_ids(name, shortest=DISTINCTIVE_LETTERS))
    return name if pattern == name else f"{pattern} ({(landing / name).stat().st_size:,} bytes)"


def remove_derived(home: Home) -> None:
    """Remove the build, dbt's compiled SQL and logs, and what crashed runs have spilled; the next run rebuilds it."""
    discard_build(home)
    for folder in (home.dbt_target / "run", home.dbt_target / "logs"):
        shutil.rmtree(folder, ignore_errors=True)
    for spill in home.root.glob("*.tmp"):
        shutil.rmtree(spill, ignore_errors=True)


def _new_entries(home: Home, intent: Intent, hash_key: bytes) -> tuple[Suppression, ...]:
    """Leave out ids that are on the list already: a surrogate never changes."""
    with open_raw(home.raw_database) as connection:
        known = read_suppressions(connection, hash_key, {})
    taken = {(one.key_hash, one.scope, one.id_namespace) for one in (known.entries if known else ())}
    return tuple(one for one in intent.entries if (one.key_hash, one.scope, one.id_namespace) not in taken)


def _has_rows_of_known_people(home: Home, hash_key: bytes) -> bool:
    """Whether conversations that landing has put on the list have earlier rows in clear; they are looked for once."""
    if not home.raw_database.exists():
        return False
    with open_raw(home.raw_database) as connection:
        added = connection.execute("select exists (select 1 from raw.suppressions where not is_rewritten)").fetchall()
        if not added[0][0]:
            return False
        people = read_suppressions(connection, hash_key, read_namespaces(home.seeds))
        if people is not None and collect_search_terms(connection, people).ids:
            return True
        connection.execute("update raw.suppressions set is_rewritten = true")
    return False


def _people(home: Home, hash_key: bytes) -> Suppressions:
    with open_raw(home.raw_database) as connection:
        people = read_suppressions(connection, hash_key, read_namespaces(home.seeds))
    if people is None:
        raise ErasureIncompleteError("raw.suppressions is empty after an erasure: restore raw.duckdb and erase again")
    return people


def _search_terms(home: Home, people: Suppressions) -> tuple[SearchTerms, int, int]:
    """Return what to look for, and how many conversations and events it comes from, as raw was before."""
    found = SearchTerms((), (), ())
    conversations: set[tuple[str, str]] = set()
    events: set[tuple[str, str]] = set()
    for path in _before_paths(home):
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(f"attach {text_literal(path)} as clear (read_only)")
            connection.execute("use clear")
            found |= collect_search_terms(connection, people)
            conversations |= set(connection.execute("from clear_conversations").fetchall())
            events |= set(connection.execute("from clear_events").fetchall())
    return found, len(conversations), len(events)


def _files_to_be_seen(home: Home) -> Iterator[Path]:
    """Yield the files that hold what people wrote, the published ones as the manifest lists them."""
    yield home.raw_database
    if home.build_database.exists():
        yield home.build_database
    manifest = read_manifest(home.published)
    if manifest is not None:
        yield from published_files(home.published, manifest)


def _not_ours(home: Home, landing: Path) -> tuple[Path, ...]:
    simulated = (home.root / "truth",) if home.simulation_marker.exists() else ()
    return (*_before_paths(home), landing, *simulated, *(home.root / name for name in _OTHER_HOMES))


def _describe(hits: Iterable[Hit]) -> str:
    lines = [f"  {hit.file}: {hit.place}" for hit in hits]
    return "\n".join(
        [
            "The erasure is not complete: the person is still found in",
            *lines,
            "Move or remove the files that are not Colloquy's",
        ]
    )


def _record(home: Home, intent: Intent, report: ErasureReport, now: datetime) -> None:
    with open_raw(home.raw_database) as connection:
        load_id, performed_at = next_load(connection, stored(now))
        done = connection.execute(
            "select exists (select 1 from raw.operations where operation = 'erase' and contains(detail, ?))",
            [intent.operation_id],
        ).fetchall()
        if done[0][0]:
            return
        record_operation(
            connection,
            "erase",
            performed_at=performed_at,
            load_id=load_id,
            detail={
                "operation_id": intent.operation_id,
                "conversations": report.conversations,
                "events": report.events,
                "landing_files": len(report.landing_files),
            },
        )


def _before_paths(home: Home) -> list[Path]:
    return sorted(home.private.glob("before-erasure*.duckdb"))
