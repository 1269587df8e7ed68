"""The same work as one hand-written script for every engine that speaks SQL; engines differ in a few words.

Facts are made once, a row a conversation, and metrics and A/B counts are counted from them, as a person would do it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.peers.answers import FACT_NAMES, METRIC_SCALES

_INTERACTION = (
    "event_type in ('user_message', 'agent_message', 'tool_called', 'button_clicked', 'flow_started', "
    "'flow_completed', 'flow_abandoned')"
)
# The stages behind the first agent message, without the last: that one follows from the outcome.
_LATER_STAGES = ("problem_identified", "solution_proposed", "solution_accepted")
_STAGE_NUMBERS = (
    "case event_type "
    + " ".join(f"when '{event_type}' then {number}" for number, event_type in enumerate(_LATER_STAGES, start=3))
    + " end"
)
_LATER_EVENTS = ", ".join(f"'{name}'" for name in _LATER_STAGES)
STAGES = len(_LATER_STAGES) + 2


@dataclass(frozen=True)
class Dialect:
    """How an engine writes what standard SQL has no word for; `events` is what it reads."""

    events: str
    create: str
    first: str
    micros: str
    date: str

    def first_by_time(self, column: str) -> str:
        """Return the value of the earliest row that has one."""
        return self.first.format(column=column)

    def milliseconds(self, earlier: str, later: str) -> str:
        """Return whole milliseconds from one moment to another."""
        return f"({self.micros.format(at=later)} - {self.micros.format(at=earlier)}) / 1000"


def making_facts(dialect: Dialect) -> list[str]:
    """Return the statements that make `facts`: one row a conversation."""
    return [
        f"""{dialect.create.format(name="basics")}
        select conversation_id,
            coalesce(
                min("timestamp") filter (where event_type = 'conversation_started' or {_INTERACTION}),
                min("timestamp") filter (where event_type <> 'experiment_exposure')) as started_at,
            min("timestamp") filter (where {_INTERACTION}) as first_interaction_at,
            max("timestamp") filter (where {_INTERACTION}) as last_interaction_at,
            min("timestamp") filter (where event_type = 'user_message') as first_question_at,
            min("timestamp") filter (where event_type = 'agent_message') as greeted_at,
            {dialect.first_by_time("channel")} as channel,
            {dialect.first_by_time("agent")} as agent,
            count(*) filter (where event_type = 'user_message') as user_messages,
            count(*) filter (where event_type = 'agent_message') as agent_messages,
            count(*) filter (where event_type = 'tool_called') as tool_calls,
            count(*) filter (where event_type = 'tool_called' and is_error) as tool_errors,
            count(*) filter (where event_type = 'fallback_triggered') as fallbacks,
            count(*) filter (where event_type = 'conversion') as conversions,
            count(*) filter (where event_type in ('user_message', 'flow_started', 'button_clicked')) as engagements
        from {dialect.events} group by conversation_id""",
        f"""{dialect.create.format(name="replies")}
        select events.conversation_id as replied_id, min(events."timestamp") as replied_at
        from {dialect.events} as events inner join basics on events.conversation_id = basics.conversation_id
        where events.event_type = 'agent_message' and events."timestamp" >= basics.first_question_at
        group by events.conversation_id""",
        f"""{dialect.create.format(name="facts")}
        select basics.*, {dialect.date.format(at="started_at")} as started_date,
            {dialect.milliseconds("first_question_at", "replied_at")} as first_response_ms,
            {dialect.milliseconds("first_interaction_at", "last_interaction_at")} as session_ms
        from basics left join replies on basics.conversation_id = replies.replied_id
        where started_at is not null""",
    ]


def asking_facts() -> list[str]:
    """Return the queries for the answer `facts`: the totals in the order of FACT_NAMES, then agents."""
    sums = ["count(*)", "count(*) filter (where engagements > 0)", *(f"sum({name})" for name in FACT_NAMES[2:])]
    return [
        f"select {', '.join(sums)} from facts",
        "select concat('agent ', agent), count(*) from facts where agent is not null group by agent",
    ]


def asking_metrics() -> str:
    """Return the query for the answer `metrics`."""
    measures = {
        "total_conversations": ("count(*)", "0"),
        "engaged_conversations": ("count(*) filter (where engagements > 0)", "0"),
        "avg_turns": (
            "sum(case when engagements > 0 then user_messages else 0 end)",
            "count(*) filter (where engagements > 0)",
        ),
        "avg_messages_per_session": ("sum(user_messages + agent_messages)", "count(*)"),
        "avg_session_duration_seconds": ("coalesce(sum(session_ms), 0)", "count(session_ms)"),
        "avg_first_response_ms": ("coalesce(sum(first_response_ms), 0)", "count(first_response_ms)"),
    }
    columns = ", ".join(
        f"{part} as {side}_{place}"
        for place, name in enumerate(METRIC_SCALES)
        for side, part in zip(("num", "den"), measures[name], strict=True)
    )
    names = ", ".join(f"num_{place}, den_{place}" for place in range(len(METRIC_SCALES)))
    overall = f"select started_date, 'all' as segment, {columns} from facts group by started_date"
    by_channel = f"select started_date, concat('channel=', channel) as segment, {columns} from facts"
    by_channel += " group by started_date, channel"
    return f"select started_date, segment, {names} from ({by_channel} union all {overall}) as counted"


def long_metrics(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Return one row a metric from rows that hold them side by side; where nothing was counted, none."""
    return [
        [str(date), segment, name, values[2 * place], values[2 * place + 1]]
        for date, segment, *values in rows
        for place, name in enumerate(METRIC_SCALES)
        if values[2 * place] or values[2 * place + 1]
    ]


