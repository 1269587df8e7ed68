-- One row per date or hour this run states and segment: whether the solutions of its conversations lasted.
{{ config(materialized='table') }}
with

-- Who is not known cannot be seen to come back.
conversations as (

    select
        conversation_key,
        conversation_date,
        {{ start_of_local_hour('started_at') }} as started_hour_at,
        is_resolved,
        is_resolved and user_id is not null as is_followed,
        is_first_contact and is_mature and (not is_resolved or is_durably_resolved_7d is not null) as is_known_first_contact,
        is_durably_resolved_24h,
        is_durably_resolved_72h,
        is_durably_resolved_7d
    from {{ ref('fct_conversations') }}
    where is_engaged and is_closed and {{ only_touched_dates('conversation_date') }}

),

measures_counted as (

    select
        conversations.conversation_date as date,
        segments.grain,
        case when segments.grain = 'hour' then conversations.started_hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        count(case when is_followed then 1 end) as followed_count,
        count(case when is_resolved and not is_followed then 1 end) as resolved_unknown_user_count,
        count(case when is_followed and is_durably_resolved_7d is null then 1 end) as maturing_7d_count,
        count(is_durably_resolved_24h) as followed_24h_count,
        count(is_durably_resolved_72h) as followed_72h_count,
        count(is_durably_resolved_7d) as followed_7d_count,
        count(case when is_durably_resolved_24h then 1 end) as durable_24h_count,
        count(case when is_durably_resolved_72h then 1 end) as durable_72h_count,
        count(case when is_durably_resolved_7d then 1 end) as durable_7d_count,
        count(case when is_known_first_contact then 1 end) as first_contact_count,
        count(case when is_known_first_contact and is_durably_resolved_7d then 1 end) as first_contact_resolved_count
    from conversations
    inner join {{ ref('int_conversation_segments_listed') }} as segments on conversations.conversation_key = segments.conversation_key
    group by
        conversations.conversation_date, segments.grain, case when segments.grain = 'hour' then conversations.started_hour_at end,
        segments.segment, segments.segment_type, segments.segment_value

)

select * from measures_counted
