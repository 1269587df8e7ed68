"""Funnels and their stages: rows of funnels.csv and funnel_stages.csv, and what holds between them."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from orchestration.configuration.cells import NAME, Cell, Filter, Name, Number, Purposes, Reference, Whole
from orchestration.configuration.label_stages import STAGES
from orchestration.configuration.problems import Problem
from orchestration.configuration.reading import Seed
from orchestration.configuration.rows import Row

# What models/intermediate/funnels/int_facts_dated.sql finds.
FACTS = (
    "engaged_at",
    "first_agent_message_at",
    "first_proof_at",
    "first_user_message_at",
    "initialised_at",
    "qualification_score",
    "standing_claim_at",
    "started_at",
)
_SIGNALS: Mapping[str, tuple[str, ...]] = {"fact": FACTS, "label": STAGES}
_SIGNAL_MEANING = f"an event type, a fact ({', '.join(FACTS)}) or a label ({', '.join(STAGES)})"


class Funnel(Row):
    """A funnel and the conversations that may enter it."""

    file: ClassVar = "funnels.csv"
    key: ClassVar = ("funnel",)

    funnel: Name
    purpose: Purposes | None
    source: Annotated[Filter, Reference("sources.csv", "source")] | None
    agent: Filter | None
    channel: Filter | None
    description: str | None = None


class FunnelStage(Row):
    """A stage of a funnel and one signal that shows it."""

    file: ClassVar = "funnel_stages.csv"
    key: ClassVar = ("funnel", "stage", "signal_kind", "signal")

    funnel: Annotated[Name, Reference("funnels.csv", "funnel")]
    stage_order: Whole
    stage: Name
    signal_kind: Literal["event", "fact", "label"]
    signal: Annotated[str, Cell(NAME, _SIGNAL_MEANING, "conversion")]
    minimum_value: Number | None = None
    within_hours: Whole | None = None
    description: str | None = None


def funnel_problems(funnels: Seed[Funnel], stages: Seed[FunnelStage]) -> Iterator[Problem]:
    """Yield what is wrong with the signals of stages, their order, and funnels without stages."""
    yield from _signal_problems(stages)
    by_funnel: dict[str, dict[int, FunnelStage]] = {}
    for line, row in stages.rows.items():
        by_funnel.setdefault(row.funnel, {})[line] = row
    # A gap may be the place of a row that cannot be read.
    for name in sorted(set(by_funnel) - stages.values_of_wrong_rows("funnel")):
        yield from _order_problems(stages, by_funnel[name])
    for line, funnel in funnels.rows.items():
        if stages.is_readable and funnel.funnel not in stages.values("funnel"):
            what = f"funnel {funnel.funnel!r} has no stages in {stages.file}"
            yield funnels.problem(line, "funnel", what, f"add its stages to {stages.file}, or remove the funnel")


def _signal_problems(stages: Seed[FunnelStage]) -> Iterator[Problem]:
    for line, row in stages.rows.items():
        known = _SIGNALS.get(row.signal_kind, (row.signal,))
        if row.signal not in known:
            what = f"{row.signal_kind} {row.signal!r} is none of {', '.join(known)}"
            yield stages.problem(line, "signal", what, "write one of these")
        if row.minimum_value is not None and row.signal_kind != "fact":
            what = f"only facts have a minimum_value, and {row.signal!r} is of kind {row.signal_kind}"
            yield stages.problem(line, "minimum_value", what, "leave it empty")


def _order_problems(stages: Seed[FunnelStage], rows: Mapping[int, FunnelStage]) -> Iterator[Problem]:
    """Yield what is wrong with the rows of one funnel: an order is one stage, and orders run from 1 without gaps."""
    at_order: dict[int, FunnelStage] = {}
    order_of: dict[str, int] = {}
    line_of: dict[int, int] = {}
    for line, row in rows.items():
        first = at_order.setdefault(row.stage_order, row)
        line_of.setdefault(row.stage_order, line)
        if first.stage != row.stage:
            what = f"stage_order {row.stage_order} of funnel {row.funnel!r} is {first.stage!r} and {row.stage!r}"
            yield stages.problem(line, "stage_order", what, "give each stage an order of its own")
        elif first.within_hours != row.within_hours:
            what = f"stage {row.stage!r} of funnel {row.funnel!r} has two values of within_hours"
            yield stages.problem(line, "within_hours", what, "write the same in all rows of the stage")
        if order_of.setdefault(row.stage, row.stage_order) != row.stage_order:
            what = f"funnel {row.funnel!r} has stage {row.stage!r} at two places"
            yield stages.problem(line, "stage", what, "give all rows of the stage the same stage_order")
    orders = sorted(at_order)
    if orders[0] != 1:
        what = f"funnel {at_order[orders[0]].funnel!r} starts with stage_order {orders[0]}"
        yield stages.problem(line_of[orders[0]], "stage_order", what, "number the stages from 1")
    for before, after in pairwise(orders):
        if after != before + 1:
            what = f"funnel {at_order[after].funnel!r} jumps from stage_order {before} to {after}"
            yield stages.problem(line_of[after], "stage_order", what, "number the stages without gaps")
