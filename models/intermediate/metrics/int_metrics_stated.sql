-- One row per date or hour this run states, metric and segment: as readers see it, with its finality.
with

intervals_estimated as (

    select * from {{ ref('int_metric_intervals_estimated') }}

),

data_until as (

    select * from {{ ref('int_data_until_measured') }}

),

metrics_stated as (

    select
        intervals_estimated.date,
        intervals_estimated.grain,
        intervals_estimated.hour_at,
        intervals_estimated.metric_name,
        intervals_estimated.segment,
        intervals_estimated.segment_type,
        intervals_estimated.segment_value,
        intervals_estimated.value,
        intervals_estimated.numerator,
        intervals_estimated.denominator,
        cast(intervals_estimated.sample_size as bigint) as sample_size,
        intervals_estimated.ci_low,
        intervals_estimated.ci_high,
        intervals_estimated.unit,
        intervals_estimated.sample_size >= coalesce(intervals_estimated.minimum_sample, 0) as is_sample_sufficient,
        -- An hour is final with its day: outcomes mature by the day.
        {{ final_at('intervals_estimated.date', 'intervals_estimated.maturity_hours') }} <= data_until.data_until_at as is_final,
        cast({{ var('definition_version') }} as bigint) as definition_version,
        '{{ var('timezone') }}' as timezone
    from intervals_estimated
    cross join data_until

)

select * from metrics_stated
