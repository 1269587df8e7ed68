"""The same work in Polars, read lazily and collected by its streaming engine."""

from pathlib import Path
from typing import Any

from tests.benchmarks.peers.answers import METRIC_SCALES, Answers, canonical
from tests.benchmarks.peers.sql import STAGES, long_metrics

_INTERACTIONS = (
    *("user_message", "agent_message", "tool_called", "button_clicked", "flow_started", "flow_completed"),
    "flow_abandoned",
)
_STAGE_NUMBERS = {
    "problem_identified": 3,
    "solution_proposed": 4,
    "solution_accepted": 5,
}


def polars_answers(raw_database: Path, parquet: Path) -> Answers:
    """Answer in Polars, over Parquet."""
    del raw_database
    import polars as pl  # noqa: PLC0415 - installed by make bench alone

    events = pl.scan_parquet(parquet)
    facts = _facts(pl, events)
    return {
        "facts": canonical(_totals(pl, facts)),
        "metrics": canonical(long_metrics(_metrics(pl, facts))),
        "funnel": canonical(_funnel(pl, events, facts)),
        "ab_test": canonical(_ab_test(pl, events, facts)),
    }


def _first(pl: Any, column: str) -> Any:
    """Return the value of the earliest row that has one."""
    return pl.col(column).sort_by("timestamp").drop_nulls().first()


def _facts(pl: Any, events: Any) -> Any:
    """One row a conversation."""
    kind, at = pl.col("event_type"), pl.col("timestamp")
    is_interaction = kind.is_in(_INTERACTIONS)
    basics = (
        events.group_by("conversation_id")
        .agg(
            pl.coalesce(
                at.filter((kind == "conversation_started") | is_interaction).min(),
                at.filter(kind != "experiment_exposure").min(),
            ).alias("started_at"),
            at.filter(is_interaction).min().alias("first_interaction_at"),
            at.filter(is_interaction).max().alias("last_interaction_at"),
            at.filter(kind == "user_message").min().alias("first_question_at"),
            at.filter(kind == "agent_message").min().alias("greeted_at"),
            _first(pl, "channel").alias("channel"),
            _first(pl, "agent").alias("agent"),
            (kind == "user_message").sum().alias("user_messages"),
            (kind == "agent_message").sum().alias("agent_messages"),
            (kind == "tool_called").sum().alias("tool_calls"),
            ((kind == "tool_called") & pl.col("is_error")).sum().alias("tool_errors"),
            (kind == "fallback_triggered").sum().alias("fallbacks"),
            (kind == "conversion").sum().alias("conversions"),
            kind.is_in(("user_message", "flow_started", "button_clicked")).sum().alias("engagements"),
        )
        .collect(engine="streaming")
    )
    replies = (
        events.filter(kind == "agent_message")
        .join(basics.lazy().select("conversation_id", "first_question_at"), on="conversation_id")
        .filter(at >= pl.col("first_question_at"))
        .group_by("conversation_id")
        .agg(at.min().alias("replied_at"))
    )
    return (
        basics.lazy()
        .join(replies, on="conversation_id", how="left")
        .filter(pl.col("started_at").is_not_null())
        .with_columns(
            pl.col("started_at").dt.date().alias("started_date"),
            (pl.col("replied_at") - pl.col("first_question_at")).dt.total_milliseconds().alias("first_response_ms"),
            (pl.col("last_interaction_at") - pl.col("first_interaction_at"))
            .dt.total_milliseconds()
            .alias("session_ms"),
        )
        .collect(engine="streaming")
    )


def _totals(pl: Any, facts: Any) -> list[list[object]]:
    summed = ("user_messages", "agent_messages", "tool_calls", "tool_errors", "fallbacks", "conversions")
    rows: list[list[object]] = [
        ["conversations", facts.height],
        ["engaged", facts.filter(pl.col("engagements") > 0).height],
    ]
    rows += [[name, facts[name].sum()] for name in (*summed, "first_response_ms", "session_ms")]
    agents = facts.drop_nulls("agent").group_by("agent").len().rows()
    return rows + [[f"agent {agent}", count] for agent, count in agents]


def _metrics(pl: Any, facts: Any) -> list[list[object]]:
    """Numerators and denominators side by side, by day and segment."""
    engaged = pl.col("engagements") > 0
    measures = {
        "total_conversations": (pl.len(), pl.lit(0)),
        "engaged_conversations": (engaged.sum(), pl.lit(0)),
        "avg_turns": (pl.col("user_messages").filter(engaged).sum(), engaged.sum()),
        "avg_messages_per_session": (pl.col("user_messages").sum() + pl.col("agent_messages").sum(), pl.len()),
        "avg_session_duration_seconds": (pl.col("session_ms").sum(), pl.col("session_ms").count()),
        "avg_first_response_ms": (pl.col("first_response_ms").sum(), pl.col("first_response_ms").count()),
    }
    columns = [
        part.alias(f"{side}_{place}")
        for place, name in enumerate(METRIC_SCALES)
        for side, part in zip(("num", "den"), measures[name], strict=True)
    ]
    overall = facts.lazy().group_by("started_date").agg(columns).collect(engine="streaming").rows()
    by_channel = facts.lazy().group_by("started_date", "channel").agg(columns).collect(engine="streaming").rows()
    return [[date, "all", *values] for date, *values in overall] + [
        [date, f"channel={channel}", *values] for date, channel, *values in by_channel
    ]


def _funnel(pl: Any, events: Any, facts: Any) -> list[list[object]]:
    """Stage behind stage: the earliest event behind the earliest one of the stage before."""
    shown = (
        events.filter(pl.col("event_type").is_in(list(_STAGE_NUMBERS)))
        .select(
            "conversation_id",
            pl.col("timestamp").alias("shown_at"),
            pl.col("event_type").replace_strict(_STAGE_NUMBERS, return_dtype=pl.Int32).alias("stage"),
        )
        .collect(engine="streaming")
    )
    reached = facts.drop_nulls("greeted_at").select("conversation_id", pl.col("greeted_at").alias("reached_at"))
    counts: list[list[object]] = [[1, facts.height], [2, reached.height]]
    for number in range(3, STAGES + 1):
        reached = (
            shown.lazy()
            .filter(pl.col("stage") == number)
            .join(reached.lazy(), on="conversation_id")
            .filter(pl.col("shown_at") >= pl.col("reached_at"))
            .group_by("conversation_id")
            .agg(pl.col("shown_at").min().alias("reached_at"))
            .collect(engine="streaming")
        )
        counts.append([number, reached.height])
    return counts


def _ab_test(pl: Any, events: Any, facts: Any) -> list[list[object]]:
    """Of each variant: conversations, those that saw both, those that converted."""
    exposures = (
        events.filter(pl.col("event_type") == "experiment_exposure")
        .group_by("conversation_id", "experiment_id")
        .agg(_first(pl, "variant").alias("first_variant"), pl.col("variant").n_unique().alias("variant_count"))
    )
    counted = (
        exposures.join(facts.lazy().select("conversation_id", "conversions"), on="conversation_id")
        .group_by("experiment_id", "first_variant")
        .agg(
            pl.len().alias("units"),
            (pl.col("variant_count") > 1).sum().alias("contaminated"),
            (pl.col("conversions") > 0).sum().alias("converted"),
        )
        .collect(engine="streaming")
    )
    return [list(row) for row in counted.rows()]
