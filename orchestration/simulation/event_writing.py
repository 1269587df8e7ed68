"""Renders the planned files: lines, compressed lines, Parquet. Same plan, same bytes."""

import gzip
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.simulation.formats import RENDERERS
from orchestration.simulation.formats.common import JsonObject
from orchestration.simulation.mess import FilePlan, Line

TOO_LARGE_BYTES = 1 << 20
_TIMESTAMP_FIELDS = ("timestamp", "created_at")
_ID_FIELDS = {"events": "event_id", "agent_events": "id", "chat_events": "event_id"}
_CONVERSATION_FIELDS = ("conversation_id", "session_id")
_NOT_OBJECTS = ('["a", "list"]', '"only a text"', "42", "null")


def _dump(line: JsonObject) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _reordered(line: JsonObject) -> JsonObject:
    """Return the same content with every object's keys the other way round."""
    return {
        name: dict(reversed(list(value.items()))) if isinstance(value, dict) else value
        for name, value in reversed(list(line.items()))
    }


def _without(line: JsonObject, fields: tuple[str, ...]) -> JsonObject:
    return {name: value for name, value in line.items() if name not in fields}


def _with_time(line: JsonObject, text: str) -> JsonObject:
    return {name: text if name in _TIMESTAMP_FIELDS else value for name, value in line.items()}


def _unknown_sender(line: JsonObject, source: str) -> JsonObject:
    """Return a message whose sender cannot be known."""
    if source == "events":
        return line | {"event_type": "message_received", "properties": {"content": "demo"}}
    return line | {"role": "narrator", "content": "demo"}


def break_line(line: JsonObject, source: str, reason: str, number: int) -> str:
    """Return the text of a line that is refused for `reason` and for nothing else."""
    id_field = _ID_FIELDS.get(source)
    if id_field is not None:
        line = line | {id_field: f"demo-broken-{number:04d}"}
    conversation_field = next(name for name in _CONVERSATION_FIELDS if name in line)
    breakers: dict[str, Callable[[], str]] = {
        "malformed_json": lambda: _dump(line)[: 40 + number % 30],
        "not_an_object": lambda: _NOT_OBJECTS[number % len(_NOT_OBJECTS)],
        "missing_event_id": lambda: _dump(_without(line, (id_field or "",))),
        "missing_conversation_id": lambda: _dump(
            line | {conversation_field: ""} if number % 2 else _without(line, _CONVERSATION_FIELDS)
        ),
        "missing_event_type": lambda: _dump(_without(line, ("event_type",))),
        "bad_timestamp": lambda: _dump(_with_time(line, "2026-13-45T99:00:00Z" if number % 2 else "yesterday")),
        "timestamp_out_of_range": lambda: _dump(
            _with_time(line, "1999-12-31T23:59:59Z" if number % 2 else "2999-01-01T00:00:00Z")
        ),
        "unknown_environment": lambda: _dump(line | {"environment": "staging"}),
        "unknown_sender_role": lambda: _dump(_unknown_sender(line, source)),
        "too_large": lambda: _dump(line | {"padding": "x" * TOO_LARGE_BYTES}),
    }
    return breakers[reason]()


def render_line(line: Line, source: str) -> str:
    """Return the text of one line, without its newline."""
    rendered = RENDERERS[source](line.conversation, line.act)
    if line.kind in {"event", "copy"}:
        return _dump(rendered)
    if line.kind == "reordered":
        return _dump(_reordered(rendered))
    if line.kind == "conflict":
        return _dump(rendered | {"revision": 2})
    return break_line(rendered, source, line.kind, line.number)


def _write_parquet(texts: list[str], path: Path) -> None:
    """Write JSON lines as Parquet: text columns, properties as JSON, one row a line, in order."""
    fields = dict.fromkeys(name for text in texts for name in json.loads(text))
    types = {"properties": "JSON", "simulated": "BOOLEAN", "timestamp": "TIMESTAMP"}
    columns = ", ".join(f"'{name}': '{types.get(name, 'VARCHAR')}'" for name in fields)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        lines = Path(folder) / "lines.jsonl"
        lines.write_text("\n".join(texts) + "\n", encoding="utf-8")
        connection.execute("set threads = 1")
        connection.execute(
            f"copy (select * from read_json(?, format = 'newline_delimited', columns = {{{columns}}})) "
            f"to '{str(path).replace(chr(39), chr(39) * 2)}' (format parquet)",
            [str(lines)],
        )


def write_file(file: FilePlan, landing: Path) -> None:
    """Render one planned file below the landing folder."""
    path = landing / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [render_line(line, file.source) for line in file.lines]
    if file.is_parquet:
        _write_parquet(texts, path)
        return
    content = ("\n".join(texts) + "\n").encode()
    # No name and no time in the header: the same lines must give the same bytes.
    path.write_bytes(gzip.compress(content, compresslevel=6, mtime=0) if path.suffix == ".gz" else content)
