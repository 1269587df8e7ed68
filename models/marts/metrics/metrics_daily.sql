-- One row per date, metric and segment: the numbers that BI reads.
{{ replace_affected('int_dates_affected', key='date') }}
with

metrics_stated as (

    select * from {{ ref('int_metrics_stated') }}

),

days_selected as (

    select
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
    where grain = 'day'

)

select * from days_selected
