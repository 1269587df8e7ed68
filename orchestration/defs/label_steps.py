"""What the steps of labelling have in common: one that breaks costs no mart, and reports its failure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import dagster as dg

from orchestration.defs.policy import RELABEL_TAG
from orchestration.defs.resources import Warehouse


class Summary(Protocol):
    """What a step did: counts by name, and one line."""

    def as_metadata(self) -> Mapping[str, int | float | str]:
        """Return the counts by name."""

    def as_text(self) -> str:
        """Summarise it in one line."""


@dataclass(frozen=True)
class Done:
    """What a step did, the line for the log where it is another than the summary's, and what stopped it."""

    summary: Summary
    told: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class LabelStep:
    """A table of the ledger and the check whether everything due was labelled."""

    key: Sequence[str]
    check_name: str
    description: str
    activity: str

    @property
    def check_spec(self) -> dg.AssetCheckSpec:
        """Return the check for the asset's decorator."""
        return dg.AssetCheckSpec(self.check_name, asset=self.key, description=self.description)

    def results(
        self,
        context: dg.AssetExecutionContext,
        warehouse: Warehouse,
        nothing: Summary,
        label: Callable[[dg.AssetExecutionContext, Warehouse], Done],
    ) -> Iterator[object]:
        """Label and yield the asset and its check; `nothing` stands for what was done when it breaks."""
        started_at = warehouse.now()
        try:
            done = label(context, warehouse)
        except Exception as error:  # noqa: BLE001 - whatever a classifier raises must not cost the marts
            problem = (
                f"{self.activity} broke off, the marts build on the labels there are: {type(error).__name__}: {error}"
            )
            done = Done(nothing, problem=problem)
        else:
            context.log.info(done.told or done.summary.as_text())
        if done.problem:
            context.log.warning(done.problem)
        seconds = (warehouse.now() - started_at).total_seconds()
        yield dg.MaterializeResult(asset_key=self.key, metadata={**done.summary.as_metadata(), "seconds": seconds})
        yield dg.AssetCheckResult(
            check_name=self.check_name,
            passed=done.problem is None,
            severity=dg.AssetCheckSeverity.WARN,
            description=done.problem or done.summary.as_text(),
        )


def relabelled_from(context: dg.AssetExecutionContext) -> datetime | None:
    """Return since when the run was asked to label again what another definition has labelled."""
    told = context.run.tags.get(RELABEL_TAG)
    return None if told is None else datetime.fromisoformat(told)
