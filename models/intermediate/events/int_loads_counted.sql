-- One row per load and source: what was unusual about the events it brought.
{{ config(materialized='table') }}

{%- set before = relation_before('intermediate', 'int_loads_counted') %}
{%- set counted_through = counted_through_load_id(source('raw', 'repaired_conversations')) %}
with

events_unusual as (

    select
        load_id,
        source,
        case when occurred_at < loaded_at - interval '24' hour then 1 else 0 end as is_late,
        case when occurred_at > loaded_at then 1 else 0 end as is_future,
        case when environment is null then 1 else 0 end as is_without_environment,
        0 as is_unusable_rating
    from {{ ref('int_events_unioned') }}
    where load_id > {{ counted_through }}
    union all
    select
        load_id,
        source,
        0 as is_late,
        0 as is_future,
        0 as is_without_environment,
        1 as is_unusable_rating
    from {{ ref('int_feedback_scored') }}
    where rating_score is null and load_id > {{ counted_through }}

),

loads_counted as (

    select
        load_id,
        source,
        cast(sum(is_late) as bigint) as late_events,
        cast(sum(is_future) as bigint) as future_events,
        cast(sum(is_without_environment) as bigint) as events_without_environment,
        cast(sum(is_unusable_rating) as bigint) as unusable_ratings
    from events_unusual
    group by load_id, source
    {% if before -%}
    union all
    select load_id, source, late_events, future_events, events_without_environment, unusable_ratings
    from {{ before }}
    where load_id <= {{ counted_through }}
    {%- endif %}

)

select * from loads_counted
