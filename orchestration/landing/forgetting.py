"""What a path brought into the raw tables, and how it goes out again; the caller holds the transaction."""

from dataclasses import dataclass

import duckdb

from orchestration.landing.reasons import CONFLICTING_DUPLICATE, UNKNOWN_SENDER_ROLE

# Lines refused for these may be judged otherwise when an event of another file has gone or changed.
_REASONS_OF_OTHERS = (CONFLICTING_DUPLICATE, UNKNOWN_SENDER_ROLE)


@dataclass(frozen=True)
class KnownPath:
    """A path that has landed: content of its newest load, number of its first one."""

    file: str
    source: str
    size_bytes: int
    modified_ns: int
    sha256: str
    first_load_id: int


@dataclass(frozen=True)
class Forgotten:
    """How many rows went."""

    events: int
    rejected: int
    loads: int


def known_path(connection: duckdb.DuckDBPyConnection, file: str) -> KnownPath | None:
    """Return what is known of a path, None when it never landed."""
    row = connection.execute(
        """select file, source, size_bytes, modified_ns, sha256, min(load_id) over ()
        from raw.loaded_files where file = ? order by load_id desc limit 1""",
        [file],
    ).fetchone()
    return None if row is None else KnownPath(*row)


def sharing_files(connection: duckdb.DuckDBPyConnection, known: KnownPath) -> list[str]:
    """Return the files that may hold a line of an event of this path, in the order in which they first landed.

    Raw does not keep duplicates, only how many a load had: these are all files of the source whose loads since this
    path first landed had any, apart from their own lines read again, or refused a line because of another file.
    """
    rows = connection.execute(
        """
        with judged as (
            select distinct _file as file from raw.rejected_events
            where source = $source and reason in (select unnest($reasons::varchar[]))
        )
        select files.file
        from raw.loaded_files as files
        left join judged on judged.file = files.file
        where files.source = $source and files.file <> $file
        group by files.file
        having bool_or(files.load_id >= $first_load_id and (files.duplicates > files.reread or judged.file is not null))
        order by min(files.load_id), files.file""",
        {
            "source": known.source,
            "file": known.file,
            "first_load_id": known.first_load_id,
            "reasons": list(_REASONS_OF_OTHERS),
        },
    ).fetchall()
    return [file for (file,) in rows]


def forget_path(connection: duckdb.DuckDBPyConnection, known: KnownPath) -> Forgotten:
    """Delete the events of a path with their texts, its refused lines and its manifest rows."""
    connection.execute(
        f"""
        delete from raw.message_texts
        where source = $source and event_id in (select event_id from raw.{known.source} where _file = $file)""",
        {"source": known.source, "file": known.file},
    )
    counts = [
        connection.execute(f"delete from raw.{table} where {column} = ?", [known.file]).fetchall()[0][0]
        for table, column in ((known.source, "_file"), ("rejected_events", "_file"), ("loaded_files", "file"))
    ]
    connection.execute("delete from raw.pending_files where file = ?", [known.file])
    return Forgotten(*counts)


def reopen_file(connection: duckdb.DuckDBPyConnection, file: str) -> None:
    """Take back the refusals of a file that depended on other files, so that they are judged again.

    In the accounts of their loads these lines become duplicates: they brought nothing then, and count when read again.
    """
    parameters = {"file": file, "reasons": list(_REASONS_OF_OTHERS)}
    condition = "_file = $file and reason in (select unnest($reasons::varchar[]))"
    connection.execute(
        f"""
        update raw.loaded_files
        set rejected = rejected - reopened.lines, duplicates = duplicates + reopened.lines
        from (
            select _load_id, count(*) as lines from raw.rejected_events where {condition} group by _load_id
        ) as reopened
        where loaded_files.file = $file and loaded_files.load_id = reopened._load_id""",
        parameters,
    )
    connection.execute(f"delete from raw.rejected_events where {condition}", parameters)
