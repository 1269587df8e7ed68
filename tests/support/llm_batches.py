"""The files and batches of an OpenAI-compatible server: they stay as they are until a test lets them end."""

import email
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class StoredBatch:
    """A batch as the server holds it; `lines` are the questions as they were sent."""

    batch_id: str
    metadata: Mapping[str, str]
    lines: list[dict[str, Any]]
    status: str = "in_progress"
    output_file_id: str | None = None
    error_file_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the API represents it."""
        return {
            **{"id": self.batch_id, "object": "batch", "endpoint": "/v1/chat/completions", "created_at": 0},
            **{"completion_window": "24h", "input_file_id": "input", "status": self.status},
            **{"output_file_id": self.output_file_id, "error_file_id": self.error_file_id},
            "metadata": dict(self.metadata),
        }


@dataclass
class BatchStore:
    """Everything that was uploaded and submitted."""

    files: dict[str, str] = field(default_factory=dict)
    batches: dict[str, StoredBatch] = field(default_factory=dict)

    def upload(self, content_type: str, body: bytes) -> dict[str, Any]:
        """Keep an uploaded file."""
        message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        parts: list[Any] = list(message.get_payload())
        by_name = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts
        }
        assert by_name["purpose"] == b"batch"
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = by_name["file"].decode()
        return {
            **{"id": file_id, "object": "file", "purpose": "batch", "filename": "batch.jsonl", "status": "processed"},
            **{"bytes": len(self.files[file_id]), "created_at": 0},
        }

    def submit(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a batch."""
        lines = [json.loads(line) for line in self.files[content["input_file_id"]].splitlines()]
        batch = StoredBatch(f"batch-{len(self.batches) + 1}", content["metadata"], lines)
        self.batches[batch.batch_id] = batch
        return batch.as_json()

    def get(self, path: str) -> str | None:
        """Return the body for a path below /v1, None where nothing is."""
        kind, _, rest = path.partition("?")[0].strip("/").partition("/")
        if kind == "files" and rest.endswith("/content"):
            return self.files.get(rest.removesuffix("/content"))
        if kind == "batches" and not rest:
            rows = [batch.as_json() for batch in self.batches.values()]
            return json.dumps({"object": "list", "data": rows, "has_more": False})
        if kind == "batches" and rest in self.batches:
            return json.dumps(self.batches[rest].as_json())
        return None

    def end(
        self,
        batch_id: str,
        answer: Callable[[dict[str, Any]], dict[str, Any] | None],
        status: str = "completed",
    ) -> None:
        """Let a batch end; `answer` makes the `response` of a line, or None for one that was not processed."""
        batch = self.batches[batch_id]
        batch.status = status
        made = [(line["custom_id"], answer(line)) for line in batch.lines]
        good = [
            {"custom_id": name, "response": one, "error": None}
            for name, one in made
            if one and one["status_code"] == 200
        ]
        bad = [
            {"custom_id": name, "response": one, "error": None if one else {"code": "batch_expired", "message": "late"}}
            for name, one in made
            if not (one and one["status_code"] == 200)
        ]
        # In no guaranteed order.
        batch.output_file_id = self._write(good[::-1])
        batch.error_file_id = self._write(bad)

    def _write(self, rows: list[dict[str, Any]]) -> str | None:
        if not rows:
            return None
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = "".join(json.dumps(row) + "\n" for row in rows)
        return file_id
