"""What is asked of every engine, and whether they agree. All answers are whole numbers and names, compared exactly.

- facts: what the conversations add up to, and how many each agent had (the first agent that an event names);
- metrics: numerator and denominator of six daily metrics, for all conversations and for each channel;
- funnel: how many conversations reached each stage of the support funnel but the last in order;
- ab_test: of each variant (the first one seen), conversations, those that saw both, and those that converted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

Rows = list[list[str | int]]
Answers = dict[str, Rows]

ASKED = ("facts", "metrics", "funnel", "ab_test")
FACT_NAMES = (
    *("conversations", "engaged", "user_messages", "agent_messages", "tool_calls", "tool_errors", "fallbacks"),
    *("conversions", "first_response_ms", "session_ms"),
)
# The numerator of a metric in whole numbers is its published one over this.
METRIC_SCALES = {
    "total_conversations": 1.0,
    "engaged_conversations": 1.0,
    "avg_turns": 1.0,
    "avg_messages_per_session": 1.0,
    "avg_session_duration_seconds": 0.001,
    "avg_first_response_ms": 1.0,
}
_SHOWN = 3


class AnswersDifferError(AssertionError):
    """Two engines do not agree: a comparison of their costs would mean nothing."""


def canonical(rows: Sequence[Sequence[object]]) -> Rows:
    """Return rows in one order, numbers as whole numbers and everything else as text."""
    return sorted(
        ([int(value) if isinstance(value, int | float) else str(value) for value in row] for row in rows), key=repr
    )


def require_equal(answers: Mapping[str, Mapping[str, Rows]]) -> None:
    """Raise AnswersDifferError with the first differing rows unless all engines (by name) give the same answers."""
    (first, expected), *others = answers.items()
    for other, found in others:
        for asked in sorted(expected.keys() & found.keys()):
            if expected[asked] != found[asked]:
                only_first = [row for row in expected[asked] if row not in found[asked]][:_SHOWN]
                only_other = [row for row in found[asked] if row not in expected[asked]][:_SHOWN]
                raise AnswersDifferError(f"{asked}: only {first} has {only_first}, only {other} has {only_other}")


def warehouse_answers(build_database: Path) -> Answers:
    """Return the answers of the marts of a build."""
    scales = ", ".join(f"('{name}', {scale})" for name, scale in METRIC_SCALES.items())
    with duckdb.connect(str(build_database), read_only=True) as connection:

        def rows(query: str) -> Rows:
            return canonical(connection.execute(query).fetchall())

        totals = connection.execute(
            """select count(*), count(*) filter (where is_engaged), sum(user_message_count), sum(agent_message_count),
                sum(tool_call_count), sum(tool_error_count), sum(fallback_count), sum(conversion_count),
                sum(first_response_ms),
                sum(date_diff('millisecond', first_interaction_at, last_interaction_at))
            from marts.fct_conversations"""
        ).fetchall()[0]
        agents = connection.execute(
            "select 'agent ' || agent, count(*) from marts.fct_conversations where agent is not null group by agent"
        ).fetchall()
        return {
            "facts": canonical([*zip(FACT_NAMES, totals, strict=True), *agents]),
            "metrics": rows(
                f"""select date, segment, metric_name, round(numerator / scale)::bigint,
                    coalesce(denominator, 0)::bigint
                from marts.metrics_daily
                inner join (values {scales}) as scales (metric_name, scale) using (metric_name)
                where segment_type in ('all', 'channel') and (numerator <> 0 or denominator <> 0)"""
            ),
            "funnel": rows(
                """select stage_order, sum(reached_in_order) from marts.funnel_stages
                where funnel = 'support' and segment = 'all' and stage <> 'resolved' group by stage_order"""
            ),
            "ab_test": rows(
                """select test_name, variant, count(*), count(*) filter (where is_contaminated),
                    count(*) filter (where conversion_count > 0)
                from marts.ab_test_exposures inner join marts.fct_conversations using (conversation_key)
                group by test_name, variant"""
            ),
        }
