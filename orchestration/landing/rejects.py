"""Refused lines: kept masked and short, and never written twice for the same file."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import duckdb

from orchestration.landing.addresses import mask_addresses
from orchestration.landing.lines import RefusedLine
from orchestration.landing.suppression import Suppressions
from orchestration.warehouse.load_records import Counts, RejectKey

KEPT_BYTES = 4096


class RejectRow(NamedTuple):
    """A refused line as it is kept."""

    file: str
    number: int
    reason: str
    line: str | None
    line_bytes: int
    line_sha256: str


@dataclass
class RejectJudge:
    """Finds the new refused lines of one load of one file; `known` are those kept from earlier loads of its path."""

    file: str
    known: Counter[RejectKey]
    suppressions: Suppressions | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    first: list[tuple[int, str]] = field(default_factory=list)

    def new_rows(self, refused: list[RefusedLine], counts: Counts, keep_first: int) -> list[RejectRow]:
        """Return the new ones, as they are kept, and count them all."""
        rows = []
        for entry in sorted(refused, key=lambda one: one.number):
            masked = mask_addresses(entry.head)
            # Of the masked text: a checksum over a clear address could be turned back by trying them all.
            sha256 = entry.sha256 or hashlib.sha256(masked.encode()).hexdigest()
            if self.known[sha256, entry.reason] > 0:
                self.known[sha256, entry.reason] -= 1
                counts.duplicates += 1
                counts.reread += 1
                continue
            counts.rejected += 1
            self.reasons[entry.reason] += 1
            if len(self.first) < keep_first:
                self.first.append((entry.number, entry.reason))
            rows.append(
                RejectRow(self.file, entry.number, entry.reason, self._kept(masked), entry.length_bytes, sha256)
            )
        return rows

    def _kept(self, masked: str) -> str | None:
        """Return the beginning of a line; nothing of one that names a person who asked to be forgotten."""
        if self.suppressions is not None and self.suppressions.is_mentioned(masked):
            return None
        return shorten(masked)


def insert_rejects(
    connection: duckdb.DuckDBPyConnection, source: str, rows: list[RejectRow], load_id: int, loaded_at: datetime
) -> None:
    """Keep refused lines of files of one source."""
    if not rows:
        return
    # Bound as lists: a data frame costs some milliseconds, for a file with one refused line more than its load.
    files, numbers, reasons, lines, lengths, checksums = (list(column) for column in zip(*rows, strict=True))
    connection.execute(
        """insert into raw.rejected_events
            (source, _file, _line, reason, line, line_bytes, line_sha256, _load_id, _loaded_at)
        select $source, unnest($files::varchar[]), unnest($numbers::bigint[]), unnest($reasons::varchar[]),
            unnest($lines::varchar[]), unnest($lengths::bigint[]), unnest($checksums::varchar[]), $load_id,
            $loaded_at""",
        {
            "source": source,
            "files": files,
            "numbers": numbers,
            "reasons": reasons,
            "lines": lines,
            "lengths": lengths,
            "checksums": checksums,
            "load_id": load_id,
            "loaded_at": loaded_at,
        },
    )


def shorten(text: str) -> str:
    """At most KEPT_BYTES of UTF-8, cut between characters."""
    return text.encode()[:KEPT_BYTES].decode(errors="ignore")
