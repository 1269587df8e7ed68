"""Expectations about the edges: what landed and what is about to be published. dbt tests guard what lies between."""

from orchestration.expectations.landed import LANDED_EXPECTATIONS, check_landed
from orchestration.expectations.marts import MARTS_EXPECTATIONS, check_marts
from orchestration.expectations.results import CheckResult, Expectation, Severity

__all__ = [
    "LANDED_EXPECTATIONS",
    "MARTS_EXPECTATIONS",
    "CheckResult",
    "Expectation",
    "Severity",
    "check_landed",
    "check_marts",
]
