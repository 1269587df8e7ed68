"""Reads what the simulator wrote down before it made its events; times are naive UTC."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

Fields = dict[str, Any]


def read_lines(path: Path) -> list[Fields]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_object(path: Path) -> Fields:
    """Read a file that holds one JSON object."""
    content: Fields = json.loads(path.read_text(encoding="utf-8"))
    return content


def moment(text: str) -> datetime:
    """Read a time of the truth, `...Z`, as naive UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=None)
