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
    where {{ only_touched_dates('interactions.interaction_date') }}

),

-- A visitor used the widget if any of her ids of the period and segment was used.
visitors as (

    select
        date,
        grain,
        hour_at,
        segment,
        bool_or(is_engaged) as is_engaged,
        bool_and(is_mature) as is_mature
    from interactions
    where user_id is not null
    group by date, grain, hour_at, segment, id_namespace, user_id

),

visitors_counted as (

    select
        date,
        grain,
        hour_at,
        segment,
        count(*) as visitor_count,
        count(case when is_engaged then 1 end) as visitor_engaged_count,
        count(case when is_mature then 1 end) as visitor_mature_count,
        count(case when is_mature and not is_engaged then 1 end) as visitor_ignored_count
    from visitors
    group by date, grain, hour_at, segment

),

interactions_counted as (

    select
        date,
        grain,
        hour_at,
        segment,
        segment_type,
        segment_value,
        count(*) as interaction_count,
        count(case when is_engaged then 1 end) as interaction_engaged_count,
        count(case when is_mature then 1 end) as interaction_mature_count,
        count(case when is_mature and not is_engaged then 1 end) as interaction_ignored_count
    from interactions
    group by date, grain, hour_at, segment, segment_type, segment_value

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
        on
            interactions_counted.date = visitors_counted.date
            and interactions_counted.grain = visitors_counted.grain
            and interactions_counted.hour_at is not distinct from visitors_counted.hour_at
            and interactions_counted.segment = visitors_counted.segment

)

select * from measures_joined
