"""What a load did, for people and for the callers."""

from dataclasses import dataclass
from typing import Literal

from orchestration.landing.reasons import NEXT_STEPS
from orchestration.redaction.printable import one_line
from orchestration.warehouse.source_contracts import SOURCES

FileState = Literal["loaded", "pending", "unchanged", "unread"]
KEPT_REJECTIONS = 10
# Beyond these a person reads totals, and looks the rest up in the raw tables.
_FILES_SHOWN = 20
_REASONS_SHOWN = 20


@dataclass(frozen=True)
class FileReport:
    """One file of a load; `path` is relative to the landing folder."""

    path: str
    source: str
    state: FileState
    lines: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    reread: int = 0
    note: str = ""


@dataclass(frozen=True)
class Rejection:
    """One refused line."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class ReasonCount:
    """How many lines of a file were refused for one reason."""

    file: str
    reason: str
    count: int


@dataclass(frozen=True)
class LandingSummary:
    """Everything a load did. `rejections` keeps the first ten of a file, `reasons` counts all of them."""

    load_id: int
    files: tuple[FileReport, ...]
    rejections: tuple[Rejection, ...] = ()
    reasons: tuple[ReasonCount, ...] = ()

    @property
    def lines(self) -> int:
        """Lines read, blank ones apart."""
        return sum(report.lines for report in self.files)

    @property
    def accepted(self) -> int:
        """Events that are new."""
        return sum(report.accepted for report in self.files)

    @property
    def rejected(self) -> int:
        """Lines refused and not known from before."""
        return sum(report.rejected for report in self.files)

    @property
    def duplicates(self) -> int:
        """Lines that had landed before, `reread` among them."""
        return sum(report.duplicates for report in self.files)

    @property
    def reread(self) -> int:
        """Lines seen before in the same file, which grew or changed."""
        return sum(report.reread for report in self.files)

    @property
    def has_news(self) -> bool:
        """Whether any event was accepted."""
        return self.accepted > 0

    def metadata(self, table: str) -> dict[str, int]:
        """Give the counts of this load that belong to a raw table. Raises KeyError for a table that has none."""
        if table == "rejected_events":
            return {"rejected": self.rejected}
        if table == "repaired_conversations":
            return {}
        if table == "loaded_files":
            return {"files": sum(report.state == "loaded" for report in self.files)}
        if table == "message_texts":
            return {"accepted": self.accepted}
        if table not in SOURCES:
            raise KeyError(f"{table} is no table of landed events; known are {', '.join(SOURCES)}")
        own = [report for report in self.files if report.source == table and report.state == "loaded"]
        return {
            "lines": sum(report.lines for report in own),
            "accepted": sum(report.accepted for report in own),
            "rejected": sum(report.rejected for report in own),
            "duplicates": sum(report.duplicates for report in own),
            "files": len(own),
        }

    def as_text(self) -> str:
        """Show an aligned table, then refusals with the next step, then files that wait or were not read."""
        parts = [self._table()]
        if self.reasons:
            parts.append(self._refusals())
        for state, title in (("pending", "Still being written"), ("unread", "Not read")):
            waiting = [report for report in self.files if report.state == state]
            if waiting:
                parts.append(
                    "\n".join([f"{title}:", *(f"  {one_line(one.path)}: {one_line(one.note)}" for one in waiting)])
                )
        return "\n\n".join(parts)

    def _table(self) -> str:
        header = ("file", "state", "lines", "accepted", "rejected", "duplicates", "of these reread")
        shown = [report for report in self.files if report.state == "loaded"]
        rows = [
            (
                *(one_line(report.path), report.state),
                *_thousands(report.lines, report.accepted, report.rejected, report.duplicates, report.reread),
            )
            for report in (shown if len(shown) <= _FILES_SHOWN else _by_source(shown))
        ]
        unchanged = sum(report.state == "unchanged" for report in self.files)
        totals = _thousands(self.lines, self.accepted, self.rejected, self.duplicates, self.reread)
        rows.append((f"total ({len(shown)} loaded, {unchanged} unchanged)", "", *totals))
        widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
        return "\n".join(_aligned(row, widths) for row in (header, *rows))

    def _refusals(self) -> str:
        lines = ["Refused lines (kept in raw.rejected_events):"]
        for entry in self.reasons[:_REASONS_SHOWN]:
            numbers = [str(one.line) for one in self.rejections if (one.file, one.reason) == (entry.file, entry.reason)]
            where = f" (line {', '.join(numbers)}{', ...' if len(numbers) < entry.count else ''})" if numbers else ""
            lines.append(f"  {one_line(entry.file)}: {entry.count:,} {entry.reason}{where}")
        if len(self.reasons) > _REASONS_SHOWN:
            others = self.reasons[_REASONS_SHOWN:]
            lines.append(
                f"  and {sum(one.count for one in others):,} more in {len({one.file for one in others}):,} files"
            )
        named = dict.fromkeys(entry.reason for entry in self.reasons)
        lines.extend(f"  {reason}: {NEXT_STEPS[reason]}" for reason in named)
        return "\n".join(lines)


def _by_source(reports: list[FileReport]) -> list[FileReport]:
    """One line a source instead of one a file."""
    merged = []
    for source in dict.fromkeys(report.source for report in reports):
        own = [report for report in reports if report.source == source]
        merged.append(
            FileReport(
                path=f"{source} ({len(own):,} files)",
                source=source,
                state="loaded",
                lines=sum(report.lines for report in own),
                accepted=sum(report.accepted for report in own),
                rejected=sum(report.rejected for report in own),
                duplicates=sum(report.duplicates for report in own),
                reread=sum(report.reread for report in own),
            )
        )
    return merged


def _thousands(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:,}" for number in numbers)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.ljust(width) if place < 2 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
