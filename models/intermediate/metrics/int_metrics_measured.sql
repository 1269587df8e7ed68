-- One row per date or hour this run states, metric and segment: numerator, denominator and what the interval needs.
{{ config(materialized='table') }}
with

metrics as (

    select * from {{ ref('int_metrics_defined') }}

),

periods as (

    select *
    from {{ ref('int_reporting_periods_listed') }}
    where {{ only_affected_dates('date') }}

),

measures_found as (

    select
        measures.date, measures.grain, measures.hour_at, measures.segment, measures.segment_type, measures.segment_value,
        found.metric_name,
        found.is_spread,
        {{ item_at('measures.measures', 'found.numerator_position') }} as numerator,
        {{ item_at('measures.measures', 'found.denominator_position') }} as denominator,
        {{ item_at('measures.measures', 'found.numerator_squared_position') }} as numerator_squared,
        {{ item_at('measures.measures', 'found.denominator_squared_position') }} as denominator_squared,
        {{ item_at('measures.measures', 'found.product_position') }} as product_sum,
        {{ item_at('measures.measures', 'found.clusters_position') }} as cluster_count
    from {{ ref('int_measures_listed') }} as measures
    inner join {{ ref('int_metric_measures_found') }} as found on measures.measure_group = found.measure_group

),

-- Segments without a solution that could last have no counts of lasting solutions.
measures_known as (

    select * from measures_found
    where numerator is not null or denominator is not null

),

parts_united as (

    select
        date, grain, hour_at, segment, segment_type, segment_value, metric_name,
        numerator, denominator, numerator_squared, denominator_squared, product_sum, cluster_count
    from measures_known
    where is_spread
    union all
    select
        goals.date, goals.grain, goals.hour_at, goals.segment, goals.segment_type, goals.segment_value,
        metrics.metric_name,
        goals.measure_value as numerator,
        null as denominator,
        null as numerator_squared,
        null as denominator_squared,
        null as product_sum,
        null as cluster_count
    from {{ ref('int_goal_measures_counted') }} as goals
    inner join metrics on goals.measure_name = metrics.numerator

),

measures_by_metric as (

    select
        date, grain, hour_at, segment, segment_type, segment_value, metric_name,
        numerator, denominator, numerator_squared, denominator_squared, product_sum, cluster_count
    from measures_known
    where not is_spread
    union all
    select
        date, grain, hour_at, segment, segment_type, segment_value, metric_name,
        max(numerator) as numerator,
        max(denominator) as denominator,
        max(numerator_squared) as numerator_squared,
        max(denominator_squared) as denominator_squared,
        max(product_sum) as product_sum,
        max(cluster_count) as cluster_count
    from parts_united
    group by date, grain, hour_at, segment, segment_type, segment_value, metric_name

),

-- `all` has a row for every period and metric, the other segments only where something happened.
gaps_filled as (

    select * from measures_by_metric
    union all
    select
        periods.date,
        periods.grain,
        periods.hour_at,
        'all' as segment,
        'all' as segment_type,
        'all' as segment_value,
        metrics.metric_name,
        null as numerator,
        null as denominator,
        null as numerator_squared,
        null as denominator_squared,
        null as product_sum,
        null as cluster_count
    from periods
    cross join metrics
    left join measures_by_metric as present
        on
            periods.date = present.date
            and periods.grain = present.grain
            and periods.hour_at is not distinct from present.hour_at
            and metrics.metric_name = present.metric_name
            and present.segment = 'all'
    where present.date is null

),

metrics_measured as (

    select
        gaps_filled.date, gaps_filled.grain, gaps_filled.hour_at,
        gaps_filled.metric_name,
        gaps_filled.segment,
        gaps_filled.segment_type,
        gaps_filled.segment_value,
        metrics.kind,
        metrics.unit,
        metrics.lower_bound,
        metrics.upper_bound,
        metrics.minimum_sample,
        metrics.maturity_hours,
        cast(coalesce(gaps_filled.numerator, 0) as double) * metrics.scale as numerator,
        cast(case when metrics.denominator is not null then coalesce(gaps_filled.denominator, 0) end as double) as denominator,
        cast(gaps_filled.numerator_squared as double) * metrics.scale * metrics.scale as numerator_squared,
        cast(gaps_filled.denominator_squared as double) as denominator_squared,
        cast(gaps_filled.product_sum as double) * metrics.scale as product_sum,
        cast(gaps_filled.cluster_count as double) as cluster_count
    from gaps_filled
    inner join metrics on gaps_filled.metric_name = metrics.metric_name

)

select * from metrics_measured
