-- One row per date or hour this run states, segment and goal: engaged and closed conversations that reached it.
{{ config(materialized='table') }}
with

conversations as (

    select conversation_key, conversation_date as date, {{ start_of_local_hour('started_at') }} as started_hour_at
    from {{ ref('fct_conversations') }}
    where is_engaged and is_closed and conversion_count > 0 and {{ only_affected_dates('conversation_date') }}

),

segments as (

    select * from {{ ref('int_conversation_segments_listed') }}

),

goals_reached as (

    select * from {{ ref('int_conversation_goals_reached') }}

),

measures_counted as (

    select
        conversations.date,
        segments.grain,
        case when segments.grain = 'hour' then conversations.started_hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        'goal_count:' || goals_reached.goal as measure_name,
        cast(count(*) as {{ exact_sum_type() }}) as measure_value
    from conversations
    inner join goals_reached on conversations.conversation_key = goals_reached.conversation_key
    inner join segments on conversations.conversation_key = segments.conversation_key
    group by
        conversations.date, segments.grain, case when segments.grain = 'hour' then conversations.started_hour_at end,
        segments.segment, segments.segment_type, segments.segment_value, goals_reached.goal

)

select * from measures_counted
