"""What a repair did, for people and for the record."""

from dataclasses import dataclass
from typing import Literal

from orchestration.landing.forgetting import Forgotten
from orchestration.warehouse.load_records import Counts
from orchestration.warehouse.operations import Detail


@dataclass(frozen=True)
class Reread:
    """A file that was read again for what it shares with the repaired one."""

    file: str
    counts: Counts


@dataclass(frozen=True)
class RepairSummary:
    """`counts` are those of the file as it is now, all 0 when it was excluded; `missing` could not be read again."""

    operation: Literal["reload", "exclude"]
    file: str
    load_id: int
    forgotten: Forgotten
    counts: Counts
    rereads: tuple[Reread, ...]
    missing: tuple[str, ...]

    @property
    def came_back(self) -> int:
        """Events that other files brought again."""
        return sum(one.counts.accepted for one in self.rereads)

    def detail(self) -> Detail:
        """Return what raw.operations keeps of it."""
        return {
            "file": self.file,
            "events_removed": self.forgotten.events,
            "rejected_removed": self.forgotten.rejected,
            "lines": self.counts.lines,
            "accepted": self.counts.accepted,
            "rejected": self.counts.rejected,
            "duplicates": self.counts.duplicates,
            "files_read_again": len(self.rereads),
            "files_missing": len(self.missing),
            "events_came_back": self.came_back,
        }

    def as_text(self) -> str:
        """Show what went, what came, and which files are wanted."""
        gone = f"{self.forgotten.events:,} events and {self.forgotten.rejected:,} refused lines taken out"
        lines = [f"{self.file}: {gone}"]
        if self.operation == "reload":
            counts = self.counts
            lines.append(
                f"  landed again: {counts.lines:,} lines = {counts.accepted:,} accepted + {counts.rejected:,} rejected "
                f"+ {counts.duplicates:,} duplicates"
            )
        else:
            lines.append("  it does not land again unless it changes; make reload loads it again")
        if self.rereads:
            lines.append(
                f"  {len(self.rereads):,} files with duplicates read again: {self.came_back:,} events came back"
            )
        lines.extend(
            f"  {name} may hold events of it and is not there: put it back, and the next run reads it again"
            for name in self.missing
        )
        return "\n".join(lines)
