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

-- Hour by hour: as a range of hours the join would look at every hour for every window.
hours_of_rules as (

    select rules.rule, offsets.hours_back
    from rules
    inner join offsets on rules.window_hours > offsets.hours_back

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
        {{ alert_sums('hours') }}
    from window_ends
    inner join hours_of_rules on window_ends.rule = hours_of_rules.rule
    inner join hours
        on
            window_ends.metric_name = hours.metric_name and window_ends.segment = hours.segment
            and {{ add_hours('window_ends.window_end_at', '-1 - hours_of_rules.hours_back') }} = hours.hour_at
    group by
        window_ends.rule, window_ends.metric_name, window_ends.segment, window_ends.condition, window_ends.threshold,
        window_ends.window_hours, window_ends.severity, window_ends.minimum_sample, window_ends.cooldown_hours, window_ends.kind,
        window_ends.unit, window_ends.window_start_at, window_ends.window_end_at

)

select * from windows_summed
