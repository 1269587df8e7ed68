-- One row per date or hour this run states and segment: what the widgets shown in it add up to.
{{ config(materialized='table', meta={'empty_without': 'fct_interactions'}) }}
with

interactions as (

    select
        measures.date,
        segments.grain,
        case when segments.grain = 'hour' then measures.hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        measures.user_key,
        measures.interaction_count,
        measures.interaction_engaged_count,
        measures.interaction_mature_count,
        measures.interaction_ignored_count
    from {{ ref('int_interaction_measures_taken') }} as measures
    inner join {{ ref('int_conversation_segments_listed') }} as segments on measures.conversation_key = segments.conversation_key
    where {{ only_affected_dates('measures.date') }}

),

-- A visitor used the widget if any id of that visitor in the period and segment was used. Ids without a user id are no visitors.
visitors as (

    select
        date, grain, hour_at, segment, segment_type, segment_value,
        user_key is not null as is_visitor,
        sum(interaction_count) as shown_count,
        sum(interaction_engaged_count) as engaged_count,
        sum(interaction_mature_count) as mature_count,
        sum(interaction_ignored_count) as ignored_count
    from interactions
    group by date, grain, hour_at, segment, segment_type, segment_value, user_key

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
