"""Moments as the databases hold them: UTC, without a zone."""

from datetime import UTC, datetime


def stored(moment: datetime) -> datetime:
    """Return a moment with an offset as the databases hold it; raises ValueError for one without."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no offset: pass a moment with its time zone")
    return moment.astimezone(UTC).replace(tzinfo=None)
