-- One row per date this run states, metric and segment: numerator, denominator and what the interval needs.
{{ config(materialized='table') }}
with

metrics as (

    select * from {{ ref('int_metrics_defined') }}

),

measures as (

    select * from {{ ref('int_measures_unpivoted') }}

),

reporting_dates as (

    select date
    from {{ ref('int_reporting_dates_listed') }}
    where {{ only_touched_dates('date') }}

),

measures_in_roles as (

    select
        measures.date,
        measures.segment,
        measures.segment_type,
        measures.segment_value,
        metrics.metric_name,
        max(case when measures.measure_name = metrics.numerator then measures.measure_value end) as numerator,
        max(case when measures.measure_name = metrics.denominator then measures.measure_value end) as denominator,
        max(case when measures.measure_name = metrics.numerator || '_squared' then measures.measure_value end) as numerator_squared,
        max(case when measures.measure_name = metrics.denominator || '_squared' then measures.measure_value end) as denominator_squared,
        max(case when measures.measure_name = metrics.numerator || '_x_' || metrics.denominator then measures.measure_value end)
            as product_sum,
        max(case when measures.measure_name = metrics.denominator || '_conversations' then measures.measure_value end) as cluster_count
    from measures
    inner join metrics
        on
            measures.measure_name in (
                metrics.numerator, metrics.denominator, metrics.numerator || '_squared', metrics.denominator || '_squared',
                metrics.numerator || '_x_' || metrics.denominator, metrics.denominator || '_conversations'
            )
    group by measures.date, measures.segment, measures.segment_type, measures.segment_value, metrics.metric_name

),

-- `all` has a row for every day and metric, the other segments only where something happened.
frames as (

    select reporting_dates.date, 'all' as segment, 'all' as segment_type, 'all' as segment_value, metrics.metric_name
    from reporting_dates
    cross join metrics
    union
    select date, segment, segment_type, segment_value, metric_name
    from measures_in_roles

),

metrics_measured as (

    select
        frames.date,
        frames.metric_name,
        frames.segment,
        frames.segment_type,
        frames.segment_value,
        metrics.kind,
        metrics.unit,
        metrics.minimum_sample,
        metrics.maturity_hours,
        cast(coalesce(measures_in_roles.numerator, 0) as double) as numerator,
        cast(case when metrics.denominator is not null then coalesce(measures_in_roles.denominator, 0) end as double) as denominator,
        cast(measures_in_roles.numerator_squared as double) as numerator_squared,
        cast(measures_in_roles.denominator_squared as double) as denominator_squared,
        cast(measures_in_roles.product_sum as double) as product_sum,
        cast(measures_in_roles.cluster_count as double) as cluster_count
    from frames
    inner join metrics on frames.metric_name = metrics.metric_name
    left join measures_in_roles
        on
            frames.date = measures_in_roles.date
            and frames.segment = measures_in_roles.segment
            and frames.metric_name = measures_in_roles.metric_name

)

select * from metrics_measured
