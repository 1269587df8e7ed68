-- One row per rate metric and segment of an exclusive dimension: its last 28 final days compared with those of the rest.
{{ config(materialized='table') }}
with

definitions as (

    select defined.metric_name, defined.minimum_sample, definitions.direction
    from {{ ref('int_metrics_defined') }} as defined
    inner join {{ ref('metric_definitions') }} as definitions on defined.definition_name = definitions.metric_name
    where defined.is_compared

),

-- Variants are left out: a conversation may be in no test or in two, and ab_test_results compares them.
metrics as (

    select metric_name, date, segment, segment_type, segment_value, numerator, denominator, is_final
    from {{ ref('metrics_daily') }}
    where segment_type <> 'variant'

),

periods as (

    select metric_name, max(date) - 27 as date_from, max(date) as date_to
    from metrics
    where segment = 'all' and is_final
    group by metric_name

),

sums as (

    select
        metrics.metric_name,
        metrics.segment,
        metrics.segment_type,
        metrics.segment_value,
        periods.date_from,
        periods.date_to,
        sum(metrics.numerator) as numerator,
        sum(metrics.denominator) as denominator
    from metrics
    inner join periods
        on metrics.metric_name = periods.metric_name and metrics.date >= periods.date_from and metrics.date <= periods.date_to
    group by
        metrics.metric_name, metrics.segment, metrics.segment_type, metrics.segment_value, periods.date_from, periods.date_to

),

segments_compared as (

    select
        segments.metric_name,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        segments.date_from,
        segments.date_to,
        definitions.direction,
        definitions.minimum_sample,
        cast(segments.numerator as bigint) as numerator,
        cast(segments.denominator as bigint) as denominator,
        cast(whole.numerator - segments.numerator as bigint) as rest_numerator,
        cast(whole.denominator - segments.denominator as bigint) as rest_denominator,
        segments.numerator / nullif(segments.denominator, 0) as value,
        (whole.numerator - segments.numerator) / nullif(whole.denominator - segments.denominator, 0) as rest_value,
        whole.numerator / nullif(whole.denominator, 0) as pooled_value
    from sums as segments
    inner join sums as whole on segments.metric_name = whole.metric_name and whole.segment = 'all'
    inner join definitions on segments.metric_name = definitions.metric_name
    where segments.segment <> 'all'

)

select * from segments_compared
