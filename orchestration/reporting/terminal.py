"""The end of a run on a terminal: the funnels, the key numbers, and where to look next."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.redaction.printable import one_line

_BAR_WIDTH = 24
_KEY_METRICS = (
    ("resolution_rate", "resolved, of engaged and closed"),
    ("proven_resolution_rate", "proven by others than the agent"),
    ("resolution_rate_upper", "resolved, and where labels are unsure"),
    ("claimed_resolution_rate", "claimed by the agent side"),
    ("abandonment_rate", "abandoned"),
    ("handoff_rate", "asked for or handed to a person"),
    ("conversion_rate", "converted"),
    ("fallback_rate", "turns with a fallback"),
    ("interaction_rate", "widgets shown that were used"),
)
_FUNNELS = """
    select funnel, stage, sum(entered_measured), sum(reached), sum(reached_with_previous), sum(previous_reached),
        sum(in_progress), sum(lost), bool_or(is_measured)
    from marts.funnel_stages
    where segment = 'all'
    group by funnel, stage_order, stage
    order by funnel, stage_order
"""
_EVIDENCE = """
    select funnel, evidence_kind, count(*)
    from marts.fct_conversation_stages
    group by funnel, evidence_kind
"""
# From the most to the least certain.
_EVIDENCE_KINDS = ("event", "rule", "model", "llm")
_PERIOD = "select min(conversation_date), max(conversation_date), count(*) from marts.fct_conversations"
# The newest tests; a treatment each.
_MOST_VERDICTS = 6
_VERDICTS = """
    select test_name, phase, variant, verdict, verdict_reason
    from marts.ab_test_results
    where not is_control and not is_exploratory
    order by last_exposure_at desc nulls last, test_name, phase desc, variant
"""
_RATES = """
    select metric_name, sum(numerator), sum(denominator)
    from marts.metrics_daily
    where segment = 'all' and denominator is not null
    group by metric_name
"""


def summarise(published: Path, notes: Sequence[str]) -> str:
    """Return notes on the build, funnels, key numbers of the whole period, verdicts on A/B tests and where to look.

    `published` is the folder of the published versions; raises duckdb.IOException when nothing is published.
    """
    database = published / "colloquy.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        first, last, conversations = connection.execute(_PERIOD).fetchall()[0]
        funnels = connection.execute(_FUNNELS).fetchall()
        verdicts = connection.execute(_VERDICTS).fetchall()
        evidence = {(funnel, kind): stages for funnel, kind, stages in connection.execute(_EVIDENCE).fetchall()}
        rates = {
            name: (numerator, denominator) for name, numerator, denominator in connection.execute(_RATES).fetchall()
        }
    parts = [
        f"{conversations:,} conversations, {first} to {last}" if conversations else "No conversation has landed yet."
    ]
    parts += ["\n".join(notes)]
    parts += [
        _funnel(name, [row for row in funnels if row[0] == name])
        + _shown_by([evidence.get((name, kind), 0) for kind in _EVIDENCE_KINDS])
        for name in dict.fromkeys(row[0] for row in funnels)
    ]
    parts += [_key_numbers(rates), _verdicts(verdicts), _where_to_look(database)]
    return "\n\n".join(part for part in parts if part)


def _funnel(name: str, rows: Sequence[tuple[object, ...]]) -> str:
    titles = f"{'reached':>9} {'of entered':>11} {'step rate':>10} {'drop-off':>10} {'in progress':>12}"
    lines = [f"Funnel: {one_line(name):<35}{titles}"]
    for _, stage, entered, reached, with_previous, previous, in_progress, lost, is_measured in rows:
        if not is_measured:
            lines.append(f"  {one_line(str(stage)):<20}{'(no source reports it, no label yet)'}")
            continue
        share = _ratio(reached, entered)
        bar = "█" * round((share or 0) * _BAR_WIDTH)
        lines.append(
            f"  {one_line(str(stage)):<20}{bar:<{_BAR_WIDTH - 1}}{reached:>7,} {_percent(share):>11} "
            f"{_percent(_ratio(with_previous, previous)):>10} {lost:>10,} {in_progress:>12,}"
        )
    return "\n".join(lines)


def _shown_by(stages: Sequence[int]) -> str:
    if not sum(stages):
        return ""
    shares = ", ".join(
        f"{kind} {_percent(number / sum(stages))}" for kind, number in zip(_EVIDENCE_KINDS, stages, strict=True)
    )
    return f"\n  {sum(stages):,} stages shown by: {shares}"


def _key_numbers(rates: dict[str, tuple[float, float]]) -> str:
    lines = ["Key numbers (share, and of how many)"]
    for name, meaning in _KEY_METRICS:
        numerator, denominator = rates.get(name, (0, 0))
        if denominator:
            lines.append(f"  {name:<26}{_percent(numerator / denominator):>8}  of {denominator:>9,.0f}  {meaning}")
    return "\n".join(lines) if len(lines) > 1 else ""


def _verdicts(rows: Sequence[tuple[object, ...]]) -> str:
    if not rows:
        return ""
    lines = ["A/B tests, by their primary metric"]
    for test, phase, variant, verdict, reason in rows[:_MOST_VERDICTS]:
        title = f"{test}, phase {phase}" if phase != 1 else str(test)
        lines.append(f"  {one_line(title)}, {one_line(str(variant))}: {verdict}")
        lines.append(textwrap.fill(one_line(str(reason)), 118, initial_indent="    ", subsequent_indent="    "))
    if len(rows) > _MOST_VERDICTS:
        lines.append(f"  and {len(rows) - _MOST_VERDICTS} more in marts.ab_test_results")
    return "\n".join(lines)


def _where_to_look(database: Path) -> str:
    return "\n".join(
        (
            "Where to look next",
            f"  {database}   schema marts; the same tables as Parquet in {database.parent / 'current'}",
            "  select * from marts.metrics_daily where segment = 'all' order by date;",
            "  select * from marts.funnel_dropoffs limit 20;   -- where conversations end, and what came just before",
            "  docs/questions.md: the questions these tables answer, and how to open one conversation",
        )
    )


def _ratio(part: object, whole: object) -> float | None:
    return float(str(part)) / float(str(whole)) if part is not None and whole else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
