"""Moves the files that others write into `landing/` into the raw tables, losing and doubling nothing."""

from orchestration.landing.addresses import read_hash_key
from orchestration.landing.file_repair import RepairError, repair_file
from orchestration.landing.loader import check_files, load_landing
from orchestration.landing.progress import throttled
from orchestration.landing.repair_summary import RepairSummary
from orchestration.landing.summary import FileReport, LandingSummary, ReasonCount, Rejection

__all__ = [
    "FileReport",
    "LandingSummary",
    "ReasonCount",
    "Rejection",
    "RepairError",
    "RepairSummary",
    "check_files",
    "load_landing",
    "read_hash_key",
    "repair_file",
    "throttled",
]