def making_stages(dialect: Dialect) -> list[str]:
    """Return the statements that make `stage_3` to `stage_5`: when a conversation reached it behind the one before.

    Without a time limit the earliest event behind the earliest predecessor is the best attempt.
    """
    stages = [
        f"""{dialect.create.format(name="stage_events")}
        select conversation_id, "timestamp" as shown_at, {_STAGE_NUMBERS} as stage
        from {dialect.events} where event_type in ({_LATER_EVENTS})""",
        f"""{dialect.create.format(name="stage_2")}
        select conversation_id as reached_id, greeted_at as reached_at from facts where greeted_at is not null""",
    ]
    stages += [
        f"""{dialect.create.format(name=f"stage_{number}")}
        select stage_events.conversation_id as reached_id, min(stage_events.shown_at) as reached_at
        from stage_events inner join stage_{number - 1} as earlier on stage_events.conversation_id = earlier.reached_id
        where stage_events.stage = {number} and stage_events.shown_at >= earlier.reached_at
        group by stage_events.conversation_id"""
        for number in range(3, STAGES + 1)
    ]
    return stages


def asking_stages() -> list[str]:
    """Return the queries for the answer `funnel`, stage by stage."""
    return ["select count(*) from facts", *(f"select count(*) from stage_{number}" for number in range(2, STAGES + 1))]


def asking_ab_test(dialect: Dialect) -> str:
    """Return the query for the answer `ab_test`."""
    return f"""
    select exposures.experiment_id, exposures.first_variant, count(*),
        count(*) filter (where exposures.variant_count > 1),
        count(*) filter (where facts.conversions > 0)
    from (
        select conversation_id, experiment_id, {dialect.first_by_time("variant")} as first_variant,
            count(distinct variant) as variant_count
        from {dialect.events}
        where event_type = 'experiment_exposure'
        group by conversation_id, experiment_id
    ) as exposures
    inner join facts on exposures.conversation_id = facts.conversation_id
    group by exposures.experiment_id, exposures.first_variant"""


def answer(
    dialect: Dialect,
    send: Callable[[str], Sequence[Sequence[object]]],
    funnel: Callable[[], Sequence[Sequence[object]]],
) -> dict[str, Sequence[Sequence[object]]]:
    """Do all of the work on one engine; `send` runs a statement and returns its rows, `funnel` counts the stages."""
    for statement in making_facts(dialect):
        send(statement)
    totals, agents = (send(query) for query in asking_facts())
    return {
        "facts": [*zip(FACT_NAMES, totals[0], strict=True), *agents],
        "metrics": long_metrics(send(asking_metrics())),
        "funnel": funnel(),
        "ab_test": send(asking_ab_test(dialect)),
    }


def chained_funnel(dialect: Dialect, send: Callable[[str], Sequence[Sequence[object]]]) -> Sequence[Sequence[object]]:
    """Count the conversations of each stage by joining it to the one before."""
    for statement in making_stages(dialect):
        send(statement)
    return [[number, send(query)[0][0]] for number, query in enumerate(asking_stages(), start=1)]
