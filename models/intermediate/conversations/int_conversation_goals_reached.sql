-- One row per conversation and goal it converted on.
{{ replace_affected('int_conversations_affected') }}
with

conversions as (

    select conversation_key, goal, occurred_at, conversion_value
    from {{ ref('int_events_affected') }}
    where event_type = 'conversion' and goal is not null

),

goals_reached as (

    select
        conversation_key,
        goal,
        min(occurred_at) as first_converted_at,
        count(*) as conversion_count,
        sum(conversion_value) as conversion_value
    from conversions
    group by conversation_key, goal

)

select * from goals_reached
