-- One row per test, phase, unit and metric of goals: how often it reached them within its window, and before its exposure.
with

conversations as (

    select * from {{ ref('int_ab_test_conversations_windowed') }}

),

conversions as (

    select conversation_key, goal, occurred_at, conversion_value
    from {{ ref('int_events') }}
    where event_type = 'conversion'

),

conversions_in_time as (

    select
        conversations.test_name,
        conversations.phase,
        conversations.unit_key,
        conversions.goal,
        case when not conversations.is_before_exposure then conversations.conversation_key end as conversation_key,
        case when not conversations.is_before_exposure then conversions.occurred_at end as occurred_at,
        case when not conversations.is_before_exposure then conversions.conversion_value end as conversion_value,
        case when conversations.is_before_exposure then conversations.conversation_key end as earlier_conversation_key,
        case when conversations.is_before_exposure then conversions.conversion_value end as earlier_conversion_value
    from conversations
    inner join conversions
        on
            conversations.conversation_key = conversions.conversation_key
            and conversations.counted_from_at <= conversions.occurred_at
            and conversations.counted_until_at > conversions.occurred_at

),

goals_windowed as (

    select
        test_name, phase, unit_key, 'conversion' as metric,
        cast(count(distinct conversation_key) as double) as outcome,
        cast(count(distinct earlier_conversation_key) as double) as covariate,
        min(occurred_at) as first_converted_at
    from conversions_in_time
    group by test_name, phase, unit_key
    union all
    select
        test_name, phase, unit_key, 'conversion:' || goal as metric,
        cast(count(distinct conversation_key) as double) as outcome,
        cast(count(distinct earlier_conversation_key) as double) as covariate,
        min(occurred_at) as first_converted_at
    from conversions_in_time
    where goal is not null
    group by test_name, phase, unit_key, goal
    union all
    select
        test_name, phase, unit_key, 'value:' || goal as metric,
        cast(coalesce(sum(conversion_value), 0) as double) as outcome,
        cast(coalesce(sum(earlier_conversion_value), 0) as double) as covariate,
        min(occurred_at) as first_converted_at
    from conversions_in_time
    where goal is not null
    group by test_name, phase, unit_key, goal

)

select * from goals_windowed
