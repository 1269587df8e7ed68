"""Checks the configuration in seeds before a run starts: every problem at once, each naming its file and row."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import yaml

from orchestration.configuration.alert_rows import alert_problems
from orchestration.configuration.experiment_rows import experiment_problems
from orchestration.configuration.measures import measure_names
from orchestration.configuration.seed_columns import column_defaults, column_problems
from orchestration.configuration.stages import STAGES
from orchestration.configuration.taxonomy import KINDS

Row = dict[str, str]
PhraseProblems = Callable[[Iterable[tuple[str, Mapping[str, str]]]], Iterable[str]]

# What models/intermediate/funnels/int_facts_dated.sql finds.
FACTS = frozenset(
    {
        "started_at",
        "initialised_at",
        "engaged_at",
        "first_user_message_at",
        "first_agent_message_at",
        "first_proof_at",
        "qualification_score",
    }
)
# What models/intermediate/metrics/int_conversation_attributes_listed.sql knows how to read.
SEGMENT_COLUMNS = frozenset(
    {
        "agent",
        "channel",
        "device",
        "entry_page",
        "hour_of_day",
        "language",
        "model",
        "purpose",
        "source",
        "traffic_source",
        "variant",
    }
)
_KEYS = {
    "ab_tests.csv": ("test_name", "phase"),
    "agents.csv": ("agent",),
    "alert_rules.csv": ("rule",),
    "sources.csv": ("source",),
    "purposes.csv": ("source", "agent"),
    "event_type_aliases.csv": ("source", "source_event_type"),
    "sender_roles.csv": ("role",),
    "success_signals.csv": ("source", "event_type", "property", "value"),
    "funnels.csv": ("funnel",),
    "funnel_stages.csv": ("funnel", "stage", "signal_kind", "signal"),
    "segment_dimensions.csv": ("dimension",),
    "metric_definitions.csv": ("metric_name",),
    "model_prices.csv": ("model", "valid_from"),
    "taxonomy.csv": ("kind", "language", "phrase"),
}


_NAME, _WHOLE, _NUMBER, _FLAG = r"\S(.*\S)?", r"[0-9]{1,9}", r"-?[0-9]{1,12}(\.[0-9]+)?", r"(?i)true|false"
_PRICE = r"[0-9]{1,6}(\.[0-9]+)?"
# What dbt would refuse or silently read as something else.
_CELLS = (
    ("agents.csv", "reference_message_count", r"[1-9][0-9]{0,8}", "whole number above 0"),
    ("agents.csv", "goals", r"([^|]+(\|[^|]+)*)?", "list of names between |"),
    ("sources.csv", "id_namespace", _NAME, "name"),
    ("sources.csv", "has_optional_widget", _FLAG, "true or false"),
    ("sources.csv", "can_report_completion", _FLAG, "true or false"),
    ("sources.csv", "source", _NAME, "name"),
    ("funnel_stages.csv", "stage_order", _WHOLE, "whole number"),
    ("funnel_stages.csv", "stage", _NAME, "name"),
    ("funnel_stages.csv", "signal", _NAME, "name"),
    ("funnel_stages.csv", "within_hours", f"({_WHOLE})?", "whole number"),
    ("funnel_stages.csv", "minimum_value", f"({_NUMBER})?", "number"),
    # A quote or a star would be syntax in the path the property is read by.
    ("segment_dimensions.csv", "property", r'[^"*]*', "name of a property"),
    ("success_signals.csv", "property", r'[^"*]*', "name of a property"),
    ("segment_dimensions.csv", "top_n", f"({_WHOLE})?", "whole number"),
    ("segment_dimensions.csv", "is_hourly", _FLAG, "true or false"),
    ("metric_definitions.csv", "metric_name", _NAME, "name"),
    ("metric_definitions.csv", "minimum_sample", f"({_WHOLE})?", "whole number"),
    ("metric_definitions.csv", "maturity_hours", _NUMBER, "number"),
    ("metric_definitions.csv", "scale", _NUMBER, "number"),
    ("metric_definitions.csv", "lower_bound", f"({_NUMBER})?", "number"),
    ("model_prices.csv", "model", _NAME, "name"),
    ("model_prices.csv", "valid_from", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "date such as 2026-01-31"),
    # `unknown` is what no phrase shows; labels stand in lists, between commas.
    (
        "taxonomy.csv",
        "label",
        r"(?!unknown$)[a-z][a-z0-9_]*",
        "name of lower-case letters, digits and _, and not unknown",
    ),
    ("taxonomy.csv", "phrase", _NAME, "phrase"),
    ("model_prices.csv", "input_usd_per_mtok", _PRICE, "price: USD per million tokens, 0 or more"),
    ("model_prices.csv", "output_usd_per_mtok", _PRICE, "price: USD per million tokens, 0 or more"),
    ("model_prices.csv", "batch_price_ratio", _PRICE, "share of the price, 1 for all of it"),
)

# The definition from which each goal gets a metric of its own.
_GOAL_METRIC = "conversion_rate:<goal>"


class ConfigurationError(ValueError):
    """Configuration that cannot be used; the message lists every problem with its file and row."""


@dataclass(frozen=True)
class _Seed:
    """One seed file; a row is known by the line an editor shows for it (its last one when a cell holds line breaks)."""

    name: str
    columns: list[str]
    rows: list[tuple[int, Row]]

    def numbered(self) -> Iterator[tuple[str, Row]]:
        return ((f"{self.name} line {number}", row) for number, row in self.rows)

    def values(self, column: str) -> set[str]:
        return {row[column] for _, row in self.rows}


def check_configuration(project: Path, shipped_seeds: Path, phrase_problems: PhraseProblems) -> None:
    """Check the seeds of an assembled dbt project; raises ConfigurationError naming every bad row.

    `phrase_problems` says what is wrong with phrases of the taxonomy: how texts are read is not known here.
    """
    problems: list[str] = []
    seeds = {path.name: _read(path, problems) for path in sorted((project / "seeds").glob("*.csv"))}
    for name, seed in seeds.items():
        shipped = _read(shipped_seeds / name, problems)
        if seed.columns != shipped.columns and not any(line.startswith(f"{name}: cannot") for line in problems):
            optional = column_defaults((shipped_seeds / name).with_suffix(".yml"))
            problems.extend(column_problems(name, seed.columns, shipped.columns, optional))
    if not problems:
        variables = yaml.safe_load((project / "dbt_project.yml").read_text())["vars"]
        facts = {name: fact["type"] for name, fact in variables["ab_test_facts"].items()}
        for check in (
            _check_keys,
            _check_cells,
            _check_references,
            _check_stage_orders,
            _check_stage_signals,
            _check_dimensions,
        ):
            problems.extend(check(seeds))
        problems.extend(phrase_problems(seeds["taxonomy.csv"].numbered()))
        problems.extend(experiment_problems(seeds["ab_tests.csv"].numbered(), facts))
        problems.extend(_check_metrics(seeds, measure_names(project)))
        metrics = {row["metric_name"]: row for _, row in seeds["metric_definitions.csv"].rows}
        hourly = {
            row["dimension"]
            for _, row in seeds["segment_dimensions.csv"].rows
            if row["is_hourly"].strip().lower() == "true"
        }
        problems.extend(alert_problems(seeds["alert_rules.csv"].numbered(), metrics, hourly))
    if problems:
        raise ConfigurationError("the configuration cannot be used:\n  " + "\n  ".join(problems))


def _read(path: Path, problems: list[str]) -> _Seed:
    """Read a seed; what cannot be read is a problem of its own and leaves a seed without columns."""
    rows: list[tuple[int, Row]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", restval="", strict=True)
            columns = list(reader.fieldnames or [])
            rows.extend((reader.line_num, row) for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{path.name}: cannot be read as a UTF-8 CSV file: {error}")
        return _Seed(path.name, [], [])
    for number, row in rows:
        if "" in row:
            problems.append(f"{path.name} line {number}: more cells than columns; quote a value that holds a comma")
    return _Seed(path.name, columns, rows)


def _check_keys(seeds: dict[str, _Seed]) -> Iterator[str]:
    for name, key in _KEYS.items():
        seen: dict[tuple[str, ...], str] = {}
        for where, row in seeds[name].numbered():
            value = tuple(row[column] for column in key)
            if value in seen:
                stated = repr(value[0] if len(value) == 1 else value)
                yield f"{where}: {', '.join(key)} = {stated} stands in {seen[value]} already"
            seen.setdefault(value, where)


def _check_cells(seeds: dict[str, _Seed]) -> Iterator[str]:
    for name, column, pattern, meaning in _CELLS:
        for where, row in seeds[name].numbered():
            if not re.fullmatch(pattern, row[column]):
                yield f"{where}: {column} {row[column]!r} is no {meaning}"


def _check_references(seeds: dict[str, _Seed]) -> Iterator[str]:
    sources = seeds["sources.csv"].values("source")
    for name in ("purposes.csv", "event_type_aliases.csv", "success_signals.csv"):
        for where, row in seeds[name].numbered():
            if row["source"] and row["source"] not in sources:
                yield f"{where}: source {row['source']!r} is not in sources.csv"
    yield from _check_closed_lists(seeds)
    yield from _check_lists_of_funnels(seeds, sources)


def _check_closed_lists(seeds: dict[str, _Seed]) -> Iterator[str]:
    closed = (
        ("purposes.csv", "purpose", {"support", "sales"}),
        ("success_signals.csv", "strength", {"proof", "claim"}),
        ("sender_roles.csv", "sender_role", {"customer", "agent"}),
        ("event_type_aliases.csv", "sender_role", {"customer", "agent", ""}),
        ("sources.csv", "default_environment", {"production", "development", ""}),
        ("sources.csv", "feedback_question_kind", {"solved", "satisfaction", "other", ""}),
        ("funnel_stages.csv", "signal_kind", {"event", "fact", "label"}),
        ("taxonomy.csv", "kind", set(KINDS)),
        ("metric_definitions.csv", "kind", {"count", "sum", "mean", "rate", "ratio"}),
        ("metric_definitions.csv", "direction", {"higher_is_better", "lower_is_better", "neutral"}),
    )
    for name, column, allowed in closed:
        for where, row in seeds[name].numbered():
            if row[column] not in allowed:
                known = ", ".join(sorted(value or "(empty)" for value in allowed))
                yield f"{where}: {column} {row[column]!r} is none of {known}"


def _check_lists_of_funnels(seeds: dict[str, _Seed], sources: set[str]) -> Iterator[str]:
    for where, row in seeds["funnels.csv"].numbered():
        for source in filter(None, row["source"].split("|")):
            if source not in sources:
                yield f"{where}: source {source!r} is not in sources.csv"
        for purpose in filter(None, row["purpose"].split("|")):
            if purpose not in {"support", "sales"}:
                yield f"{where}: purpose {purpose!r} is none of sales, support"


def _check_stage_orders(seeds: dict[str, _Seed]) -> Iterator[str]:
    funnels = seeds["funnels.csv"].values("funnel")
    orders: dict[str, dict[int, tuple[str, str]]] = {}
    for where, row in seeds["funnel_stages.csv"].numbered():
        funnel, stage = row["funnel"], row["stage"]
        if funnel not in funnels:
            yield f"{where}: funnel {funnel!r} is not in funnels.csv"
        if not re.fullmatch(_WHOLE, row["stage_order"]):
            continue
        known = orders.setdefault(funnel, {}).setdefault(int(row["stage_order"]), (stage, row["within_hours"]))
        if known[0] != stage:
            yield f"{where}: stage_order {row['stage_order']} of funnel {funnel!r} is {known[0]!r} and {stage!r}"
        elif known[1] != row["within_hours"]:
            yield f"{where}: stage {stage!r} of funnel {funnel!r} has two values of within_hours"
    for funnel, stages in orders.items():
        yield from _gaps(funnel, sorted(stages))
        names = [stage for stage, _ in stages.values()]
        yield from (
            f"funnel_stages.csv: funnel {funnel!r} has stage {name!r} at two places"
            for name in sorted(set(names))
            if names.count(name) > 1
        )
    for funnel in sorted(funnels - set(orders)):
        yield f"funnels.csv: funnel {funnel!r} has no stages in funnel_stages.csv"


def _gaps(funnel: str, orders: list[int]) -> Iterator[str]:
    if orders[0] != 1:
        yield f"funnel_stages.csv: funnel {funnel!r} starts with stage_order {orders[0]}, expected 1"
    for before, after in pairwise(orders):
        if after != before + 1:
            yield f"funnel_stages.csv: funnel {funnel!r} jumps from stage_order {before} to {after}"


def _check_stage_signals(seeds: dict[str, _Seed]) -> Iterator[str]:
    for where, row in seeds["funnel_stages.csv"].numbered():
        if row["signal_kind"] == "fact" and row["signal"] not in FACTS:
            yield f"{where}: fact {row['signal']!r} is none of {', '.join(sorted(FACTS))}"
        if row["signal_kind"] == "label" and row["signal"] not in STAGES:
            yield f"{where}: label {row['signal']!r} is none of {', '.join(STAGES)}"
        if row["minimum_value"] and row["signal_kind"] != "fact":
            yield f"{where}: minimum_value belongs to facts only"


def _check_dimensions(seeds: dict[str, _Seed]) -> Iterator[str]:
    for where, row in seeds["segment_dimensions.csv"].numbered():
        if bool(row["column_name"]) == bool(row["property"]):
            yield f"{where}: dimension {row['dimension']!r} needs a column_name or a property, and not both"
        elif row["column_name"] and row["column_name"] not in SEGMENT_COLUMNS:
            yield f"{where}: column_name {row['column_name']!r} is none of {', '.join(sorted(SEGMENT_COLUMNS))}"


def _check_metrics(seeds: dict[str, _Seed], measures: frozenset[str]) -> Iterator[str]:
    if _GOAL_METRIC not in seeds["metric_definitions.csv"].values("metric_name"):
        # Tests are judged by the goals that have a metric.
        yield f"metric_definitions.csv: metric {_GOAL_METRIC!r} is missing; it stands for one metric a goal"
    for where, row in seeds["metric_definitions.csv"].numbered():
        is_count = row["kind"] == "count"
        if is_count == bool(row["denominator"]):
            yield f"{where}: a {row['kind']} {'has no' if is_count else 'needs a'} denominator"
        for column in ("numerator", "denominator"):
            if row[column] and row[column] not in measures | {"goal_count"}:
                yield f"{where}: {column} {row[column]!r} of metric {row['metric_name']!r} is no measure"
