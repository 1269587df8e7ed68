-- One row per id namespace that has events: when its data begin, and the moment up to which they are taken as complete.
{{ config(materialized='table') }}
with

newest_events as (

    select id_namespace, min(occurred_at) as first_event_at, max(occurred_at) as newest_event_at
    from {{ ref('int_events') }}
    group by id_namespace

),

last_load as (

    select max(loaded_at) as loaded_at
    from {{ source('raw', 'loaded_files') }}

),

-- An event dated after its load is a wrong clock: it must not close other conversations.
newest_events_capped as (

    select
        newest_events.id_namespace,
        newest_events.first_event_at,
        least(newest_events.newest_event_at, coalesce(last_load.loaded_at, newest_events.newest_event_at)) as newest_event_at
    from newest_events
    cross join last_load

),

-- Conversations of a source without new events still close, a day later than those of the others.
watermarks as (

    select
        id_namespace,
        first_event_at,
        greatest(newest_event_at, max(newest_event_at) over () - interval '24' hour) as watermark_at
    from newest_events_capped

)

select * from watermarks
