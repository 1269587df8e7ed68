-- One row per load and source: what was unusual about the events it brought.
with

events as (

    select load_id, source, environment, occurred_at, loaded_at, event_type
    from {{ ref('int_events_unioned') }}

),

events_counted as (

    select
        load_id,
        source,
        count(*) as events,
        count(case when occurred_at < loaded_at - interval '24' hour then 1 end) as late_events,
        count(case when occurred_at > loaded_at then 1 end) as future_events,
        count(case when environment is null then 1 end) as events_without_environment
    from events
    group by load_id, source

)

select * from events_counted
