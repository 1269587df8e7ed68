"""Loads the landing folder: every file in one transaction, so that a kill at any moment leaves no half of one."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from orchestration.landing.file_load import (
    FileLoad,
    Progress,
    StillWrittenError,
    WholeFile,
    content_sha256,
    load_file,
    load_together,
    read_whole,
)
from orchestration.landing.landed_files import LandedFile, UnreadFile, find_files
from orchestration.landing.stage import LoadContext, make_context
from orchestration.landing.summary import FileReport, LandingSummary, ReasonCount, Rejection
from orchestration.landing.suppression import DISTINCTIVE_LETTERS
from orchestration.redaction.printable import one_line
from orchestration.warehouse.load_records import (
    KnownFile,
    PendingFile,
    known_files,
    next_load,
    pending_files,
    refresh_file,
    replace_pending,
)
from orchestration.warehouse.raw_tables import open_raw
from orchestration.warehouse.scratch import scratch_folder
from orchestration.warehouse.utc import stored

# Files up to this size on disk are judged together, until their lines come to so many bytes: a row group of them is
# written once, fewer are written to the log first and again from there.
SMALL_FILE_BYTES = 4 << 20
TOGETHER_BYTES = 64 << 20


def _silent(_message: str) -> None:
    """Progress for callers that show none."""


def load_landing(
    raw_database: Path,
    landing: Path,
    *,
    seeds: Path,
    hash_key: bytes,
    stable_after: timedelta,
    now: datetime,
    on_progress: Progress = _silent,
    reads_all: bool = False,
) -> LandingSummary:
    """Load every new or changed file of `landing` into `raw_database`.

    `seeds` holds event_type_aliases.csv and sender_roles.csv; `stable_after` is how long an unfinished file must stay
    unchanged before it is loaded as far as it reads; `now` must carry an offset. With `reads_all` files that look
    unchanged are read and compared by their checksums. A file that cannot be read is reported and the others go on.
    Raises FileNotFoundError without a landing folder or seeds, ValueError on bad arguments, duckdb.Error when the
    database cannot be written.
    """
    if now.tzinfo is None:
        raise ValueError("now must carry an offset; use datetime.now(UTC)")
    entries = find_files(landing)
    with open_raw(raw_database) as connection:
        load_id, loaded_at = next_load(connection, stored(now))
        context = make_context(connection, seeds, hash_key, load_id, loaded_at)
        if context.suppressions is not None:
            # People choose the names of files, and some names contain a person's name.
            shown = partial(context.suppressions.replace_ids, shortest=DISTINCTIVE_LETTERS)
            entries = [replace(entry, name=shown(entry.name)) for entry in entries]
        return _Run(context, stable_after, now, on_progress, reads_all).load(entries)


def check_files(
    landing: Path,
    *,
    seeds: Path,
    hash_key: bytes,
    stable_after: timedelta,
    now: datetime,
    on_progress: Progress = _silent,
) -> LandingSummary:
    """Report what load_landing would do with these files in an empty warehouse; nothing of it stays."""
    with scratch_folder() as folder:
        return load_landing(
            folder / "check.duckdb",
            landing,
            seeds=seeds,
            hash_key=hash_key,
            stable_after=stable_after,
            now=now,
            on_progress=on_progress,
        )


@dataclass
class _Run:
    """One call of load_landing over an open database; `together` are files read that wait for others."""

    context: LoadContext
    stable_after: timedelta
    now: datetime
    on_progress: Progress
    reads_all: bool
    outcomes: dict[str, FileLoad | FileReport | PendingFile] = field(default_factory=dict)
    together: list[WholeFile] = field(default_factory=list)
    together_bytes: int = 0

    def load(self, entries: list[LandedFile | UnreadFile]) -> LandingSummary:
        known = known_files(self.context.connection)
        waiting = pending_files(self.context.connection)
        for entry in entries:
            if isinstance(entry, UnreadFile):
                self.outcomes[entry.name] = FileReport(entry.name, entry.source, "unread", note=entry.cause)
                continue
            outcome = self._load_one(entry, known.get(entry.name), waiting.get(entry.name))
            if outcome is not None:
                self.outcomes[entry.name] = outcome
        self._load_together()
        return self._summary(entries)

    def _summary(self, entries: list[LandedFile | UnreadFile]) -> LandingSummary:
        reports: list[FileReport] = []
        pending: list[PendingFile] = []
        rejections: list[Rejection] = []
        reasons: list[ReasonCount] = []
        for entry in entries:
            outcome = self.outcomes[entry.name]
            if isinstance(outcome, PendingFile):
                pending.append(outcome)
                since = f"{outcome.pending_since:%Y-%m-%d %H:%M} UTC"
                note = f"{outcome.cause}, waiting since {since}; loaded as far as it reads once unchanged for "
                note += f"{self.stable_after.total_seconds() / 60:.0f} minutes"
                reports.append(FileReport(entry.name, entry.source, "pending", note=note))
            elif isinstance(outcome, FileReport):
                reports.append(outcome)
            elif isinstance(entry, LandedFile):
                reports.append(_report(entry, outcome))
                rejections.extend(Rejection(entry.name, line, reason) for line, reason in outcome.first_refused)
                reasons.extend(
                    ReasonCount(entry.name, reason, count) for reason, count in outcome.reasons.most_common()
                )
        replace_pending(self.context.connection, pending)
        return LandingSummary(self.context.load_id, tuple(reports), tuple(rejections), tuple(reasons))

    def _load_one(
        self, file: LandedFile, known: KnownFile | None, waiting: PendingFile | None
    ) -> FileLoad | FileReport | PendingFile | None:
        """Load a file, or None when it is read and waits for others to be loaded with."""
        looks_unchanged = known is not None and known.is_same(file.size_bytes, file.modified_ns, file.identity)
        if looks_unchanged and not self.reads_all:
            return FileReport(file.name, file.source, "unchanged")
        is_stable = self._is_stable(file)
        is_as_before = waiting is not None and (waiting.size_bytes, waiting.modified_ns) == (
            file.size_bytes,
            file.modified_ns,
        )
        if waiting is not None and is_as_before and not is_stable:
            return waiting
        try:
            if known is not None and content_sha256(file) == known.sha256:
                if not looks_unchanged:
                    refresh_file(
                        self.context.connection,
                        file.name,
                        known.load_id,
                        size_bytes=file.size_bytes,
                        modified_ns=file.modified_ns,
                        identity=file.identity,
                    )
                return FileReport(file.name, file.source, "unchanged")
            return self._read(file, is_stable=is_stable)
        except StillWrittenError as unfinished:
            since = waiting.pending_since if waiting is not None and is_as_before else self.context.loaded_at
            return PendingFile(file.name, file.source, file.size_bytes, file.modified_ns, since, str(unfinished))
        except OSError as error:
            return FileReport(file.name, file.source, "unread", note=f"cannot be read: {error.strerror or error}")

    def _read(self, file: LandedFile, *, is_stable: bool) -> FileLoad | None:
        self.on_progress(f"{one_line(file.name)}: loading {file.size_bytes / 1e6:,.1f} MB")
        if file.size_bytes <= SMALL_FILE_BYTES:
            whole = read_whole(file, is_stable=is_stable)
            if whole is not None:
                self._take(whole)
                return None
        # In the order of the files: the first landed wins.
        self._load_together()
        return load_file(self.context, file, is_stable=is_stable, on_progress=self.on_progress)

    def _take(self, whole: WholeFile) -> None:
        # Names that had an erased id in them may have become the same.
        names = {one.file.name for one in self.together}
        if self.together and (self.together[0].file.source != whole.file.source or whole.file.name in names):
            self._load_together()
        self.together.append(whole)
        self.together_bytes += whole.chunk.held_bytes
        if self.together_bytes >= TOGETHER_BYTES:
            self._load_together()

    def _load_together(self) -> None:
        files, self.together, self.together_bytes = self.together, [], 0
        if files:
            loads = load_together(self.context, files, self.on_progress)
            for whole, outcome in zip(files, loads, strict=True):
                self.outcomes[whole.file.name] = outcome

    def _is_stable(self, file: LandedFile) -> bool:
        modified_at = datetime.fromtimestamp(file.modified_ns / 1e9, tz=UTC)
        return self.now - modified_at >= self.stable_after


def _report(file: LandedFile, outcome: FileLoad) -> FileReport:
    counts = outcome.counts
    return FileReport(
        file.name,
        file.source,
        "loaded",
        lines=counts.lines,
        accepted=counts.accepted,
        rejected=counts.rejected,
        duplicates=counts.duplicates,
        reread=counts.reread,
        note=outcome.note,
    )
