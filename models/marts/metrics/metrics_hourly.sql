-- One row per hour of the reporting time zone, metric and segment (all, channel, agent) with a sample.
{{ replace_affected('int_dates_affected', key='date') }}
with

metrics_stated as (

    select * from {{ ref('int_metrics_stated') }}

),

hours_selected as (

    select
        hour_at as timestamp,
        {{ local_time_text('hour_at') }} as local_hour,
        date,
        metric_name,
        segment,
        segment_type,
        segment_value,
        value,
        numerator,
        denominator,
        sample_size,
        ci_low,
        ci_high,
        unit,
        is_sample_sufficient,
        is_final,
        definition_version,
        timezone
    from metrics_stated
    where grain = 'hour' and sample_size > 0

)

select * from hours_selected
