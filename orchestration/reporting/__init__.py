"""What people see: numbers from the published marts only."""

from orchestration.reporting.terminal import summarise

__all__ = ["summarise"]
