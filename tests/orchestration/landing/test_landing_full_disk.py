"""A disk that is full when a file is committed: the error states it, and nothing of the file stays."""

import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 100 kB: what a full disk is to DuckDB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_the_error_is_that_of_the_disk_and_the_next_load_is_whole(
    warehouse: Any, make_event: Any, make_jsonl: Any
) -> None:
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    warehouse.load()
    many = make_jsonl(*(make_event(number, properties={"content": f"{number}" * 50}) for number in range(2, 2000)))
    warehouse.write("events/b.jsonl", many)
    with full_disk(), pytest.raises(duckdb.Error, match=r"raw\.duckdb\.wal.*File too large"):
        warehouse.load()
    assert warehouse.rows("select file from raw.loaded_files") == [("events/a.jsonl",)]
    assert warehouse.rows("select count(*) from raw.events") == [(1,)]
    warehouse.load()
    assert warehouse.rows("select file, lines, accepted from raw.loaded_files order by file") == [
        ("events/a.jsonl", 1, 1),
        ("events/b.jsonl", 1998, 1998),
    ]


def test_a_load_too_large_for_the_log_is_taken_back_as_well(warehouse: Any, make_event: Any, make_jsonl: Any) -> None:
    """Over 16 MB DuckDB writes rows into the database at once, not to its log."""
    random_source = random.Random(1)  # noqa: S311 - a seeded simulation, not a secret
    texts = [random_source.randbytes(5000).hex() for _ in range(2500)]
    warehouse.write("events/a.jsonl", make_jsonl(make_event(1)))
    warehouse.load()
    many = make_jsonl(*(make_event(number, properties={"content": text}) for number, text in enumerate(texts, start=2)))
    warehouse.write("events/b.jsonl", many)
    with full_disk(), pytest.raises(duckdb.Error, match=r"raw\.duckdb\W.*File too large"):
        warehouse.load()
    assert warehouse.rows("select file from raw.loaded_files") == [("events/a.jsonl",)]
    assert warehouse.rows("select count(*) from raw.events") == [(1,)]
    warehouse.load()
    assert warehouse.rows("select file, accepted from raw.loaded_files order by file") == [
        ("events/a.jsonl", 1),
        ("events/b.jsonl", len(texts)),
    ]
