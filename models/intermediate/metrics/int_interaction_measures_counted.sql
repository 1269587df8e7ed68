-- One row per date or hour this run states and segment: what the widgets shown in it add up to.
{{ config(materialized='table', meta={'empty_without': 'fct_interactions'}) }}
with

interactions as (

    select
        interactions.interaction_date as date,
        segments.grain,
        case when segments.grain = 'hour' then {{ start_of_local_hour('interactions.initialised_at') }} end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        interactions.id_namespace,
        interactions.user_id,
        interactions.is_engaged,
        interactions.is_mature
    from {{ ref('fct_interactions') }} as interactions
    inner join {{ ref('int_conversation_segments_listed') }} as segments on interactions.conversation_key = segments.conversation_key
    where {{ only_affected_dates('interactions.interaction_date') }}

),

-- A visitor used the widget if any id of that visitor in the period and segment was used. Ids without a user id are no visitors.
visitors as (

    select
        date, grain, hour_at, segment, segment_type, segment_value,
        user_id is not null as is_visitor,
        count(*) as shown_count,
        count(case when is_engaged then 1 end) as engaged_count,
        count(case when is_mature then 1 end) as mature_count,
        count(case when is_mature and not is_engaged then 1 end) as ignored_count
    from interactions
    group by date, grain, hour_at, segment, segment_type, segment_value, id_namespace, user_id

),

measures_counted as (

    select
        date, grain, hour_at, segment, segment_type, segment_value,
        sum(shown_count) as interaction_count,
        sum(engaged_count) as interaction_engaged_count,
        sum(mature_count) as interaction_mature_count,
        sum(ignored_count) as interaction_ignored_count,
        count(case when is_visitor then 1 end) as visitor_count,
        count(case when is_visitor and engaged_count > 0 then 1 end) as visitor_engaged_count,
        count(case when is_visitor and mature_count = shown_count then 1 end) as visitor_mature_count,
        count(case when is_visitor and mature_count = shown_count and engaged_count = 0 then 1 end) as visitor_ignored_count
    from visitors
    group by date, grain, hour_at, segment, segment_type, segment_value

)

select * from measures_counted
