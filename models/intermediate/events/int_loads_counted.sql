-- One row per load and source: what was unusual about the events it brought.
{{ config(materialized='table') }}

{%- set before = relation_before('intermediate', 'int_loads_counted') %}
{%- set counted_through = counted_through_load_id(source('raw', 'repaired_conversations')) %}
with

events as (

    select load_id, source, occurred_at, loaded_at, environment
    from {{ ref('int_events_unioned') }}
    where load_id > {{ counted_through }}

),

newest_events as (

    select load_id, source, max(occurred_at) as newest_event_at
    from events
    group by load_id, source
    {% if before -%}
    union all
    select load_id, source, newest_event_at
    from {{ before }}
    where load_id <= {{ counted_through }}
    {%- endif %}

),

-- What the earlier loads of the source had brought: of the first load nothing can be late.
known_before as (

    select
        load_id,
        source,
        max(newest_event_at)
            over (partition by source order by load_id rows between unbounded preceding and 1 preceding)
            as newest_event_before_at
    from newest_events

),

events_unusual as (

    select
        events.load_id,
        events.source,
        events.occurred_at,
        {{ one_if("events.occurred_at < " ~ add_hours('known_before.newest_event_before_at', -24)) }} as is_late,
        {{ one_if("events.occurred_at > events.loaded_at") }} as is_future,
        {{ one_if("events.environment is null") }} as is_without_environment,
        0 as is_unusable_rating
    from events
    inner join known_before on events.load_id = known_before.load_id and events.source = known_before.source
    union all
    select
        load_id,
        source,
        null as occurred_at,
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
        cast(sum(is_unusable_rating) as bigint) as unusable_ratings,
        max(occurred_at) as newest_event_at
    from events_unusual
    group by load_id, source
    {% if before -%}
    union all
    select load_id, source, late_events, future_events, events_without_environment, unusable_ratings, newest_event_at
    from {{ before }}
    where load_id <= {{ counted_through }}
    {%- endif %}

)

select * from loads_counted
