"""Moves the files that others write into `landing/` into the raw tables, losing and doubling nothing."""

from orchestration.landing.addresses import read_hash_key
from orchestration.landing.loader import check_files, load_landing
from orchestration.landing.progress import throttled
from orchestration.landing.summary import FileReport, LandingSummary, ReasonCount, Rejection

__all__ = [
    "FileReport",
    "LandingSummary",
    "ReasonCount",
    "Rejection",
    "check_files",
    "load_landing",
    "read_hash_key",
    "throttled",
]
