"""Lands what people say of conversations: the facts by which the labels of classifiers are judged."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.configuration.label_stages import CLAIMED_RESOLVED, STAGES
from orchestration.redaction.printable import one_line
from orchestration.warehouse.load_records import next_load
from orchestration.warehouse.operations import record_operation
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.utc import stored

_ANSWERS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# An answer of this kind is no judgement.
_NO_ANSWERS = {"", "unknown"}
_KNOWN_STAGES = (*STAGES, CLAIMED_RESOLVED)
_COLUMNS = ("stage", "reached")
_SHOWN_CHARACTERS = 60


class SampleError(Exception):
    """A sample that nothing can be learnt from; the message names the file and what to do."""


@dataclass(frozen=True)
class Judgement:
    """One answered line of a sample; `id_namespace` and `content_hash` are None when the line has none."""

    line: int
    id_namespace: str | None
    conversation_id: str
    stage: str
    is_reached: bool
    labelled_by: str | None
    content_hash: str | None


@dataclass(frozen=True)
class Sample:
    """A file as read: the good lines, how many are still without an answer, and (line, cause) of the bad ones."""

    judgements: tuple[Judgement, ...]
    unanswered: int
    problems: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class LandedSample:
    """The outcome of a sample, in lines; `known` were landed before, `problems` are (line, cause)."""

    landed: int
    known: int
    problems: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class _Labelled:
    """A conversation that a classifier has labelled: the newest content, and every content there ever was."""

    source: str
    id_namespace: str
    conversation_id: str
    content_hash: str
    content_hashes: frozenset[str]


def read_sample(path: Path) -> Sample:
    """Read a CSV of answers: conversation_key, or conversation_id with id_namespace where ids repeat; stage; reached.

    labelled_by and content_hash may stand next to them. Raises SampleError when the file is no such CSV.
    """
    judgements: dict[tuple[str | None, str, str], Judgement] = {}
    problems: list[tuple[int, str]] = []
    unanswered = 0
    try:
        # Surrogates stand for what is no UTF-8: it makes its own line bad, not the file.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for line, row in _rows(path, file):
                if row["reached"].lower() in _NO_ANSWERS:
                    unanswered += 1
                    continue
                try:
                    one = _judgement(line, row)
                except ValueError as error:
                    problems.append((line, str(error)))
                    continue
                first = judgements.setdefault((one.id_namespace, one.conversation_id, one.stage), one)
                if first.is_reached != one.is_reached:
                    problems.append((line, f"contradicts line {first.line}, which is kept"))
    except (OSError, csv.Error) as error:
        raise SampleError(f"{path}: cannot be read: {error}") from error
    return Sample(tuple(judgements.values()), unanswered, tuple(problems))


def _rows(path: Path, file: Iterable[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(file, strict=True)
    names = reader.fieldnames or []
    if not set(_COLUMNS) <= set(names) or not {"conversation_key", "conversation_id"} & set(names):
        raise SampleError(
            f"{path}: the first line must name conversation_key (or conversation_id), stage and reached; it names "
            f"{one_line(', '.join(names)) or 'nothing'}"
        )
    line = reader.line_num
    try:
        for row in reader:
            line = reader.line_num
            # A short line leaves columns without a value, a long one values without a column.
            yield line, {name: (row[name] or "").strip() for name in names}
    except csv.Error as error:
        raise SampleError(f"{path}: line {line + 1}: the row that begins here is no CSV: {error}") from error


def _judgement(line: int, row: Mapping[str, str]) -> Judgement:
    if not all(map(_is_text, row.values())):
        raise ValueError("is no UTF-8")
    stage, answer = row["stage"], row["reached"].lower()
    if stage not in _KNOWN_STAGES:
        raise ValueError(f"stage {_shown(stage)} is none of {', '.join(_KNOWN_STAGES)}")
    if answer not in _ANSWERS:
        raise ValueError(
            f"reached {_shown(row['reached'])} is neither true nor false; leave it empty where you cannot tell"
        )
    namespace, conversation_id = row.get("id_namespace") or None, row.get("conversation_id", "")
    if row.get("conversation_key"):
        namespace, has_namespace, conversation_id = row["conversation_key"].partition(":")
        if not has_namespace:
            raise ValueError(
                f"conversation_key {_shown(row['conversation_key'])} is no <id_namespace>:<conversation_id>"
            )
    if not conversation_id:
        raise ValueError("names no conversation")
    labelled_by, content_hash = row.get("labelled_by") or None, row.get("content_hash") or None
    return Judgement(line, namespace, conversation_id, stage, _ANSWERS[answer], labelled_by, content_hash)


def land_sample(
    raw_database: Path, judgements: Iterable[Judgement], namespaces: Mapping[str, str], *, now: datetime
) -> LandedSample:
    """Append the answers of a sample to ledger.human_labels; those landed before as the newest answer stay one row.

    `namespaces` maps sources to their id_namespace, `now` is aware. The caller holds the lock. Raises RawVersionError.
    """
    judgements = list(judgements)
    problems: list[tuple[int, str]] = []
    rows = []
    with open_raw(raw_database) as connection:
        known = _labelled(connection, {one.conversation_id for one in judgements}, namespaces)
        for one in judgements:
            try:
                labelled = _find(one, known)
            except ValueError as error:
                problems.append((one.line, str(error)))
                continue
            content_hash = one.content_hash or labelled.content_hash
            rows.append(
                (labelled.source, one.conversation_id, one.stage, one.is_reached, one.labelled_by, content_hash)
            )
        landed = _append(connection, rows, now) if rows else 0
    return LandedSample(landed, len(rows) - landed, tuple(problems))


def _labelled(
    connection: duckdb.DuckDBPyConnection, conversation_ids: set[str], namespaces: Mapping[str, str]
) -> dict[str, list[_Labelled]]:
    """Return what is labelled of these ids, by id; one id may name a conversation in several namespaces."""
    wanted = pd.DataFrame(sorted(conversation_ids), columns=["conversation_id"], dtype=object)
    connection.register("wanted_ids", wanted)
    connection.register(
        "namespaces", pd.DataFrame(namespaces.items(), columns=["source", "id_namespace"], dtype=object)
    )
    # Every labelling has a row for every stage: one of them stands for it.
    rows = connection.execute(
        """select arg_max(source, _load_id), id_namespace, conversation_id, arg_max(content_hash, _load_id),
            list(distinct content_hash)
        from ledger.stage_labels inner join namespaces using (source)
        where stage = 'resolved' and content_hash is not null
            and conversation_id in (select conversation_id from wanted_ids)
        group by all order by all"""
    ).fetchall()
    connection.unregister("wanted_ids")
    connection.unregister("namespaces")
    found: dict[str, list[_Labelled]] = {}
    for source, namespace, conversation_id, newest, every in rows:
        one = _Labelled(source, namespace, conversation_id, newest, frozenset(every))
        found.setdefault(conversation_id, []).append(one)
    return found


def _find(one: Judgement, known: Mapping[str, list[_Labelled]]) -> _Labelled:
    everywhere = known.get(one.conversation_id, [])
    found = [labelled for labelled in everywhere if one.id_namespace in {None, labelled.id_namespace}]
    name = _shown(one.conversation_id)
    if not found:
        where = "" if one.id_namespace is None else f" of {_shown(one.id_namespace)}"
        raise ValueError(f"no classifier has labelled a conversation {name}{where}")
    if len(found) > 1:
        keys = ", ".join(f"{labelled.id_namespace}:{name}" for labelled in found)
        raise ValueError(f"conversation {name} may be {keys}; name its id_namespace")
    if one.content_hash not in {None, *found[0].content_hashes}:
        raise ValueError(f"content_hash {_shown(one.content_hash or '')} is that of no content of conversation {name}")
    return found[0]


def _append(connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[object, ...]], now: datetime) -> int:
    columns = ["source", "conversation_id", "stage", "reached", "labelled_by", "content_hash"]
    connection.register("answers", pd.DataFrame(rows, columns=columns, dtype=object))
    load_id, landed_at = next_load(connection, stored(now))
    names = ", ".join(columns)
    connection.execute("begin")
    landed = connection.execute(
        f"""insert into ledger.human_labels ({names}, landed_at, _load_id)
        select *, $landed_at, $load_id from (
            select {names} from answers
            except
            select {names} from ledger.human_labels
            qualify row_number() over (partition by source, conversation_id, stage order by _load_id desc) = 1)""",
        {"landed_at": landed_at, "load_id": load_id},
    ).fetchall()[0][0]
    if landed:
        record_operation(connection, "judge", performed_at=landed_at, load_id=load_id, detail={"labels": landed})
    connection.execute("commit")
    connection.unregister("answers")
    return int(landed)


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _shown(value: str) -> str:
    """Return a value fit for a line of a message, whatever the file holds."""
    return repr(one_line(value[:_SHOWN_CHARACTERS]))
