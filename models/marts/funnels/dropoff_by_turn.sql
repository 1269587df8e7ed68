-- One row per date, segment and turn (50 stands for 50 and more): of the conversations that got that far, how many ended there.
{{ replace_affected('int_dates_affected', key='date') }}
with

conversations as (

    select conversation_key, conversation_date as date, least(user_message_count, 50) as last_turn, outcome = 'abandoned' as is_abandoned
    from {{ ref('fct_conversations') }}
    where is_engaged and is_closed and {{ only_affected_dates('conversation_date') }}

),

last_turns_counted as (

    select
        conversations.date,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        conversations.last_turn as turn,
        count(*) as ended_here,
        count(case when conversations.is_abandoned then 1 end) as abandoned_here
    from conversations
    inner join {{ ref('int_conversation_segments_listed') }} as segments on conversations.conversation_key = segments.conversation_key
    where segments.grain = 'day'
    group by conversations.date, segments.segment, segments.segment_type, segments.segment_value, conversations.last_turn

),

turns as (

    {{ integer_series(0, 50, 'turn') }}

),

furthest_turns as (

    select date, segment, segment_type, segment_value, max(turn) as furthest_turn
    from last_turns_counted
    group by date, segment, segment_type, segment_value

),

-- Turns at which no conversation ended have a row too, so that the values of days can be added up at every turn.
turns_filled as (

    select
        furthest_turns.date,
        furthest_turns.segment,
        furthest_turns.segment_type,
        furthest_turns.segment_value,
        turns.turn,
        coalesce(last_turns_counted.ended_here, 0) as ended_here,
        coalesce(last_turns_counted.abandoned_here, 0) as abandoned_here
    from furthest_turns
    inner join turns on furthest_turns.furthest_turn >= turns.turn
    left join last_turns_counted
        on
            furthest_turns.date = last_turns_counted.date
            and furthest_turns.segment = last_turns_counted.segment
            and turns.turn = last_turns_counted.turn

),

-- A conversation that ended at a later turn reached this turn too.
turns_reached as (

    select
        *,
        cast(sum(ended_here) over (
            partition by date, segment order by turn desc rows between unbounded preceding and current row
        ) as bigint) as reached
    from turns_filled

),

hazards_estimated as (

    select
        date,
        segment,
        segment_type,
        segment_value,
        turn,
        reached,
        abandoned_here as abandoned,
        abandoned_here / cast(reached as double) as hazard,
        {{ wilson_low('abandoned_here', 'reached') }} as hazard_ci_low,
        {{ wilson_high('abandoned_here', 'reached') }} as hazard_ci_high
    from turns_reached

)

select * from hazards_estimated
