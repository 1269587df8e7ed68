-- One row per date or hour this run states and segment: what its conversations cost, in whole nanodollars.
{{ config(materialized='table') }}
with

-- What is too low by an unknown part has no price per resolution: half a cost over a whole resolution looks like thrift.
conversations as (

    select
        conversation_key,
        conversation_date,
        {{ start_of_local_hour('started_at') }} as started_hour_at,
        cost_usd,
        agent_message_count > 0 as is_answered,
        cast(round(1000000000 * cost_usd) as decimal(19, 0)) as cost_nano_usd,
        cast(round(1000000000 * labelling_cost_usd) as decimal(19, 0)) as labelling_nano_usd,
        case when uncosted_message_count = 0 then cast(round(1000000000 * cost_usd) as decimal(19, 0)) end as full_cost_nano_usd,
        case when is_engaged and is_closed and is_resolved then 1 else 0 end as resolution,
        case when is_engaged and is_closed and is_durably_resolved_7d then 1 else 0 end as durable_resolution
    from {{ ref('fct_conversations') }}
    where {{ only_touched_dates('conversation_date') }}

),

measures_counted as (

    select
        conversations.conversation_date as date,
        segments.grain,
        case when segments.grain = 'hour' then conversations.started_hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        count(cost_usd) as cost_known_count,
        {{ exact_sum('cost_nano_usd') }} as cost_nano_usd,
        {{ exact_sum('labelling_nano_usd') }} as labelling_nano_usd,
        count(case when is_answered then 1 end) as answered_conversation_count,
        count(case when is_answered then full_cost_nano_usd end) as costed_conversation_count,
        {{ sum_and_square('full_cost_nano_usd', 'full_cost_nano_usd') }},
        {{ sum_and_square('case when full_cost_nano_usd is not null then resolution end', 'costed_resolutions') }},
        {{ sum_and_square('case when full_cost_nano_usd is not null then durable_resolution end', 'costed_durable_resolutions') }},
        count(full_cost_nano_usd) as costed_resolutions_conversations,
        count(full_cost_nano_usd) as costed_durable_resolutions_conversations,
        {{ exact_sum('full_cost_nano_usd * resolution') }} as full_cost_nano_usd_x_costed_resolutions,
        {{ exact_sum('full_cost_nano_usd * durable_resolution') }} as full_cost_nano_usd_x_costed_durable_resolutions
    from conversations
    inner join {{ ref('int_conversation_segments_listed') }} as segments on conversations.conversation_key = segments.conversation_key
    group by
        conversations.conversation_date, segments.grain, case when segments.grain = 'hour' then conversations.started_hour_at end,
        segments.segment, segments.segment_type, segments.segment_value

)

select * from measures_counted
