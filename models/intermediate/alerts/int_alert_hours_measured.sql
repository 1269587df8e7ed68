-- One row per hour, metric that a rule watches and segment: what its value and its interval are made of.
{{ replace_affected('int_dates_affected', key='date') }}
with

hours_measured as (

    select
        date,
        hour_at,
        metric_name,
        segment,
        segment_type,
        kind,
        unit,
        maturity_hours,
        -- Exact, so that the sum over a window does not depend on the order of its hours.
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        cast(numerator_squared as decimal(38, 10)) as numerator_squared,
        cast(denominator_squared as decimal(38, 10)) as denominator_squared,
        cast(product_sum as decimal(38, 10)) as product_sum,
        cast(cluster_count as decimal(38, 10)) as cluster_count
    from {{ ref('int_metrics_measured') }}
    where grain = 'hour' and metric_name in (select metric_name from {{ ref('alert_rules') }})

)

select * from hours_measured
