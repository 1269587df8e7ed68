-- One row per load date, source and measure of what came in and what was wrong with it.
with

loaded_files as (

    select * from {{ source('raw', 'loaded_files') }}

),

rejected_events as (

    select * from {{ source('raw', 'rejected_events') }}

),

loads as (

    select load_id, min(loaded_at) as loaded_at
    from loaded_files
    group by load_id

),

loads_counted as (

    select counted.*, loads.loaded_at
    from {{ ref('int_loads_counted') }} as counted
    inner join loads on counted.load_id = loads.load_id

),

measures_listed as (

    select loaded_at, source, 'files' as measure_name, 1 as measure_value from loaded_files
    union all
    select loaded_at, source, 'lines' as measure_name, lines as measure_value from loaded_files
    union all
    select loaded_at, source, 'accepted' as measure_name, accepted as measure_value from loaded_files
    union all
    select loaded_at, source, 'rejected' as measure_name, rejected as measure_value from loaded_files
    union all
    select loaded_at, source, 'duplicates' as measure_name, duplicates as measure_value from loaded_files
    union all
    select loaded_at, source, 'reread' as measure_name, reread as measure_value from loaded_files
    union all
    select _loaded_at as loaded_at, source, 'rejected:' || reason as measure_name, 1 as measure_value from rejected_events
    union all
    select loaded_at, source, 'late_events' as measure_name, late_events as measure_value from loads_counted
    union all
    select loaded_at, source, 'future_events' as measure_name, future_events as measure_value from loads_counted
    union all
    select loaded_at, source, 'events_without_environment' as measure_name, events_without_environment as measure_value from loads_counted
    union all
    select loaded_at, source, 'unusable_ratings' as measure_name, unusable_ratings as measure_value from loads_counted

),

measures_counted as (

    select
        cast({{ in_reporting_timezone('loaded_at') }} as date) as load_date,
        source,
        measure_name,
        cast(sum(measure_value) as bigint) as measure_value
    from measures_listed
    group by cast({{ in_reporting_timezone('loaded_at') }} as date), source, measure_name

)

select * from measures_counted
where measure_value > 0
