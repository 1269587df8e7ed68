"""Runs expectations over a data frame. The SQL route of Great Expectations fails on DuckDB; data frames work."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.expectations.results import SHOWN_EXAMPLES, CheckResult, Expectation

if TYPE_CHECKING:
    import pandas as pd


class ExpectationError(RuntimeError):
    """An expectation could not be evaluated: it names a column the table does not have, or a wrong argument."""


def validate(frame: "pd.DataFrame", expectations: Sequence[Expectation]) -> tuple[CheckResult, ...]:
    """Return one result an expectation, in their order.

    A frame without rows fulfils every expectation about rows, for there is none that could be wrong; where a table must
    not be empty, an expectation about its number of rows covers that. Raises ExpectationError.
    """
    about_rows = [one for one in expectations if one.kind.startswith("ExpectColumn")]
    if frame.empty and len(about_rows) == len(expectations):
        return tuple(_passed_without_rows(one) for one in expectations)
    batch = _batch(frame)
    return tuple(
        _passed_without_rows(one) if frame.empty and one in about_rows else _validate_one(batch, one, len(frame))
        for one in expectations
    )


def _batch(frame: "pd.DataFrame") -> Any:  # noqa: ANN401 - the library's batch has no public type
    # Three CPU seconds: paid only by runs that have rows to look at.
    import great_expectations as gx  # noqa: PLC0415
    from great_expectations.data_context.types.base import (  # noqa: PLC0415
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
            store_backend_defaults=InMemoryStoreBackendDefaults(),
        ),
    )
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})


def _validate_one(batch: Any, expectation: Expectation, row_count: int) -> CheckResult:  # noqa: ANN401
    import great_expectations.expectations as library  # noqa: PLC0415

    outcome = batch.validate(
        getattr(library, expectation.kind)(**expectation.arguments),
        result_format={
            "result_format": "SUMMARY",
            "partial_unexpected_count": SHOWN_EXAMPLES,
            "unexpected_index_column_names": list(expectation.shown),
            "include_unexpected_rows": False,
        },
    )
    raised = _exception_message(outcome.exception_info)
    if raised:
        raise ExpectationError(f"{expectation.name} on {expectation.table} cannot be evaluated: {raised}")
    result: Mapping[str, Any] = outcome.result
    return CheckResult(
        name=expectation.name,
        table=expectation.table,
        severity=expectation.severity,
        success=bool(outcome.success),
        observed=_observed(result, row_count, expectation.rows_are),
        examples=tuple(_examples(result)) if not outcome.success else (),
    )


def _passed_without_rows(expectation: Expectation) -> CheckResult:
    return CheckResult(expectation.name, expectation.table, expectation.severity, success=True, observed="no rows")


def _observed(result: Mapping[str, Any], row_count: int, rows_are: str) -> str:
    if "unexpected_count" in result:
        failing = int(result["unexpected_count"])
        return f"{failing:,} of {row_count:,} {rows_are} fail ({failing / row_count:.1%})"
    return f"observed {result.get('observed_value')}"


def _examples(result: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    for row in (result.get("partial_unexpected_index_list") or [])[:SHOWN_EXAMPLES]:
        yield {column: f"{value:.1%}" if column.endswith("_share") else str(value) for column, value in row.items()}


def _exception_message(info: Mapping[str, Any]) -> str:
    """Return the message of what was raised; the library nests it one level deeper when a metric raised it."""
    for one in (info, *(value for value in info.values() if isinstance(value, dict))):
        if one.get("raised_exception"):
            return str(one["exception_message"])
    return ""
