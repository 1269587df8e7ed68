"""What people see: numbers from the published marts, and what keeps events out of them."""

from orchestration.reporting.notes import notes_on_build
from orchestration.reporting.terminal import summarise

__all__ = ["notes_on_build", "summarise"]
