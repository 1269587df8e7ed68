"""Takes lines of one file, or of several small ones at once, through parsing and judging, up to their insertion."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from orchestration.configuration.kept import Kept, read_kept
from orchestration.configuration.sources import read_namespaces
from orchestration.landing.addresses import replace_addresses
from orchestration.landing.anonymising import anonymise
from orchestration.landing.directions import Directions, read_directions
from orchestration.landing.duplicates import Verdicts, find_duplicates
from orchestration.landing.hidden_addresses import hide_addresses
from orchestration.landing.lines import Chunk, RefusedLine
from orchestration.landing.parsing import parse_statement
from orchestration.landing.reasons import CONFLICTING_DUPLICATE, UNKNOWN_SENDER_ROLE
from orchestration.landing.strays import stray_fields
from orchestration.landing.suppression import Suppressions, read_suppressions
from orchestration.warehouse.source_contracts import LINEAGE_COLUMNS, SourceContract, content_columns


@dataclass(frozen=True)
class LoadContext:
    """What every file of a load has in common; `loaded_at` UTC, naive."""

    connection: duckdb.DuckDBPyConnection
    directions: Directions
    hash_key: bytes
    load_id: int
    loaded_at: datetime
    suppressions: Suppressions | None = None
    kept: Kept = field(default_factory=Kept)


def make_context(
    connection: duckdb.DuckDBPyConnection, seeds: Path, hash_key: bytes, load_id: int, loaded_at: datetime
) -> LoadContext:
    """Read what a load follows: the seeds, and the list of people who asked to be forgotten.

    Raises FileNotFoundError or ValueError for the seeds, OtherKeyError for a list made with another key.
    """
    return LoadContext(
        connection,
        read_directions(seeds),
        hash_key,
        load_id,
        loaded_at,
        read_suppressions(connection, hash_key, read_namespaces(seeds)),
        read_kept(seeds),
    )


@dataclass
class StagedFile:
    """The lines of one file in a stage: how many are new, and those refused."""

    refused: list[RefusedLine]
    accepted: int = 0
    duplicates: int = 0
    reread: int = 0


class Stage:
    """New events wait in the temporary table `parsed`; one stage at a time.

    Planning the statement that parses costs as much as a megabyte of lines, so that small files share a stage.
    """

    def __init__(self, context: LoadContext, contract: SourceContract, files: list[str], chunks: list[Chunk]) -> None:
        self._context = context
        self._contract = contract
        self._files = files
        self._lines = [line for chunk in chunks for line in chunk.lines] if len(chunks) > 1 else chunks[0].lines
        self._numbers = np.concatenate([chunk.numbers for chunk in chunks])
        self._file_nos = np.repeat(np.arange(len(chunks), dtype=np.int32), [len(chunk.lines) for chunk in chunks])
        self._staged = [StagedFile(list(chunk.refused)) for chunk in chunks]
        self._is_in_order = True
        self._has_texts = False
        if self._lines:
            self._judge()

    @property
    def source(self) -> str:
        """Name of the source of its files."""
        return self._contract.name

    def file(self, file_no: int) -> StagedFile:
        """Return what came out for one file."""
        return self._staged[file_no]

    def insert(self) -> None:
        """Insert the new events, those of a file in time order, so that a reader of some days skips the rest.

        All files at once: an insert of 50 columns costs three milliseconds before its first row. Files are mostly
        written in time order, and sorting 50 columns costs as much as writing them: looking first is a hundredth of it.
        """
        order = "" if self._is_in_order else "order by _file_no, timestamp, _row"
        names = ", ".join(content_columns(self._contract))
        context, source = self._context, self._contract.name
        if any(staged.accepted for staged in self._staged):
            context.connection.execute(
                f"""
                insert into raw.{source} ({", ".join(LINEAGE_COLUMNS)}, {names})
                select $load_id, list_extract($files, _file_no + 1), _line, $loaded_at, _event_hash, _line_hash, {names}
                from parsed {order}""",
                {"load_id": context.load_id, "files": self._files, "loaded_at": context.loaded_at},
            )
        if self._has_texts:
            context.connection.execute(
                f"""
                insert into raw.message_texts (source, event_id, content, timestamp, _load_id)
                select $source, event_id, content, timestamp, $load_id from parsed where content is not null {order}""",
                {"source": source, "load_id": context.load_id},
            )

    def _judge(self) -> None:
        context, connection = self._context, self._context.connection
        self._parse()
        replace_addresses(connection, self._contract, context.hash_key)
        hide_addresses(connection, self._contract, context.hash_key)
        self._anonymise()
        verdicts = find_duplicates(connection, self._contract, self._files, context.load_id)
        self._refuse(verdicts)
        rows = connection.execute(
            """
            select _file_no, count(*), count(content), coalesce(bool_or(goes_back), false) from (
                select _file_no, content,
                    timestamp < lag(timestamp) over (partition by _file_no order by _row) as goes_back
                from parsed)
            group by _file_no"""
        ).fetchall()
        for file_no, accepted, texts, goes_back in rows:
            self._staged[file_no].accepted = accepted
            self._has_texts |= texts > 0
            self._is_in_order &= not goes_back
        for file_no, staged in enumerate(self._staged):
            staged.duplicates, staged.reread = verdicts.duplicates[file_no], verdicts.reread[file_no]

    def _anonymise(self) -> None:
        """Treat the lines of erased people before they are compared: sent again, they meet their erased rows."""
        context = self._context
        if context.suppressions is None:
            return
        if anonymise(
            context.connection,
            "parsed",
            self._contract,
            context.suppressions,
            context.kept,
            has_content=True,
        ):
            context.suppressions.save(context.connection)

    def _parse(self) -> None:
        # DuckDB keeps `parsed` of earlier chunks until the commit, and spills it to disk over its memory limit.
        lines = np.empty(len(self._lines), dtype=object)
        lines[:] = self._lines
        columns = {
            "_row": np.arange(len(lines), dtype=np.int64),
            "_file_no": self._file_nos,
            "_line": self._numbers,
            "line": lines,
        }
        connection = self._context.connection
        connection.register("chunk", pd.DataFrame(columns, copy=False))
        strays = stray_fields(self._contract, self._lines)
        statement = parse_statement(self._contract, self._context.directions, strays)
        connection.execute(statement, {"loaded_at": self._context.loaded_at})
        connection.unregister("chunk")

    def _refuse(self, verdicts: Verdicts) -> None:
        """Take the lines a check refuses out of `parsed`."""
        connection = self._context.connection
        rows = connection.execute(
            f"""
            select _row, coalesce(refusal, '{UNKNOWN_SENDER_ROLE}') from parsed
            where refusal is not null or needs_role"""
        ).fetchall()
        if rows:
            connection.execute("delete from parsed where refusal is not null or needs_role")
        rows.extend((row, CONFLICTING_DUPLICATE) for row in verdicts.conflicting)
        for row, reason in rows:
            line = self._lines[row]
            refused = RefusedLine(int(self._numbers[row]), reason, line, len(line.encode()))
            self._staged[int(self._file_nos[row])].refused.append(refused)
