"""Tasks on files of events: writing, reading and landing them."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing import load_landing
from orchestration.settings import PROJECT_DIR
from tests.benchmarks.generator import Population, write_file
from tests.benchmarks.measuring import Outcome, measured

Request = Mapping[str, Any]
_HASH_KEY = b"a key for benchmarks"


def write(request: Request) -> Outcome:
    """Write events as a file for landing."""

    def written() -> Request:
        file = write_file(
            Path(request["path"]),
            Population(**request["population"]),
            request["first_day"],
            request["last_day"],
            is_clean=request["is_clean"],
        )
        return {"events": file.events, "duplicates": file.duplicates, "broken": file.broken, "bytes": file.size_bytes}

    return measured(written)


def read(request: Request) -> Outcome:
    """Read the same lines with explicit columns and count them: the least that landing must do."""
    columns = "{event_id: 'varchar', conversation_id: 'varchar', user_id: 'varchar', event_type: 'varchar', "
    columns += "channel: 'varchar', agent: 'varchar', device: 'varchar', language: 'varchar', timestamp: 'varchar', "
    columns += "properties: 'json'}"
    source = f"read_json('{request['path']}', format='newline_delimited', ignore_errors=true, columns={columns})"
    counted = ", ".join(f"count({name})" for name in ("event_id", "conversation_id", "timestamp", "properties"))

    def read() -> Request:
        with duckdb.connect(config={"threads": 1}) as connection:
            return {"counts": connection.execute(f"select {counted} from {source}").fetchall()}

    return measured(read)


def land(request: Request) -> Outcome:
    """Land a folder into an empty warehouse: read, validate, refuse, deduplicate, insert."""
    with tempfile.TemporaryDirectory(dir=request["folder"]) as folder:
        load = partial(
            load_landing,
            Path(folder) / "raw.duckdb",
            Path(request["landing"]),
            seeds=PROJECT_DIR / "seeds",
            hash_key=_HASH_KEY,
            stable_after=timedelta(0),
            now=datetime.now(UTC),
            on_progress=lambda _: None,
        )

        def land() -> Request:
            reports = load().files
            return {
                "accepted": sum(one.accepted for one in reports),
                "rejected": sum(one.rejected for one in reports),
                "duplicates": sum(one.duplicates for one in reports),
            }

        return measured(land)
