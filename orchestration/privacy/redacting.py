"""Sends the messages that have newly landed through the redactor: raw.message_redactions."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.redaction.redactor import REDACTOR_VERSION, Redacted, redact
from orchestration.warehouse.raw_tables import open_raw

_BATCH_ROWS = 50_000


@dataclass(frozen=True)
class RedactionSummary:
    """How many texts were read and how many of them changed; `counts` by kind of what was found."""

    messages: int
    changed: int
    counts: Mapping[str, int]


def redact_new_messages(
    raw_database: Path, *, version: int = REDACTOR_VERSION, redactor: Callable[[str], Redacted] = redact
) -> RedactionSummary:
    """Redact the messages of the loads that have not been through redactor `version`; all of them if none has.

    Everything is committed at once, so that the progress never covers more than has been done. Raises duckdb.Error
    when the database cannot be written.
    """
    with open_raw(raw_database) as connection:
        connection.execute("begin")
        mark = _mark(connection, version)
        summary = _redact_after(connection, mark, version, redactor)
        connection.execute("delete from raw.redaction_progress")
        connection.execute(
            "insert into raw.redaction_progress "
            "select $version, greatest($mark, coalesce(max(_load_id), 0)) from raw.message_texts",
            {"version": version, "mark": mark},
        )
        connection.execute("commit")
    return summary


def _mark(connection: duckdb.DuckDBPyConnection, version: int) -> int:
    """Return the newest load that is done; forget what another version has found."""
    row = connection.execute(
        "select max(through_load_id) from raw.redaction_progress where redactor_version = ?", [version]
    ).fetchone()
    if row is None or row[0] is None:
        connection.execute("delete from raw.message_redactions")
        return 0
    return int(row[0])


def _redact_after(
    connection: duckdb.DuckDBPyConnection, mark: int, version: int, redactor: Callable[[str], Redacted]
) -> RedactionSummary:
    counts: Counter[str] = Counter()
    messages = changed = 0
    first, last = connection.execute(
        "select coalesce(min(rowid), 0), coalesce(max(rowid), -1) from raw.message_texts where _load_id > ?", [mark]
    ).fetchall()[0]
    for start in range(first, last + 1, _BATCH_ROWS):
        texts = connection.execute(
            """select source, event_id, content, _load_id from raw.message_texts
            where rowid >= ? and rowid < ? and _load_id > ?""",
            [start, start + _BATCH_ROWS, mark],
        ).fetchall()
        found = []
        for source, event_id, content, load_id in texts:
            redacted = redactor(content)
            if redacted.text != content:
                counts.update(redacted.counts)
                found.append((source, event_id, redacted.text, redacted.count, version, load_id))
        if found:
            rows = pd.DataFrame(found, columns=["source", "event_id", "content", "count", "version", "load_id"])
            connection.register("redacted", rows)
            connection.execute("insert into raw.message_redactions select * from redacted")
            connection.unregister("redacted")
        messages += len(texts)
        changed += len(found)
    return RedactionSummary(messages, changed, dict(sorted(counts.items())))
