-- One row per date this run states and segment: what the widgets shown on it add up to.
{{ config(materialized='table') }}
with

interactions as (

    select *
    from {{ ref('fct_interactions') }}
    where {{ only_touched_dates('interaction_date') }}

),

segments as (

    select * from {{ ref('int_conversation_segments_listed') }}

),

-- A visitor used a widget if any of her ids of the day and segment was used.
visitors as (

    select
        interactions.interaction_date as date,
        segments.segment,
        interactions.id_namespace,
        interactions.user_id,
        bool_or(interactions.is_engaged) as is_engaged,
        bool_and(interactions.is_mature) as is_mature
    from interactions
    inner join segments on interactions.conversation_key = segments.conversation_key
    where interactions.user_id is not null
    group by interactions.interaction_date, segments.segment, interactions.id_namespace, interactions.user_id

),

visitors_counted as (

    select
        date,
        segment,
        count(*) as visitor_count,
        count(case when is_engaged then 1 end) as visitor_engaged_count,
        count(case when is_mature then 1 end) as visitor_mature_count,
        count(case when is_mature and not is_engaged then 1 end) as visitor_ignored_count
    from visitors
    group by date, segment

),

interactions_counted as (

    select
        interactions.interaction_date as date,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        count(*) as interaction_count,
        count(case when interactions.is_engaged then 1 end) as interaction_engaged_count,
        count(case when interactions.is_mature then 1 end) as interaction_mature_count,
        count(case when interactions.is_mature and not interactions.is_engaged then 1 end) as interaction_ignored_count
    from interactions
    inner join segments on interactions.conversation_key = segments.conversation_key
    group by interactions.interaction_date, segments.segment, segments.segment_type, segments.segment_value

),

measures_joined as (

    select
        interactions_counted.*,
        coalesce(visitors_counted.visitor_count, 0) as visitor_count,
        coalesce(visitors_counted.visitor_engaged_count, 0) as visitor_engaged_count,
        coalesce(visitors_counted.visitor_mature_count, 0) as visitor_mature_count,
        coalesce(visitors_counted.visitor_ignored_count, 0) as visitor_ignored_count
    from interactions_counted
    left join visitors_counted
        on interactions_counted.date = visitors_counted.date and interactions_counted.segment = visitors_counted.segment

)

select * from measures_joined
