-- One row per rule and window that has matured, which ends with an hour of the metric: the sums over its hours.
{{ config(materialized='table') }}
with

rules as (

    select * from {{ ref('alert_rules') }}

),

hours as (

    select * from {{ ref('int_alert_hours_measured') }}

),

-- `all` has a row for every hour of a day with conversations: the other segments are judged at the same moments.
window_ends as (

    select
        rules.*,
        hours.kind,
        hours.unit,
        {{ add_hours('hours.hour_at', 1) }} as window_end_at,
        {{ add_hours('hours.hour_at', '1 - rules.window_hours') }} as window_start_at
    from rules
    inner join hours on rules.metric_name = hours.metric_name and hours.segment = 'all'
    cross join {{ ref('int_data_until_measured') }} as data_until
    where {{ add_hours('hours.hour_at', '1 + hours.maturity_hours') }} <= data_until.data_until_at

),

offsets as (

    {{ integer_series(0, 2207, 'hours_back') }}

),

-- Each hour in every window that holds it. Started from the windows, the engine may join by metric and segment alone, which
-- pairs every hour with every window: four minutes for six years of them.
hours_spread as (

    select
        rules.rule,
        {{ add_hours('hours.hour_at', '1 + offsets.hours_back') }} as window_end_at,
        hours.numerator,
        hours.denominator,
        hours.numerator_squared,
        hours.denominator_squared,
        hours.product_sum,
        hours.cluster_count
    from rules
    inner join hours on rules.metric_name = hours.metric_name and rules.segment = hours.segment
    inner join offsets on rules.window_hours > offsets.hours_back

),

sums as (

    select rule, window_end_at, {{ alert_sums('hours_spread') }}
    from hours_spread
    group by rule, window_end_at

),

windows_summed as (

    select
        window_ends.rule,
        window_ends.metric_name,
        window_ends.segment,
        window_ends.condition,
        window_ends.threshold,
        window_ends.window_hours,
        window_ends.severity,
        window_ends.minimum_sample,
        window_ends.cooldown_hours,
        window_ends.kind,
        window_ends.unit,
        window_ends.window_start_at,
        window_ends.window_end_at,
        sums.numerator,
        sums.denominator,
        sums.numerator_squared,
        sums.denominator_squared,
        sums.product_sum,
        sums.cluster_count
    from window_ends
    inner join sums on window_ends.rule = sums.rule and window_ends.window_end_at = sums.window_end_at

)

select * from windows_summed
