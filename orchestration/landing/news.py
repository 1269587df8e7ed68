"""Which files of the landing folder a load would read, found out without reading one."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import duckdb

from orchestration.configuration.sources import read_namespaces
from orchestration.landing.landed_files import LandedFile
from orchestration.landing.suppression import DISTINCTIVE_LETTERS, read_suppressions
from orchestration.warehouse.load_records import known_files


def new_files(
    connection: duckdb.DuckDBPyConnection, files: Iterable[LandedFile], *, seeds: Path, hash_key: bytes
) -> list[LandedFile]:
    """Return the files that are not known as they are, in their order.

    `connection` uses a raw database of the newest layout. Raises OtherKeyError when people were erased under another
    key, ValueError or FileNotFoundError for the seeds.
    """
    known = known_files(connection)
    suppressions = read_suppressions(connection, hash_key, read_namespaces(seeds))
    # Files named after erased people are known by the name they were given.
    shown = str if suppressions is None else partial(suppressions.replace_ids, shortest=DISTINCTIVE_LETTERS)
    return [
        file
        for file in files
        if (known_as := known.get(shown(file.name))) is None
        or not known_as.is_same(file.size_bytes, file.modified_ns, file.identity)
    ]
