-- One row per date or hour this run states, metric and segment: numerator, denominator and what the interval needs.
{{ config(materialized='table') }}
with

metrics as (

    select * from {{ ref('int_metrics_defined') }}

),

measures as (

    select * from {{ ref('int_measures_unpivoted') }}

),

periods as (

    select *
    from {{ ref('int_reporting_periods_listed') }}
    where {{ only_touched_dates('date') }}

),

-- What each measure is to each metric: the engine joins by the name alone, where a list of six names compares all with all.
roles as (

    select metric_name, numerator as measure_name, 'numerator' as role from metrics
    union all
    select metric_name, denominator as measure_name, 'denominator' as role from metrics
    union all
    select metric_name, numerator || '_squared' as measure_name, 'numerator_squared' as role from metrics
    union all
    select metric_name, denominator || '_squared' as measure_name, 'denominator_squared' as role from metrics
    union all
    select metric_name, numerator || '_x_' || denominator as measure_name, 'product' as role from metrics
    union all
    select metric_name, denominator || '_conversations' as measure_name, 'clusters' as role from metrics

),

measures_in_roles as (

    select
        measures.date,
        measures.grain,
        measures.hour_at,
        measures.segment,
        measures.segment_type,
        measures.segment_value,
        roles.metric_name,
        max(case when roles.role = 'numerator' then measures.measure_value end) as numerator,
        max(case when roles.role = 'denominator' then measures.measure_value end) as denominator,
        max(case when roles.role = 'numerator_squared' then measures.measure_value end) as numerator_squared,
        max(case when roles.role = 'denominator_squared' then measures.measure_value end) as denominator_squared,
        max(case when roles.role = 'product' then measures.measure_value end) as product_sum,
        max(case when roles.role = 'clusters' then measures.measure_value end) as cluster_count
    from measures
    inner join roles on measures.measure_name = roles.measure_name
    group by
        measures.date, measures.grain, measures.hour_at, measures.segment, measures.segment_type,
        measures.segment_value, roles.metric_name

),

-- `all` has a row for every period and metric, the other segments only where something happened.
frames as (

    select
        periods.*, 'all' as segment, 'all' as segment_type, 'all' as segment_value, metrics.metric_name
    from periods
    cross join metrics
    union
    select date, grain, hour_at, segment, segment_type, segment_value, metric_name
    from measures_in_roles

),

metrics_measured as (

    select
        frames.date, frames.grain, frames.hour_at,
        frames.metric_name,
        frames.segment,
        frames.segment_type,
        frames.segment_value,
        metrics.kind,
        metrics.unit,
        metrics.lower_bound,
        metrics.minimum_sample,
        metrics.maturity_hours,
        cast(coalesce(measures_in_roles.numerator, 0) as double) * metrics.scale as numerator,
        cast(case when metrics.denominator is not null then coalesce(measures_in_roles.denominator, 0) end as double) as denominator,
        cast(measures_in_roles.numerator_squared as double) * metrics.scale * metrics.scale as numerator_squared,
        cast(measures_in_roles.denominator_squared as double) as denominator_squared,
        cast(measures_in_roles.product_sum as double) * metrics.scale as product_sum,
        cast(measures_in_roles.cluster_count as double) as cluster_count
    from frames
    inner join metrics on frames.metric_name = metrics.metric_name
    left join measures_in_roles
        on
            frames.date = measures_in_roles.date
            and frames.grain = measures_in_roles.grain
            and frames.hour_at is not distinct from measures_in_roles.hour_at
            and frames.segment = measures_in_roles.segment
            and frames.metric_name = measures_in_roles.metric_name

)

select * from metrics_measured
