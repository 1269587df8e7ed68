"""Whether the landing folder calls for a run: a decision without Dagster, from what was seen last time and now."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from orchestration.landing.landed_files import LandedFile

# Files often arrive in bursts; one run takes them all.
QUIET_TIME = timedelta(minutes=5)


@dataclass(frozen=True)
class Seen:
    """The landing folder as the last run asked for here found it; `requested_at` is aware, ISO-8601."""

    state: str
    requested_at: str

    def to_cursor(self) -> str:
        """Return the text that Dagster keeps between two ticks."""
        return json.dumps(asdict(self))

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Seen | None":
        """Read what to_cursor wrote; None before the first run."""
        return None if cursor is None else cls(**json.loads(cursor))


@dataclass(frozen=True)
class Decision:
    """Ask for a run and remember `seen`, or wait because of `reason`."""

    seen: Seen | None
    reason: str


def folder_state(files: Iterable[LandedFile]) -> str:
    """Return a sha256 (hex) of names, sizes and times: of fixed length, however many files there are."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda one: one.name):
        digest.update(
            f"{file.name}\0{file.size_bytes}\0{file.modified_ns}\0{file.identity}\n".encode(errors="surrogateescape")
        )
    return digest.hexdigest()


def decide(
    before: Seen | None, files: Iterable[LandedFile], *, is_run_waiting: bool, now: datetime, quiet_time: timedelta
) -> Decision:
    """Decide whether the files call for a run now.

    One is asked for when a file has come, grown or changed since the last one asked for here, no run is queued or in
    progress, and the last request is `quiet_time` old. A file that went away asks for one too: it finds nothing to do.
    """
    files = list(files)
    if not files:
        return Decision(None, "no files have landed")
    state = folder_state(files)
    if before is not None and before.state == state:
        return Decision(None, "nothing has landed since the last run")
    if is_run_waiting:
        return Decision(None, "a run is queued or in progress; what has landed goes into the next one")
    if before is not None:
        requested_at = datetime.fromisoformat(before.requested_at)
        next_at = requested_at + quiet_time
        # A request from the future: the clock was set back since, and a run must not wait until it gets there again.
        if requested_at <= now < next_at:
            return Decision(None, f"batching files until {next_at:%Y-%m-%d %H:%M:%S} UTC")
    return Decision(Seen(state, now.isoformat()), "files have landed")
